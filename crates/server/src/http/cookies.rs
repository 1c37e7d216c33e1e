//! Cookies. With https they carry the `__Host-` prefix, so that no other host can plant them.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::public_url::PublicUrl;

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// The session's token.
    Session,
    /// Tells one browser from another before anybody signed in; forms are bound to it.
    Browser,
    /// Changes when somebody else is signed in, or nobody: what applications ask after (OpenID Connect Session Management
    /// 1.0, section 3.3). Read by a script inside of their pages, and so no secret.
    State,
}

impl Cookie {
    /// The cookie's name.
    pub fn name(self, public_url: &PublicUrl) -> &'static str {
        match (self, public_url.is_https()) {
            (Self::Session, true) => "__Host-doorward",
            (Self::Session, false) => "doorward",
            (Self::Browser, true) => "__Host-doorward-browser",
            (Self::Browser, false) => "doorward-browser",
            (Self::State, true) => "__Host-doorward-state",
            (Self::State, false) => "doorward-state",
        }
    }

    /// The cookie's value in a request. A browser that sends two of the name is believed in neither.
    pub fn read(self, headers: &HeaderMap, public_url: &PublicUrl) -> Option<String> {
        let name = self.name(public_url);
        let mut values = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(found, _)| *found == name)
            .map(|(_, value)| value);
        let value = values.next()?;
        let is_sound = value.len() <= 100 && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (is_sound && values.next().is_none()).then(|| value.to_owned())
    }

    /// A `Set-Cookie` header. The value is one of our own: letters and digits.
    pub fn set(self, value: &str, public_url: &PublicUrl) -> Option<HeaderValue> {
        let (name, attributes) = (self.name(public_url), self.attributes(public_url));
        HeaderValue::from_str(&format!("{name}={value}; Path=/; {attributes}")).ok()
    }

    /// A `Set-Cookie` header that makes the browser forget it.
    pub fn clear(self, public_url: &PublicUrl) -> Option<HeaderValue> {
        let (name, attributes) = (self.name(public_url), self.attributes(public_url));
        HeaderValue::from_str(&format!("{name}=; Path=/; Max-Age=0; {attributes}")).ok()
    }

    fn attributes(self, public_url: &PublicUrl) -> &'static str {
        match (self, public_url.is_https()) {
            (Self::Session | Self::Browser, true) => "HttpOnly; SameSite=Lax; Secure",
            (Self::Session | Self::Browser, false) => "HttpOnly; SameSite=Lax",
            (Self::State, true) => "SameSite=None; Secure",
            // Browsers take SameSite=None by https only.
            (Self::State, false) => "SameSite=Lax",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cookie: &str, url: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(cookie).unwrap());
        Cookie::Session.read(&headers, &PublicUrl::parse(url).unwrap())
    }

    #[test]
    fn https_means_host_bound_and_secure() {
        let url = PublicUrl::parse("https://id.example").unwrap();
        let set = Cookie::Session.set("abc", &url).unwrap();
        let set = set.to_str().unwrap();
        assert!(set.starts_with("__Host-doorward=abc;") && set.contains("; Secure") && set.contains("HttpOnly"));
        assert_eq!(read("doorward=x; __Host-doorward=abc", "https://id.example").as_deref(), Some("abc"));
    }

    #[test]
    fn only_the_state_can_be_read_by_scripts_and_in_frames() {
        let url = PublicUrl::parse("https://id.example").unwrap();
        let state = Cookie::State.set("abc", &url).unwrap();
        assert_eq!(state.to_str().unwrap(), "__Host-doorward-state=abc; Path=/; SameSite=None; Secure");
        for cookie in [Cookie::Session, Cookie::Browser] {
            let set = cookie.set("abc", &url).unwrap();
            assert!(set.to_str().unwrap().ends_with("; HttpOnly; SameSite=Lax; Secure"));
            assert!(cookie.clear(&url).unwrap().to_str().unwrap().contains("Max-Age=0"));
        }
    }

    #[test]
    fn doubled_or_malformed_cookies_are_not_believed() {
        assert_eq!(read("doorward=a; doorward=b", "http://localhost"), None);
        assert_eq!(read("doorward=a b", "http://localhost"), None);
        assert_eq!(read("doorward=a\"b", "http://localhost"), None);
        assert_eq!(read(&format!("doorward={}", "a".repeat(101)), "http://localhost"), None);
        assert_eq!(read("other=1; doorward=abc", "http://localhost").as_deref(), Some("abc"));
    }
}
