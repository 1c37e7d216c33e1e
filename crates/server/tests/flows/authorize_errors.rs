//! Errors of authorization requests: right code, right place, `state` and `iss`; and pages that never redirect.

use crate::{on_both, support::CALLBACK};
use doorward_core::{
    access_rule::AccessRule,
    redirect_uri::{MatchingMode, RedirectUri},
};

on_both! {
    /// RFC 6749, section 4.1.2.1; OpenID Connect Core 1.0, section 3.1.2.6; RFC 9207.
    async fn errors_go_back_to_the_client(app) {
        let client = app.client(&app.application("a").await);
        let mut anonymous = app.browser();
        for (parameter, error) in [
            (("response_type", ""), "invalid_request"),
            (("response_type", "none"), "unsupported_response_type"),
            (("response_type", "code magic"), "unsupported_response_type"),
            (("response_mode", "web_message"), "invalid_request"),
            (("scope", "op\"en"), "invalid_scope"),
            (("prompt", "none"), "login_required"),
            (("prompt", "none login"), "invalid_request"),
            (("max_age", "soon"), "invalid_request"),
            (("request", "x"), "request_not_supported"),
            (("request_uri", "https://evil.example/"), "request_uri_not_supported"),
            (("registration", "{}"), "registration_not_supported"),
            (("code_challenge", "short"), "invalid_request"),
            (("id_token_hint", "nonsense"), "invalid_request"),
        ] {
            let page = anonymous.get(&client.authorize(&[parameter])).await;
            assert!(page.location().starts_with(CALLBACK), "{parameter:?}: {}", page.status);
            assert_eq!(page.redirect_parameter("error").as_deref(), Some(error), "{parameter:?}");
            assert_eq!(page.redirect_parameter("state").as_deref(), Some("the-state"));
            assert_eq!(page.redirect_parameter("iss").as_deref(), Some(client.issuer.as_str()));
            assert_eq!(page.redirect_parameter("code"), None);
            let description = page.redirect_parameter("error_description").unwrap();
            assert!(description.chars().all(|c| matches!(c, ' '..='~') && c != '"' && c != '\\'), "{description}");
        }
    }

    /// Nobody is ever sent to an address that is not registered, nor to a registered one in its place.
    async fn bad_clients_and_redirect_uris_get_a_page(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.browser();
        for parameter in [
            ("client_id", "unknown"), ("client_id", ""), ("redirect_uri", ""),
            ("redirect_uri", "https://netbox.example.org/oauth/complete/oidc"),
            ("redirect_uri", "https://netbox.example.org/oauth/complete/oidc/?x=1"),
            ("redirect_uri", "https://netbox.example.org@evil.example/oauth/complete/oidc/"),
            ("redirect_uri", "javascript:alert(1)"), ("redirect_uri", "https://netbox.example.org/bye/"),
        ] {
            let page = browser.request("GET", &client.authorize(&[parameter]), None).await;
            assert_eq!((page.status, page.location()), (400, ""), "{parameter:?}");
            assert!(page.body.contains("reference") || page.body.contains("Reference"));
            // What is registered is nobody's business but the administrator's.
            assert!(!page.text().contains("oauth/complete/oidc"), "{parameter:?}");
        }
    }

    /// Keycloak CVE-2026-9689: doubled parameters are an error, not a choice.
    async fn cve_2026_9689_doubled_parameters_are_refused(app) {
        let client = app.client(&app.application("a").await);
        let target = format!("{}&redirect_uri=https%3A%2F%2Fevil.example%2F", client.authorize(&[]));
        let page = app.browser().request("GET", &target, None).await;
        assert_eq!((page.status, page.location()), (400, ""));
    }

    /// The administrator sees both addresses with the difference marked, and can add the new one.
    async fn administrators_see_both_addresses(app) {
        let client = app.client(&app.application("a").await);
        let wrong = "http://netbox.example.org/oauth/complete/oidc/";
        let mut browser = app.signed_in("admin").await;
        let page = browser.request("GET", &client.authorize(&[("redirect_uri", wrong)]), None).await;
        assert_eq!(page.status, 400);
        assert!(page.text().contains("oauth/complete/oidc"), "{}", page.body);
        assert!(page.text().contains("/if/admin/applications/a/add-redirect-uri/"));
        doorward_server::applications::add_redirect_uri(&app.app, &app.actor(), "a", wrong).await.unwrap();
        let page = browser.get(&client.authorize(&[("redirect_uri", wrong)])).await;
        assert!(page.redirect_parameter("code").is_some());
    }

    /// A person without access sees why, with a code that the log knows; `prompt=none` tells the client.
    async fn no_access_is_explained(app) {
        app.user("carol", &[]).await;
        let registered = app.application_with("a", |profile, _| profile.access = AccessRule::nobody()).await;
        let client = app.client(&registered);
        let mut browser = app.signed_in("carol").await;
        let page = browser.get(&client.authorize(&[])).await;
        assert_eq!((page.status, page.location()), (403, ""));
        assert!(page.body.contains("App a") && page.body.contains("carol"));
        let silent = browser.get(&client.authorize(&[("prompt", "none")])).await;
        assert_eq!(silent.redirect_parameter("error").as_deref(), Some("access_denied"));
        let events = app.app.db.read(|tx| Box::pin(doorward_store::event::newest(tx, 50))).await.unwrap();
        assert!(events.iter().any(|event| event.text.contains("access rule") && page.body.contains(&event.reference)));
    }

    /// An expression allows what it matches as a whole.
    async fn expressions_allow_what_they_match(app) {
        let registered = app.application_with("a", |_, provider| {
            provider.redirect_uris = vec![RedirectUri {
                matching_mode: MatchingMode::Regex,
                ..RedirectUri::exact(r"https://[a-z]+\.lab\.example/cb")
            }];
        }).await;
        let client = app.client(&registered);
        let mut browser = app.signed_in("admin").await;
        let good = browser.get(&client.authorize(&[("redirect_uri", "https://one.lab.example/cb")])).await;
        assert!(good.redirect_parameter("code").is_some());
        let bad = browser.get(&client.authorize(&[("redirect_uri", "https://one.lab.example/cb/../x")])).await;
        assert_eq!(bad.status, 400);
    }
}
