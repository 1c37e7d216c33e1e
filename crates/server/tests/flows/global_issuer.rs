//! The issuer that applications share: the public URL, with one document, one JWKS and one address for sign-outs.

use crate::on_both;
use crate::support::{Browser, OAuthClient, Page, TestApp};
use doorward_core::{
    application::{ApplicationProfile, RecipeUse},
    grant_type::GrantType,
    method::Method,
    provider::{IssuerMode, ProviderProfile},
    signing_key::KeyAlgorithm,
};
use doorward_protocols::jose::verify::id_token_hint;
use doorward_server::{
    applications::{
        self, ApplicationEdit,
        settings::{self, Wanted},
    },
    keys,
    recipes::Style,
    setup::DEFAULT_KEY,
};
use doorward_store as store;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ROOT: &str = "/.well-known/openid-configuration";
const BYE: &str = "https://netbox.example.org/bye/";
const PUBLIC: &str = "https://id.example.org/";

async fn shared(app: &TestApp, slug: &str, change: impl FnOnce(&mut ProviderProfile)) -> OAuthClient {
    let made = app.application_with(slug, |_, provider| {
        provider.issuer_mode = IssuerMode::Global;
        change(provider);
    });
    app.client(&made.await)
}

fn path<'a>(document: &'a Value, name: &str) -> &'a str {
    &document[name].as_str().unwrap()["https://id.example.org".len()..]
}

async fn jwks(client: &OAuthClient, path: &str) -> BTreeMap<String, Value> {
    let keys = client.get(path).await.json()["keys"].as_array().unwrap().clone();
    let count = keys.len();
    let by_kid: BTreeMap<_, _> = keys.into_iter().map(|key| (key["kid"].as_str().unwrap().to_owned(), key)).collect();
    assert_eq!(by_kid.len(), count, "every kid once");
    by_kid
}

fn end_session(fields: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("/application/o/end-session/?{query}")
}

async fn id_token(client: &OAuthClient, browser: &mut Browser) -> String {
    client.exchange(&client.code(browser, &[]).await).await.text("id_token")
}

/// Whether an address stands on a page, whose slashes are escaped.
fn shows(page: &Page, address: &str) -> bool {
    page.body.replace("&#x2f;", "/").contains(address)
}

async fn is_signed_in(browser: &mut Browser, client: &OAuthClient) -> bool {
    browser.get(&client.authorize(&[("prompt", "none")])).await.redirect_parameter("code").is_some()
}

