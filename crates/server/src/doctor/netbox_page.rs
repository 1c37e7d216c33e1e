//! What NetBox's own pages say, for those who look closely. Only as much of HTML is understood as NetBox writes; of a page
//! from somebody else nothing is found.

use serde_json::Value;
use std::collections::BTreeSet;
use url::Url;

use super::finding::{TEXT_MAX, clean};
use crate::recipes::{AppVersion, parse_version};

/// How NetBox calls the generic OpenID Connect backend in its addresses.
pub const BACKEND: &str = "oidc";

/// NetBox's login page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoginPage {
    /// Whether it is one at all.
    pub is_netbox: bool,
    /// The version it names.
    pub version: Option<AppVersion>,
    /// What its forms are to be sent with.
    pub csrf: Option<String>,
    /// Whether there is a button for OpenID Connect.
    pub has_button: bool,
    /// Backends of all buttons.
    pub backends: BTreeSet<String>,
    /// Whether it asks for name and password.
    pub has_password_form: bool,
}

impl LoginPage {
    /// Reads the page.
    pub fn parse(html: &str) -> Self {
        let backends = backends(html);
        let named = attribute(html, "data-netbox-version=\"").or_else(|| attribute(html, "/static/netbox.css?v="));
        let version = named.and_then(|text| parse_version(text).ok());
        let title = between(html, "<title>", "</title>").unwrap_or_default();
        Self {
            is_netbox: version.is_some() || title.contains("NetBox") || html.contains("/static/netbox"),
            version,
            csrf: attribute(html, "name=\"csrfmiddlewaretoken\" value=\"").map(str::to_owned),
            has_button: backends.contains(BACKEND),
            backends,
            has_password_form: html.contains("name=\"password\""),
        }
    }
}

/// The backends that buttons lead to: forms since 4.7, links before.
fn backends(html: &str) -> BTreeSet<String> {
    let starts = ["action=\"/oauth/begin/", "href=\"/oauth/login/", "/oauth/begin/", "/oauth/login/"];
    let mut found = BTreeSet::new();
    for start in starts {
        for rest in html.split(start).skip(1) {
            let name: String =
                rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').collect();
            if !name.is_empty() && name.len() <= 64 && found.len() < 20 {
                found.insert(name);
            }
        }
    }
    found
}

/// The authorization request that NetBox would send a browser with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthorizeUrl {
    /// Where to, without the query.
    pub endpoint: String,
    /// The client ID.
    pub client_id: String,
    /// Where it wants the browser back.
    pub redirect_uri: String,
    /// The scopes it asks for.
    pub scopes: BTreeSet<String>,
    /// Whether it uses PKCE.
    pub has_pkce: bool,
}

impl AuthorizeUrl {
    /// Reads NetBox's answer to the request that begins a sign-in: `{"url": "https://…"}`.
    pub fn parse_answer(body: &str) -> Option<Self> {
        let answer: Value = serde_json::from_str(body).ok()?;
        Self::parse(answer.get("url")?.as_str()?)
    }

    /// Reads the address of an authorization request.
    pub fn parse(text: &str) -> Option<Self> {
        let mut url = Url::parse(text).ok()?;
        let mut request = Self::default();
        for (name, value) in url.query_pairs() {
            match &*name {
                "client_id" => request.client_id = value.into_owned(),
                "redirect_uri" => request.redirect_uri = value.into_owned(),
                "scope" => request.scopes = value.split(' ').filter(|s| !s.is_empty()).map(str::to_owned).collect(),
                "code_challenge" => request.has_pkce = !value.is_empty(),
                _ => {}
            }
        }
        url.set_query(None);
        url.set_fragment(None);
        request.endpoint = url.into();
        Some(request)
    }
}

/// The exception that NetBox's error page names: `requests.exceptions.HTTPError: 404 Client Error: …`.
pub fn exception(html: &str) -> Option<String> {
    let block = between(html, "<pre class=\"block\">", "</pre>")?;
    let (class, rest) = block.split_once("<br />").unwrap_or(("", block));
    let class = unescape(class);
    let class = class.split('\'').nth(1).unwrap_or_default();
    let message = rest.split("Python version:").next().unwrap_or_default();
    let text = clean(&format!("{class}: {}", unescape(message)), TEXT_MAX);
    Some(text.trim_start_matches(": ").to_owned()).filter(|text| !text.is_empty())
}

/// The first http address in a text.
pub fn address_in(text: &str) -> Option<&str> {
    let start = text.find("http://").or_else(|| text.find("https://"))?;
    let rest = text.get(start..)?;
    rest.split(|c: char| c.is_whitespace() || "'\"<>".contains(c)).next()
}

/// The quoted or bare value that follows a text.
fn attribute<'a>(html: &'a str, before: &str) -> Option<&'a str> {
    let rest = html.split_once(before)?.1;
    let value = rest.split(['"', '\'', '>', ' ', '\n']).next()?;
    (!value.is_empty() && value.len() <= 200).then_some(value)
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.split_once(start)?.1.split_once(end).map(|(inside, _)| inside)
}

