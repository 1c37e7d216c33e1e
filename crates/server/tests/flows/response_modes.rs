//! How answers travel: query, fragment, form.

use crate::{
    on_both, response_types,
    support::{CALLBACK, Page},
};

/// A state with everything that has a meaning somewhere.
const STATE: &str = "a b+c&d=e#f%2Fg\"'<>;?/\\é\u{1f600}";

/// The fields of a form, unescaped.
fn field(page: &Page, name: &str) -> String {
    let text = page.hidden(name);
    text.replace("&quot;", "\"").replace("&#x27;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

on_both! {
    /// The page sends itself, in words that the oldest browsers read, too.
    async fn the_form_sends_itself(app) {
        let client = app.client(&app.application("a").await);
        let page = app.signed_in("admin").await.get(&client.authorize(&[("response_mode", "form_post")])).await;
        let (_, rest) = page.body.split_once("<script src=\"/assets/form-post.js?v=").expect(&page.body);
        let script = client.get(&format!("/assets/form-post.js?v={}", rest.split_once('"').unwrap().0)).await;
        assert_eq!((script.status, script.header("content-type")), (200, "text/javascript; charset=utf-8"));
        let code: String = script.body.lines().filter(|line| !line.starts_with("//")).collect();
        assert!(code.contains("submit") && !["=>", "const ", "let ", "?.", "async", "`"].iter().any(|new| code.contains(new)), "{code}");
        assert!(page.body.contains("id=\"form-post\"") && page.body.contains("id=\"continue\""));
    }

    /// OAuth 2.0 Form Post Response Mode: nothing in the address, for tokens and for errors.
    async fn form_post_carries_tokens_and_errors(app) {
        let client = response_types::client(&app).await;
        let mut browser = app.signed_in("admin").await;
        let more = [("response_mode", "form_post"), ("response_type", "code id_token token"), ("state", STATE)];
        let page = browser.get(&client.authorize(&more)).await;
        assert_eq!((page.status, page.location()), (200, ""));
        assert!(page.text().contains(&format!("action=\"{CALLBACK}\"")), "{}", page.body);
        for name in ["code", "id_token", "access_token", "token_type", "expires_in"] {
            assert!(!page.hidden(name).is_empty(), "{name}");
        }
        assert_eq!((field(&page, "state"), page.hidden("iss")), (STATE.to_owned(), client.issuer.clone()));
        // Without scripts there is a button, which sends nothing of its own.
        assert!(page.body.contains("id=\"continue\"") && !page.body.contains("name=\"csrf\""));
        for (parameter, error) in [
            (("nonce", ""), "invalid_request"), (("response_type", ""), "invalid_request"),
            (("response_type", "token"), "unsupported_response_type"), (("max_age", "x"), "invalid_request"),
        ] {
            let mut target = vec![("response_mode", "form_post"), ("response_type", "id_token"), parameter];
            if parameter.0 == "response_type" {
                target.remove(1);
            }
            let page = browser.get(&client.authorize(&target)).await;
            assert_eq!((page.status, page.hidden("error").as_str(), page.location()), (200, error, ""), "{parameter:?}");
            assert_eq!((page.hidden("state").as_str(), page.hidden("iss")), ("the-state", client.issuer.clone()));
            assert!(!page.body.contains("name=\"code\"") && !page.body.contains("name=\"id_token\""));
        }
    }

    /// RFC 9700, section 4.2: pages and redirects tell no third party, are kept by nobody and can be framed by nobody.
    async fn answers_leak_nowhere(app) {
        let client = response_types::client(&app).await;
        let mut browser = app.signed_in("admin").await;
        for mode in ["query", "fragment", "form_post"] {
            let page = browser.get(&client.authorize(&[("response_mode", mode)])).await;
            assert_eq!(page.header("referrer-policy"), "no-referrer", "{mode}");
            assert_eq!(page.header("cache-control"), "no-store", "{mode}");
            assert_eq!(page.header("x-frame-options"), "DENY", "{mode}");
            let policy = page.header("content-security-policy");
            assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
        }
    }

    /// RFC 6749, section 4.1.2: `state` comes back byte for byte, in every mode, with the answer and with errors.
    async fn state_comes_back_byte_for_byte(app) {
        let client = response_types::client(&app).await;
        let mut browser = app.signed_in("admin").await;
        let long = "s".repeat(4000);
        for state in [STATE, " ", "\r\n\t", long.as_str()] {
            for error in [("max_age", ""), ("max_age", "x")] {
                let query = browser.get(&client.authorize(&[("state", state), error])).await;
                assert_eq!(query.redirect_parameter("state").as_deref(), Some(state));
                let more = [("state", state), ("response_type", "id_token"), error];
                assert_eq!(browser.get(&client.authorize(&more)).await.fragment()["state"], state);
            }
        }
        let without = browser.get(&client.authorize(&[("state", "")])).await;
        assert_eq!(without.redirect_parameter("state"), None);
    }

    /// A code may travel in a fragment, where it is asked for.
    async fn codes_may_travel_in_a_fragment(app) {
        let client = client_of(&app).await;
        let mut browser = app.signed_in("admin").await;
        let answer = browser.get(&client.authorize(&[("response_mode", "fragment")])).await.fragment();
        assert_eq!(client.exchange(&answer["code"]).await.status, 200);
        let failed = browser.get(&client.authorize(&[("response_mode", "fragment"), ("max_age", "x")])).await;
        assert_eq!(failed.fragment()["error"], "invalid_request");
    }

    /// OpenID Connect Core 1.0, section 6.2, and RFC 9101, section 6.3: a `request_uri` is refused, in the mode that stands beside it. One
    /// that stands inside is not read: nothing is fetched from where a request says.
    async fn request_uris_are_refused_in_the_mode_that_was_asked_for(app) {
        let client = response_types::client(&app).await;
        let mut browser = app.signed_in("admin").await;
        let request_uri = ("request_uri", "https://netbox.example.org/request#sha");
        for response_type in ["code", "id_token", "code id_token"] {
            let outside = [("response_type", response_type), ("response_mode", "form_post"), request_uri];
            let form = browser.get(&client.authorize(&outside)).await;
            assert_eq!((form.status, form.hidden("error").as_str()), (200, "request_uri_not_supported"), "{response_type}");
            assert_eq!(form.hidden("state"), "the-state");
            let fragment = [("response_type", response_type), ("response_mode", "fragment"), request_uri];
            assert_eq!(browser.get(&client.authorize(&fragment)).await.fragment()["error"], "request_uri_not_supported");
            let default = browser.get(&client.authorize(&[("response_type", response_type), request_uri])).await;
            let error = if response_type == "code" { default.redirect_parameter("error").unwrap() } else { default.fragment()["error"].clone() };
            assert_eq!(error, "request_uri_not_supported", "{response_type}");
        }
        // With nobody signed in it is refused as well, before anybody is asked to sign in.
        let outside = [("response_mode", "form_post"), request_uri, ("prompt", "none")];
        assert_eq!(app.browser().get(&client.authorize(&outside)).await.hidden("error"), "request_uri_not_supported");
    }
}

async fn client_of(app: &crate::support::TestApp) -> crate::support::OAuthClient {
    app.client(&app.application("a").await)
}
