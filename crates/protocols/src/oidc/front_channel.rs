//! Addresses that a browser loads when somebody signs out (OpenID Connect Front-Channel Logout 1.0, section 2).

use url::Url;

/// An address ready to be loaded in a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The whole address, with `iss` and `sid`.
    pub url: String,
    /// Scheme, host and port, fit for a content security policy.
    pub origin: String,
}

/// The registered address with `iss` and `sid` added; its own query stays. `None` for what no frame may hold: schemes other
/// than `http` and `https`, credentials, and hosts with characters that would mean something in a policy.
pub fn frame(logout_uri: &str, issuer: &str, sid: &str) -> Option<Frame> {
    let mut url = Url::parse(logout_uri).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    let origin = url.origin().ascii_serialization();
    let is_plain = origin.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:/[]".contains(&byte));
    if !is_web || !is_plain {
        return None;
    }
    url.set_fragment(None);
    url.query_pairs_mut().append_pair("iss", issuer).append_pair("sid", sid);
    Some(Frame { url: url.into(), origin })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ISSUER: &str = "https://id.example/application/o/a/";

    #[test]
    fn the_query_is_kept_and_issuer_and_session_are_added() {
        let made = frame("https://a.example:8443/bye?x=1%2F2#part", ISSUER, "s1").unwrap();
        assert_eq!(
            made.url,
            "https://a.example:8443/bye?x=1%2F2&iss=https%3A%2F%2Fid.example%2Fapplication%2Fo%2Fa%2F&sid=s1"
        );
        assert_eq!(made.origin, "https://a.example:8443");
        assert_eq!(frame("http://[::1]:80/", ISSUER, "s").unwrap().origin, "http://[::1]");
    }

    #[test]
    fn what_no_frame_may_hold_is_left_out() {
        for uri in ["javascript:alert(1)", "data:text/html,x", "ftp://a.example/", "https://u:p@a.example/", "", "a b"]
        {
            assert_eq!(frame(uri, ISSUER, "s"), None, "{uri}");
        }
        // What would add a directive, or another source, to the policy.
        for uri in ["https://a;script-src/", "https://a.example,b/", "https://*.example/", "https://a'b/"] {
            assert!(frame(uri, ISSUER, "s").is_none_or(|made| !made.origin.contains([';', ',', '*', '\''])), "{uri}");
        }
    }

    proptest! {
        #[test]
        fn no_origin_escapes_a_policy(uri in "https?://[ -~]{1,40}") {
            if let Some(made) = frame(&uri, ISSUER, "s") {
                prop_assert!(!made.origin.contains([' ', ';', ',', '*', '\'', '"']));
            }
        }
    }
}