/// A piece of HTML without tags, its entities resolved: the five that Django writes.
fn unescape(html: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for c in html.chars() {
        match c {
            '<' => is_tag = true,
            '>' if is_tag => is_tag = false,
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    text.replace("&#x27;", "'").replace("&#39;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As NetBox 4.7.3 wrote it, shortened.
    const LOGIN: &str = r#"<!DOCTYPE html>
<html lang="en" data-netbox-url-name="login"
  data-netbox-version="4.7.3"
  ><head><title>Home | NetBox</title></head><body>
<form action="/login/" method="post">
  <input type="hidden" name="csrfmiddlewaretoken" value="ubirGftwLPFwblB5EOQ14jFwuKHHdoI0">
  <input type="password" name="password" autocomplete="current-password"></form>
<form action="/oauth/begin/oidc/" method="post" class="sso-login-form">
  <input type="hidden" name="csrfmiddlewaretoken" value="ubirGftwLPFwblB5EOQ14jFwuKHHdoI0">
</form></body></html>"#;

    const ERROR: &str = r#"<pre class="block"><strong>&lt;class &#x27;requests.exceptions.HTTPError&#x27;&gt;</strong><br />
404 Client Error: File not found for url: http://127.0.0.1:18766/application/o/x//.well-known/openid-configuration

Python version: 3.12.1
NetBox version: 4.7.3
Plugins: None installed
</pre>"#;

    #[test]
    fn the_login_page_tells_version_buttons_and_forms() {
        let page = LoginPage::parse(LOGIN);
        assert!(page.is_netbox && page.has_button && page.has_password_form);
        assert_eq!(page.version, Some((4, 7, 3)));
        assert_eq!(page.csrf.as_deref(), Some("ubirGftwLPFwblB5EOQ14jFwuKHHdoI0"));
        let hidden = LOGIN.replace("name=\"password\"", "").replace("/oauth/begin/oidc/", "/oauth/begin/saml/");
        let page = LoginPage::parse(&hidden);
        assert!(!page.has_button && !page.has_password_form);
        assert_eq!(page.backends, BTreeSet::from(["saml".to_owned()]));
    }

    #[test]
    fn older_versions_have_links_and_name_themselves_in_addresses() {
        let old =
            "<title>NetBox</title><link href=\"/static/netbox.css?v=4.2.1\"><a href=\"/oauth/login/oidc/?next=/\">";
        let page = LoginPage::parse(old);
        assert!(page.is_netbox && page.has_button);
        assert_eq!(page.version, Some((4, 2, 1)));
    }

    #[test]
    fn a_page_of_somebody_else_is_none_of_netbox() {
        assert_eq!(LoginPage::parse("<title>Welcome to nginx!</title>"), LoginPage::default());
    }

    #[test]
    fn the_authorization_request_is_taken_apart() {
        let answer = r#"{"url": "https://id.example.org/application/o/authorize/?client_id=k&redirect_uri=http://nb.example.org/oauth/complete/oidc/&state=s&response_type=code&nonce=n&scope=openid+profile+email&code_challenge_method=S256&code_challenge=c"}"#;
        let request = AuthorizeUrl::parse_answer(answer).unwrap();
        assert_eq!(request.endpoint, "https://id.example.org/application/o/authorize/");
        assert_eq!((request.client_id.as_str(), request.has_pkce), ("k", true));
        assert_eq!(request.redirect_uri, "http://nb.example.org/oauth/complete/oidc/");
        assert_eq!(request.scopes, ["email", "openid", "profile"].map(str::to_owned).into());
        for odd in ["", "{}", "[]", "{\"url\":7}", "{\"url\":\"/login/\"}"] {
            assert_eq!(AuthorizeUrl::parse_answer(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_error_page_names_the_exception_and_the_address() {
        let text = exception(ERROR).unwrap();
        assert!(text.starts_with("requests.exceptions.HTTPError: 404 Client Error"), "{text}");
        assert!(!text.contains("Python version"));
        let url = "http://127.0.0.1:18766/application/o/x//.well-known/openid-configuration";
        assert_eq!(address_in(&text), Some(url));
        assert_eq!(exception("<p>Server Error</p>"), None);
    }

    #[test]
    fn html_in_an_exception_does_not_come_through() {
        let page = "<pre class=\"block\"><script>alert(1)</script>\u{1b}[31m&lt;b&gt;</pre>";
        assert_eq!(exception(page).as_deref(), Some("alert(1)[31m<b>"));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_not(page in ".{0,300}", inside in ".{0,100}") {
            let _ = (LoginPage::parse(&page), AuthorizeUrl::parse(&page), exception(&page), address_in(&page));
            let text = exception(&format!("<pre class=\"block\">{inside}</pre>")).unwrap_or_default();
            prop_assert!(text.chars().count() <= TEXT_MAX + 1);
            let _ = LoginPage::parse(&format!("{LOGIN}{inside}"));
        }
    }
}
