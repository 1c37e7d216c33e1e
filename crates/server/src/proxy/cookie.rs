//! Cookies at protected hosts.

use axum::http::{HeaderMap, HeaderValue, header};

use super::client::ProxyClient;

/// Longest value that is read, in bytes.
const VALUE_MAX: usize = 1024;

/// What a request says under the name of a cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sent {
    /// Nothing.
    None,
    /// One value that could be ours.
    One(String),
    /// Several values: none is believed.
    Several,
    /// Something that is none of ours.
    Malformed,
}

impl Sent {
    /// The value, if there is one that could be ours.
    pub(super) fn value(self) -> Option<String> {
        match self {
            Self::One(value) => Some(value),
            _ => None,
        }
    }
}

/// The session's cookie of an application in a request.
pub(super) fn session(client: &ProxyClient, headers: &HeaderMap) -> Sent {
    read(headers, &client.cookie)
}

/// The cookie that binds a sign-in to the browser.
pub(super) fn start(client: &ProxyClient, headers: &HeaderMap) -> Sent {
    read(headers, &start_name(client))
}

fn start_name(client: &ProxyClient) -> String {
    format!("{}_start", client.cookie)
}

fn read(headers: &HeaderMap, name: &str) -> Sent {
    let cookies = headers.get_all(header::COOKIE).iter();
    // Other cookies of the host may hold anything; a header that is not ASCII is still looked through.
    let pairs = cookies.flat_map(|cookie| cookie.as_bytes().split(|byte| *byte == b';'));
    let mut values = pairs.filter_map(|pair| {
        let pair = pair.trim_ascii();
        pair.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="))
    });
    match (values.next(), values.next()) {
        (None, _) => Sent::None,
        (Some(_), Some(_)) => Sent::Several,
        (Some(value), None) => match std::str::from_utf8(value) {
            Ok(value) if is_sound(value) => Sent::One(value.to_owned()),
            _ => Sent::Malformed,
        },
    }
}

fn is_sound(value: &str) -> bool {
    let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=VALUE_MAX).contains(&value.len()) && value.bytes().all(is_ours)
}

/// Sets the session's cookie. It lasts as long as the browser; the session behind it has its own end.
pub(super) fn set_session(client: &ProxyClient, token: &str) -> Option<HeaderValue> {
    line(client, &client.cookie, token, "")
}

/// Makes the browser forget the session's cookie.
pub(super) fn clear_session(client: &ProxyClient) -> Option<HeaderValue> {
    line(client, &client.cookie, "", "; Max-Age=0")
}

/// Sets the cookie that binds a sign-in to the browser.
pub(super) fn set_start(client: &ProxyClient, value: &str) -> Option<HeaderValue> {
    let age = format!("; Max-Age={}", super::state::LIFETIME.as_secs());
    line(client, &start_name(client), value, &age)
}

fn line(client: &ProxyClient, name: &str, value: &str, age: &str) -> Option<HeaderValue> {
    let secure = if client.external.is_https() { "; Secure" } else { "" };
    let domain = client.cookie_domain().map(|domain| format!("; Domain={domain}")).unwrap_or_default();
    HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{domain}{age}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sent(cookies: &[&[u8]]) -> Sent {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, HeaderValue::from_bytes(cookie).unwrap());
        }
        read(&headers, "authentik_proxy_0")
    }

    #[test]
    fn one_sound_value_is_read_among_others() {
        assert_eq!(sent(&[b"sessionid=\"\xff\"; authentik_proxy_0=abc-_1; x=y"]), Sent::One("abc-_1".into()));
        assert_eq!(sent(&[b"x=y", b"authentik_proxy_0=abc"]), Sent::One("abc".into()));
        assert_eq!(sent(&[b"authentik_proxy_01=abc; authentik_proxy_0_start=x; XX=authentik_proxy_0=a"]), Sent::None);
        assert_eq!(sent(&[]), Sent::None);
    }

    #[test]
    fn doubled_and_malformed_values_are_not_believed() {
        assert_eq!(sent(&[b"authentik_proxy_0=a; authentik_proxy_0=a"]), Sent::Several);
        assert_eq!(sent(&[b"authentik_proxy_0=a", b"authentik_proxy_0=b"]), Sent::Several);
        for value in ["", "a b", "\"a\"", "a%00", "MTIz|x|y=="] {
            assert_eq!(sent(&[format!("authentik_proxy_0={value}").as_bytes()]), Sent::Malformed, "{value}");
        }
        assert_eq!(sent(&[b"authentik_proxy_0=\xc3\xa4"]), Sent::Malformed);
        let long = format!("authentik_proxy_0={}", "a".repeat(VALUE_MAX + 1));
        assert_eq!(sent(&[long.as_bytes()]), Sent::Malformed);
    }

    proptest! {
        #[test]
        fn no_header_panics(cookie in "[ -~\\x80-\\xff]{0,80}") {
            if HeaderValue::from_bytes(cookie.as_bytes()).is_ok() {
                let _ = sent(&[cookie.as_bytes()]);
            }
        }
    }
}
