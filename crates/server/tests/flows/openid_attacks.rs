//! What somebody tries who knows OpenID Connect well: more claims than were allowed, steps that were never taken, hints that
//! came by other ways.

use crate::{
    on_both,
    support::{OAuthClient, PASSWORD, Page, TestApp},
};
use doorward_core::{application::ConsentMode, claim_mapping::MappingProfile, grant_type::GrantType, id::MappingId};
use doorward_server::mappings;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Asks for a claim that two scopes make, each another part of it.
const ROOM: &str = r#"{"userinfo": {"room": null}, "id_token": {"room": null}}"#;

/// An application with the scopes `desk` and `vault`, which both make the claim `room`.
async fn two_rooms(app: &TestApp, consent: ConsentMode) -> OAuthClient {
    let mut chosen: BTreeSet<MappingId> = app
        .app
        .snapshot()
        .mappings
        .iter()
        .filter(|mapping| ["openid", "offline_access"].contains(&mapping.profile.scope.as_str()))
        .map(|mapping| mapping.id)
        .collect();
    for (scope, expression) in
        [("desk", "{\"room\": {\"number\": \"3.14\"}}"), ("vault", "{\"room\": {\"code\": \"4711\"}}")]
    {
        let profile = MappingProfile {
            name: format!("Room {scope}"),
            scope: scope.into(),
            expression: expression.into(),
            description: String::new(),
        };
        chosen.insert(mappings::create(&app.app, &app.actor(), profile).await.unwrap().id);
    }
    let registered = app.application_with("a", |profile, provider| {
        profile.consent = consent;
        provider.include_claims_in_id_token = false;
        provider.mappings = chosen;
    });
    app.client(&registered.await)
}

async fn room(client: &OAuthClient, access_token: &str) -> Value {
    client.userinfo(access_token).await.json()["room"].clone()
}

fn asks(page: &Page) -> bool {
    page.body.contains("id=\"allow\"")
}

on_both! {
    /// A claim by name is made of all scopes that have it. That one of them was allowed does not allow the others.
    async fn a_claim_of_two_scopes_is_not_smuggled_past_consent(app) {
        let client = two_rooms(&app, ConsentMode::FirstTime).await;
        let mut browser = app.signed_in("admin").await;
        let page = browser.get(&client.authorize(&[("scope", "openid desk")])).await;
        assert!(asks(&page) && page.text().contains("3.14") && !page.text().contains("4711"), "{}", page.body);
        browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let request = [("scope", "openid"), ("claims", ROOM)];
        let silent = browser.get(&client.authorize(&[&request[..], &[("prompt", "none")]].concat())).await;
        assert_eq!(silent.redirect_parameter("error").as_deref(), Some("consent_required"));
        // Shown and allowed, it is given.
        let page = browser.get(&client.authorize(&request)).await;
        assert!(asks(&page) && page.text().contains("4711"), "{}", page.body);
        let code = browser.submit(&page, "/consent", &[("decision", "allow")]).await.redirect_parameter("code").unwrap();
        let tokens = client.exchange(&code).await;
        assert_eq!(room(&client, &tokens.text("access_token")).await, json!({ "number": "3.14", "code": "4711" }));
    }

    /// Whoever refreshes for fewer scopes is not told more than with all of them.
    async fn fewer_scopes_bring_no_more_of_a_claim(app) {
        let client = two_rooms(&app, ConsentMode::Always).await;
        let mut browser = app.signed_in("admin").await;
        let page = browser.get(&client.authorize(&[("scope", "openid desk offline_access"), ("claims", ROOM)])).await;
        assert!(asks(&page) && !page.text().contains("4711"), "{}", page.body);
        let code = browser.submit(&page, "/consent", &[("decision", "allow")]).await.redirect_parameter("code").unwrap();
        let tokens = client.exchange(&code).await;
        let desk = json!({ "number": "3.14" });
        assert_eq!((room(&client, &tokens.text("access_token")).await, &tokens.claims("id_token")["room"]), (desk.clone(), &desk));
        let refresh = tokens.text("refresh_token");
        let fewer = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str()), ("scope", "openid")];
        let tokens = client.token(&fewer).await;
        assert_eq!(tokens.text("scope"), "openid");
        assert_eq!((room(&client, &tokens.text("access_token")).await, &tokens.claims("id_token")["room"]), (desk.clone(), &desk));
    }

    /// What was sealed for the sign-in form is no answer to the question for consent, which nobody has seen yet.
    async fn a_sign_in_form_does_not_stand_for_consent(app) {
        let client = app.client(&app.application_with("a", |profile, _| profile.consent = ConsentMode::Always).await);
        let mut browser = app.browser();
        let sign_in = browser.get(&client.authorize(&[])).await;
        browser.sign_in("/if/user/", "admin", PASSWORD).await;
        let page = browser.submit(&sign_in, "/consent", &[("decision", "allow")]).await;
        assert!(asks(&page), "{} {}", page.status, page.location());
        // Nor is the choice of an account.
        let choice = browser.get(&client.authorize(&[("prompt", "select_account")])).await;
        let page = browser.submit(&choice, "/consent", &[("decision", "allow")]).await;
        assert!(page.redirect_parameter("code").is_none(), "{}", page.location());
    }

    /// An ID token that was issued in no browser vouches for no browser: whoever took a device may not sign its owner out.
    async fn an_id_token_of_a_device_signs_no_browser_out(app) {
        let registered = app.application_with("a", |_, provider| {
            provider.grant_types.insert(GrantType::DeviceCode);
        });
        let client = app.client(&registered.await);
        let given = client.send("/application/o/device/", None, &[("client_id", &client.client_id), ("scope", "openid")]).await;
        let mut browser = app.signed_in("admin").await;
        let csrf = browser.get("/device").await.hidden("csrf");
        let fields = [("csrf", csrf.as_str()), ("code", &given.text("user_code"))];
        let question = browser.request("POST", "/device", Some(&fields)).await;
        browser.submit(&question, "/device", &[("decision", "allow")]).await;
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        let tokens = client.token(&[("grant_type", grant), ("device_code", &given.text("device_code"))]).await;
        let hint = tokens.text("id_token");
        let page = browser.get(&format!("/application/o/a/end-session/?id_token_hint={hint}")).await;
        assert!(page.body.contains("id=\"confirm-sign-out\""), "{} {}", page.status, page.location());
        client.code(&mut browser, &[("prompt", "none")]).await;
    }

    /// Another site's form does not take a browser's mark away, also where browsers do not say that it is another site's but
    /// only whose (plain HTTP, old browsers).
    async fn another_sites_form_leaves_the_mark_of_a_browser_alone(app) {
        let client = app.client(&app.application("a").await);
        for origin in ["https://evil.example", "null", "https://id.example.org.evil.example"] {
            let mut foreign = app.browser();
            foreign.headers.push(("origin", origin.to_owned()));
            for target in ["/application/o/authorize/?back", "/application/o/a/end-session/", "/sign-in", "/consent"] {
                let page = foreign.request("POST", target, Some(&[("client_id", &client.client_id)])).await;
                assert_eq!(page.header("set-cookie"), "", "{origin} {target}");
            }
        }
    }
}
