//! Advisories about redirect URIs, replayed: what looks like a registered address is not one, be it registered exactly or as an
//! expression, and whatever the answer would be (RFC 9700, section 4.1).

use crate::{
    on_both, response_types,
    support::{OAuthClient, TestApp},
};
use doorward_core::redirect_uri::{MatchingMode, RedirectUri};

/// A client whose addresses are expressions: a path of the application, and any port of this machine.
async fn loose(app: &TestApp) -> OAuthClient {
    let client = app.application_with("loose", |_, provider| {
        response_types::switch_on(provider);
        provider.redirect_uris = [r"https://netbox\.example\.org/oauth/.*", r"http://127\.0\.0\.1:[0-9]+/cb"]
            .map(|url| RedirectUri { matching_mode: MatchingMode::Regex, ..RedirectUri::exact(url) })
            .into();
    });
    app.client(&client.await)
}

/// Every address is answered with a page, by a client with one exact address and by one with expressions.
async fn lead_nowhere(app: &TestApp, tricks: &[&str]) {
    let (exact, loose) = (response_types::client(app).await, loose(app).await);
    let mut browser = app.signed_in("admin").await;
    for trick in tricks {
        for client in [&exact, &loose] {
            for more in [
                ("response_mode", "query"),
                ("response_mode", "form_post"),
                ("prompt", "none"),
                ("response_type", "id_token"),
            ] {
                let page = browser.request("GET", &client.authorize(&[("redirect_uri", trick), more]), None).await;
                assert_eq!((page.status, page.location()), (400, ""), "{trick} {more:?}");
                assert!(!page.body.contains("<form method=\"post\" action=\"http"), "{trick}");
            }
        }
    }
    let good = browser.get(&loose.authorize(&[("redirect_uri", "http://127.0.0.1:4711/cb")])).await;
    assert!(good.redirect_parameter("code").is_some(), "{}", good.location());
    let good = browser.get(&exact.authorize(&[])).await;
    assert!(good.redirect_parameter("code").is_some(), "{}", good.location());
}

on_both! {
    /// What stands before an @ is no host.
    async fn pocket_id_ghsa_9h33_and_keycloak_cve_2023_6291_user_info_is_refused(app) {
        lead_nowhere(&app, &[
            "https://netbox.example.org@evil.example/oauth/complete/oidc/",
            "https://netbox.example.org:x@evil.example/oauth/",
            "http://127.0.0.1:80@evil.example/cb",
            "https://evil.example\\@netbox.example.org/oauth/complete/oidc/",
        ]).await;
    }

    /// Several of them confuse parsers about which one ends the user information.
    async fn keycloak_cve_2026_7504_several_at_signs_are_refused(app) {
        lead_nowhere(&app, &[
            "https://a@b@netbox.example.org/oauth/complete/oidc/",
            "https://netbox.example.org@evil.example@netbox.example.org/oauth/",
            "https://@netbox.example.org/oauth/complete/oidc/",
        ]).await;
    }

    /// Below a registered path means below it for every reader.
    async fn keycloak_cve_2024_1132_encoded_dots_lead_nowhere(app) {
        lead_nowhere(&app, &[
            "https://netbox.example.org/oauth/../evil",
            "https://netbox.example.org/oauth/./evil",
            "https://netbox.example.org/oauth/%2e%2e/evil",
            "https://netbox.example.org/oauth/.%2E/evil",
            "https://netbox.example.org/oauth/%252e%252e/evil",
            "https://netbox.example.org/oauth/..%2fevil",
            "https://netbox.example.org/oauth/..%25%32%66evil",
            "https://netbox.example.org/oauth/..%5cevil",
            "https://netbox.example.org/oauth/complete\\..\\..\\evil",
            "https://netbox.example.org/oauth/complete/oidc/%23/../x",
        ]).await;
    }

    /// Some servers cut parameters of a path away, and then see two dots.
    async fn keycloak_cve_2026_3872_dots_with_parameters_lead_nowhere(app) {
        lead_nowhere(&app, &[
            "https://netbox.example.org/oauth/..;/evil",
            "https://netbox.example.org/oauth/..;a=b/evil",
            "https://netbox.example.org/oauth/%2e%2e;/evil",
            "https://netbox.example.org/oauth/..%3b/evil",
        ]).await;
    }

    /// Addresses of this machine are none unless they are registered: neither another name of it nor another port.
    async fn keycloak_cve_2024_8883_and_fosite_cve_2020_15233_no_rule_for_loopback(app) {
        lead_nowhere(&app, &[
            "http://localhost/oauth/complete/oidc/",
            "http://127.0.0.1/oauth/complete/oidc/",
            "http://127.0.0.1/cb",
            "http://127.0.0.1.evil.example:80/cb",
            "http://[::1]:80/cb",
            "http://127.0.0.1:80/other",
        ]).await;
    }

    /// Letters of another case are other letters.
    async fn fosite_cve_2020_15234_case_counts(app) {
        lead_nowhere(&app, &[
            "https://netbox.example.org/OAuth/complete/oidc/",
            "HTTPS://netbox.example.org/oauth/complete/oidc",
            "https://NETBOX.example.org/oauth/complete/oidc/",
        ]).await;
    }

    /// A dot in an exact address is a dot, and in an expression as its author wrote it.
    async fn authentik_cve_2024_52289_dots_are_dots(app) {
        lead_nowhere(&app, &[
            "https://netboxXexample.org/oauth/complete/oidc/",
            "https://netbox.example.org./oauth/complete/oidc/",
            "https://netbox.example.org.evil.example/oauth/complete/oidc/",
            "https://evil.example/https://netbox.example.org/oauth/",
        ]).await;
    }

    /// What is no address at all, or moves the browser otherwise.
    async fn what_is_no_address_leads_nowhere(app) {
        lead_nowhere(&app, &[
            "https://netbox.example.org/oauth/complete/oidc/#x",
            "https://netbox.example.org/oauth/ x",
            "https://netbox.example.org/oauth/\r\nLocation: https://evil.example/",
            "//netbox.example.org/oauth/complete/oidc/",
            "/oauth/complete/oidc/",
            "https:netbox.example.org/oauth/",
            "javascript://netbox.example.org/oauth/%0aalert(1)",
            "data:text/html,https://netbox.example.org/oauth/",
            "http://netbox.example.org/oauth/complete/oidc/",
        ]).await;
    }
}