on_both! {
    /// One document at every address where clients look, readable for every page; the double slash is NetBox's.
    async fn the_public_url_has_a_document(app) {
        let client = shared(&app, "a", |_| {}).await;
        let page = client.get(ROOT).await;
        assert_eq!((page.status, page.header("content-type"), page.header("access-control-allow-origin")), (200, "application/json", "*"));
        assert_eq!(page.header("cache-control"), "public, max-age=300");
        let document = page.json();
        for other in ["//.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
            let page = client.get(other).await;
            assert_eq!((page.status, page.json()), (200, document.clone()), "{other}");
        }
        assert_eq!(document["issuer"], PUBLIC);
        assert_eq!(client.issuer, PUBLIC);
        for (name, last) in [("jwks_uri", "jwks"), ("end_session_endpoint", "end-session"), ("check_session_iframe", "check-session")] {
            assert_eq!(document[name], format!("{PUBLIC}application/o/{last}/"));
            assert_eq!(client.get(path(&document, name)).await.status, 200, "{name}");
        }
        // The application's own document stays where it was, with its own addresses.
        let own = client.get("/application/o/a/.well-known/openid-configuration").await.json();
        assert_eq!((own["issuer"].as_str(), own["jwks_uri"].as_str()), (Some(PUBLIC), Some("https://id.example.org/application/o/a/jwks/")));
        assert_eq!(jwks(&client, "/application/o/a/jwks/").await, jwks(&client, "/application/o/jwks/").await);
    }

    /// Nobody shares an issuer: nothing stands there, and the page says what to do. It comes and goes with the applications.
    async fn without_such_an_application_there_is_nothing(app) {
        let client = app.client(&app.application("own").await);
        let paths = [ROOT, "/.well-known/oauth-authorization-server", "/application/o/jwks/", "/application/o/end-session/", "/application/o/check-session/"];
        for path in paths {
            assert_eq!(client.get(path).await.status, 404, "{path}");
        }
        assert!(client.get(ROOT).await.text().contains("No application has this issuer"));
        assert_eq!(app.browser().request("POST", "/application/o/end-session/", Some(&[("a", "b")])).await.status, 404);
        app.edit("own", |edit| edit.oauth.as_mut().unwrap().issuer_mode = IssuerMode::Global).await;
        for path in paths {
            assert_eq!(client.get(path).await.status, 200, "{path}");
        }
        app.edit("own", |edit| edit.oauth.as_mut().unwrap().issuer_mode = IssuerMode::PerProvider).await;
        assert_eq!(client.get(ROOT).await.status, 404);
    }

    /// What any of them may use, and nothing of applications with an issuer of their own.
    async fn the_document_is_about_all_of_them(app) {
        let [ec, ed] = [KeyAlgorithm::EcP256, KeyAlgorithm::Ed25519];
        let ec = keys::generate(&app.app, &app.actor(), "ec", ec).await.unwrap();
        let ed = keys::generate(&app.app, &app.actor(), "ed", ed).await.unwrap();
        let all: Vec<_> = app.app.snapshot().mappings.iter().map(|mapping| mapping.id).collect();
        let a = shared(&app, "a", |_| {}).await;
        let b = shared(&app, "b", |_| {}).await;
        let c = shared(&app, "c", |provider| {
            provider.signing_key = ec.id;
            provider.grant_types = [GrantType::Implicit].into();
            provider.mappings = all.into_iter().collect();
        }).await;
        app.application_with("own", |_, provider| {
            provider.signing_key = ed.id;
            provider.grant_types = [GrantType::ClientCredentials].into();
        }).await;
        let document = a.get(ROOT).await.json();
        assert_eq!(document["id_token_signing_alg_values_supported"], json!(["ES256", "RS256"]));
        assert_eq!(document["response_types_supported"], json!(["code", "id_token", "id_token token"]));
        let grant_types = document["grant_types_supported"].as_array().unwrap();
        assert!(grant_types.contains(&json!("implicit")) && grant_types.contains(&json!("authorization_code")));
        assert!(!grant_types.contains(&json!("client_credentials")), "{grant_types:?}");
        for name in ["scopes_supported", "claims_supported"] {
            for slug in ["a", "b", "c"] {
                let own = a.get(&format!("/application/o/{slug}/.well-known/openid-configuration")).await.json();
                let all = document[name].as_array().unwrap();
                assert!(own[name].as_array().unwrap().iter().all(|one| all.contains(one)), "{slug} {name}");
            }
        }
        // Two keys, of which two applications have one; tokens of each are verified with what stands here.
        let keys = jwks(&a, "/application/o/jwks/").await;
        assert_eq!(keys.len(), 2);
        let mut browser = app.signed_in("admin").await;
        for client in [&a, &b] {
            let token = id_token(client, &mut browser).await;
            let key = keys[&super::keys::kid_of(&token)].clone();
            id_token_hint(&token, &[(KeyAlgorithm::Rsa, key)], PUBLIC, &client.client_id).unwrap();
        }
        let back = browser.get(&c.authorize(&[("response_type", "id_token")])).await;
        let token = back.fragment()["id_token"].clone();
        let key = keys[&super::keys::kid_of(&token)].clone();
        id_token_hint(&token, &[(KeyAlgorithm::EcP256, key)], PUBLIC, &c.client_id).unwrap();
    }

    /// A new key is published here too before it signs.
    async fn rotated_keys_are_published(app) {
        let client = shared(&app, "a", |_| {}).await;
        keys::rotate(&app.app, &app.actor(), DEFAULT_KEY, false).await.unwrap();
        assert_eq!(jwks(&client, "/application/o/jwks/").await.len(), 2);
        app.clock.advance(SignedDuration::from_hours(4));
        app.app.refresh().await.unwrap();
        assert_eq!(jwks(&client, "/application/o/jwks/").await.len(), 1);
    }

    /// `client_id` says whose request it is, or the hint's audience does.
    async fn sign_out_finds_the_application(app) {
        let (a, b) = (shared(&app, "a", |_| {}).await, shared(&app, "b", |_| {}).await);
        for with_client_id in [false, true] {
            let mut browser = app.signed_in("admin").await;
            let hint = id_token(&b, &mut browser).await;
            let mut fields = vec![("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE), ("state", "s")];
            fields.extend(with_client_id.then_some(("client_id", b.client_id.as_str())));
            assert_eq!(browser.get(&end_session(&fields)).await.location(), format!("{BYE}?state=s"));
            assert!(!is_signed_in(&mut browser, &a).await);
        }
        // By POST the request comes back as GET, and asks: nothing vouches for it.
        let mut browser = app.signed_in("admin").await;
        let fields = [("client_id", a.client_id.as_str()), ("post_logout_redirect_uri", BYE)];
        let sent = browser.request("POST", "/application/o/end-session/", Some(&fields)).await;
        assert!(sent.location().starts_with("/application/o/end-session/?"), "{}", sent.location());
        let asked = browser.get(sent.location()).await;
        assert!(asked.body.contains("id=\"confirm-sign-out\"") && asked.text().contains("App a"));
        let done = browser.submit(&asked, "/sign-out", &[]).await;
        assert!((done.status, done.location()) == (200, "") && shows(&done, BYE), "offered, not followed");
    }

    /// Without either it is a plain sign-out: asked about, and nobody is sent anywhere.
    async fn a_request_of_nobody_leads_nowhere(app) {
        let client = shared(&app, "a", |_| {}).await;
        let mut browser = app.signed_in("admin").await;
        for fields in [vec![], vec![("post_logout_redirect_uri", BYE)], vec![("post_logout_redirect_uri", "https://evil.example/"), ("state", "x")]] {
            let asked = browser.get(&end_session(&fields)).await;
            assert_eq!((asked.status, asked.location()), (200, ""));
            assert!(asked.body.contains("id=\"confirm-sign-out\"") && !asked.body.contains("evil.example") && !shows(&asked, BYE));
            assert!(is_signed_in(&mut browser, &client).await);
        }
        let asked = browser.get(&end_session(&[("post_logout_redirect_uri", BYE)])).await;
        let done = browser.submit(&asked, "/sign-out", &[]).await;
        assert_eq!((done.status, done.location(), shows(&done, BYE)), (200, "", false));
        assert!(!is_signed_in(&mut browser, &client).await);
        let again = browser.get(&end_session(&[("post_logout_redirect_uri", BYE)])).await;
        assert_eq!((again.status, again.location(), shows(&again, BYE)), (200, "", false));
    }

    /// Whatever does not fit together is refused, and everybody stays signed in.
    async fn what_does_not_fit_together_is_refused(app) {
        let (a, b) = (shared(&app, "a", |_| {}).await, shared(&app, "b", |_| {}).await);
        let own = app.client(&app.application("own").await);
        let mut browser = app.signed_in("admin").await;
        let (hint_b, hint_own) = (id_token(&b, &mut browser).await, id_token(&own, &mut browser).await);
        let access = b.exchange(&b.code(&mut browser, &[]).await).await.text("access_token");
        let (signed, _) = hint_b.rsplit_once('.').unwrap();
        let forged = format!("{signed}.AAAA");
        let long = "x".repeat(48 * 1024 + 1);
        let (a_id, b_id, own_id) = (a.client_id.as_str(), b.client_id.as_str(), own.client_id.as_str());
        for fields in [
            vec![("client_id", a_id), ("id_token_hint", hint_b.as_str())],
            vec![("client_id", own_id)],
            vec![("client_id", own_id), ("id_token_hint", &hint_own)],
            vec![("client_id", b_id), ("id_token_hint", &hint_own)],
            vec![("client_id", "nobody"), ("id_token_hint", &hint_b)],
            vec![("id_token_hint", &hint_own)],
            vec![("id_token_hint", &access)],
            vec![("id_token_hint", &forged)],
            vec![("id_token_hint", "x")],
            vec![("id_token_hint", &long)],
            vec![("client_id", a_id), ("client_id", a_id)],
            vec![("client_id", a_id), ("post_logout_redirect_uri", "https://evil.example/")],
        ] {
            let mut fields = fields;
            if !fields.iter().any(|(name, _)| *name == "post_logout_redirect_uri") {
                fields.push(("post_logout_redirect_uri", BYE));
            }
            let page = browser.get(&end_session(&fields)).await;
            assert_eq!((page.status, page.location()), (400, ""), "{fields:?}");
            assert!(is_signed_in(&mut browser, &a).await, "{fields:?}");
        }
        // At an application's own address, too; there a hint of its own is still good.
        let query = end_session(&[("id_token_hint", &hint_b), ("post_logout_redirect_uri", BYE)]);
        assert_eq!(browser.get(&query.replace("/o/", "/o/a/")).await.status, 400);
        assert_eq!(browser.get(&query.replace("/o/", "/o/b/")).await.location(), BYE);
    }

    /// An application that had its slug before the address was taken: everything of it works, and it can be changed.
    async fn applications_with_slugs_taken_later_go_on(app) {
        shared(&app, "a", |_| {}).await;
        for slug in ["jwks", "end-session", "check-session"] {
            let profile = ApplicationProfile::new(slug, slug);
            let edit = ApplicationEdit { profile, oauth: None, ldap: None, proxy: None };
            assert!(applications::create(&app.app, &app.actor(), edit, Vec::new()).await.is_err(), "{slug}");
            let made = app.application_with("before", |_, _| {}).await;
            let (id, mut profile) = (made.application.id, made.application.profile.clone());
            profile.slug = slug.into();
            app.app.change(move |tx| Box::pin(async move { store::application::update(tx, id, &profile).await })).await.unwrap();
            app.edit(slug, |edit| edit.profile.name = format!("Still {slug}")).await;
            let client = app.client(&applications::find_client(&app.app, slug).unwrap());
            let document = client.get(&format!("/application/o/{slug}/.well-known/openid-configuration")).await.json();
            assert_eq!(document["issuer"], client.issuer);
            assert_eq!(jwks(&client, path(&document, "jwks_uri")).await.len(), 1);
            assert_eq!(client.get(path(&document, "check_session_iframe")).await.status, 200);
            let mut browser = app.signed_in("admin").await;
            let hint = id_token(&client, &mut browser).await;
            let query = end_session(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)]);
            assert_eq!(browser.get(&query.replace("/o/", &format!("/o/{slug}/"))).await.location(), BYE);
        }
    }

    /// Several applications with one issuer have one answer.
    async fn webfinger_tells_the_shared_issuer(app) {
        let resource = "/.well-known/webfinger?resource=acct%3Aalice%40example.org";
        let client = shared(&app, "a", |_| {}).await;
        shared(&app, "b", |_| {}).await;
        assert_eq!(client.get(resource).await.json()["links"][0]["href"], PUBLIC);
        app.application("own").await;
        assert_eq!(client.get(resource).await.status, 404);
    }

    /// NetBox's settings name the public URL, and what NetBox makes of it is answered.
    async fn netbox_is_told_the_public_url(app) {
        let made = app.application_with("netbox", |application, provider| {
            let url = "https://netbox.example.org".to_owned();
            let options = json!({ "superuser_groups": [], "managed_groups": [], "group_prefix": "netbox-" });
            application.recipe = Some(RecipeUse { id: "netbox".into(), url, options });
            provider.issuer_mode = IssuerMode::Global;
        });
        let netbox = app.client(&made.await);
        let entry = applications::find(&app.app, "netbox").unwrap();
        let blocks = settings::settings(&app.app, &entry, Wanted::new(Method::Oidc, Style::File)).await.unwrap().unwrap();
        let text: String = blocks.iter().map(|block| block.text.as_str()).collect();
        let line = text.lines().find(|line| line.contains("OIDC_ENDPOINT")).unwrap();
        let endpoint = line.split('\'').nth(1).unwrap();
        assert_eq!(endpoint, PUBLIC);
        let page = netbox.get(&format!("{}/.well-known/openid-configuration", &endpoint["https://id.example.org".len()..])).await;
        assert_eq!((page.status, page.json()["issuer"].as_str()), (200, Some(PUBLIC)));
    }
}
