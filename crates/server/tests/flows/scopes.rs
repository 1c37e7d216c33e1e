//! Which claims come from which scopes, where they stand, and what userinfo says when it says no.

use crate::{
    on_both,
    support::{OAuthClient, PASSWORD, Page, TestApp},
};
use axum::{body::Body, extract::Request};
use doorward_core::{provider::ProviderProfile, user::UserProfile};
use doorward_server::directory::users;
use serde_json::{Map, Value, json};
use tower::ServiceExt;

/// Everything that OpenID Connect Core 1.0, section 5.1, has.
pub(crate) fn attributes() -> Value {
    json!({
        "middle_name": "Beatrice", "nickname": "Al", "profile": "https://example.org/alice",
        "picture": "https://example.org/alice.png", "website": "https://alice.example/", "gender": "female",
        "birthdate": "1990-10-31", "zoneinfo": "Europe/Paris", "locale": "fr-FR",
        "address": { "street_address": "1 Main Street", "locality": "Springfield", "postal_code": "12345", "country": "US" },
        "phone_number": "+1 202 555 0100", "phone_number_verified": true,
    })
}

impl TestApp {
    /// Somebody of whom everything is known.
    pub(crate) async fn well_known_user(&self, username: &str) {
        let mut profile = UserProfile::named(username);
        profile.name = "Alice Example".into();
        profile.email = format!("{username}@example.org");
        profile.email_verified = true;
        profile.attributes = serde_json::from_value(attributes()).unwrap();
        let new = users::NewUser { profile, password: Some(PASSWORD.into()), groups: [].into() };
        users::create(&self.app, &self.actor(), new).await.unwrap();
    }

    /// An application that may ask for every scope there is.
    pub(crate) async fn open_application(&self, slug: &str, change: impl FnOnce(&mut ProviderProfile)) -> OAuthClient {
        let all = self.app.snapshot().mappings.iter().map(|mapping| mapping.id).collect();
        let client = self.application_with(slug, |_, provider| {
            provider.mappings = all;
            change(provider);
        });
        self.client(&client.await)
    }
}

/// Header of a form.
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// No member without a value, at any depth (OpenID Connect Core 1.0, section 5.3.2).
fn assert_nothing_is_empty(claims: &Map<String, Value>) {
    for (name, value) in claims {
        match value {
            Value::Null => panic!("{name} is null"),
            Value::String(text) => assert_ne!(text, "", "{name}"),
            Value::Object(members) => {
                assert!(!members.is_empty(), "{name}");
                assert_nothing_is_empty(members);
            }
            _ => {}
        }
    }
}

async fn ask(client: &OAuthClient, method: &str, headers: &[(&str, &str)], body: &str) -> Page {
    let mut request = Request::builder().method(method).uri("/application/o/userinfo/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Page::read(client.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap()).await
}

on_both! {
    /// The modules oidcc-scope-profile, -email, -address, -phone and -all: each scope brings its claims, of the right types,
    /// and no other; the ID token of an application that leaves them out of it holds none.
    async fn every_scope_brings_its_standard_claims(app) {
        app.well_known_user("alice").await;
        let client = app.open_application("a", |provider| provider.include_claims_in_id_token = false).await;
        let mut browser = app.signed_in("alice").await;
        let of_profile = [
            "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
            "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at", "groups",
        ];
        let of_email = ["email", "email_verified"];
        let of_phone = ["phone_number", "phone_number_verified"];
        let all = [&of_profile[..], &of_email, &["address"], &of_phone].concat();
        for (scope, mut expected) in [
            ("openid", vec![]),
            ("openid profile", of_profile.to_vec()),
            ("openid email", of_email.to_vec()),
            ("openid address", vec!["address"]),
            ("openid phone", of_phone.to_vec()),
            ("phone address email profile openid", all),
        ] {
            let tokens = client.exchange(&client.code(&mut browser, &[("scope", scope)]).await).await;
            let userinfo = client.userinfo(&tokens.text("access_token")).await;
            assert!(userinfo.header("content-type").starts_with("application/json"));
            let Value::Object(claims) = userinfo.json() else { panic!("{}", userinfo.body) };
            expected.push("sub");
            let mut names: Vec<_> = claims.keys().map(String::as_str).collect();
            names.sort_unstable();
            expected.sort_unstable();
            assert_eq!(names, expected, "{scope}");
            assert_nothing_is_empty(&claims);
            let id_token = tokens.claims("id_token");
            assert_eq!(id_token["sub"], claims["sub"]);
            assert!(expected.iter().all(|name| *name == "sub" || !id_token.contains_key(*name)), "{id_token:?}");
            for name in ["email_verified", "phone_number_verified"] {
                assert!(claims.get(name).is_none_or(Value::is_boolean), "{claims:?}");
            }
            assert!(claims.get("address").is_none_or(Value::is_object) && claims.get("updated_at").is_none_or(Value::is_u64));
            assert!(claims.get("updated_at").is_none_or(|at| *at == app.clock.now().as_second()), "not in seconds");
            for (name, value) in attributes().as_object().unwrap().iter().filter(|(name, _)| claims.contains_key(*name)) {
                assert_eq!(&claims[name], value);
            }
        }
    }

    /// A person of whom little is known: nothing empty takes the place of what is missing, in userinfo and in tokens.
    async fn what_is_not_known_is_left_out(app) {
        let mut profile = UserProfile::named("bob");
        profile.attributes = serde_json::from_value(json!({ "address": "", "phone_number": null, "website": {} })).unwrap();
        let new = users::NewUser { profile, password: Some(PASSWORD.into()), groups: [].into() };
        users::create(&app.app, &app.actor(), new).await.unwrap();
        let client = app.open_application("a", |_| {}).await;
        let scope = "openid profile email address phone";
        let tokens = client.exchange(&client.code(&mut app.signed_in("bob").await, &[("scope", scope)]).await).await;
        let Value::Object(claims) = client.userinfo(&tokens.text("access_token")).await.json() else { panic!() };
        for claims in [&claims, &tokens.claims("id_token"), &tokens.claims("access_token")] {
            assert_nothing_is_empty(claims);
            for name in ["address", "phone_number", "phone_number_verified", "email", "email_verified", "website"] {
                assert!(!claims.contains_key(name), "{name}");
            }
            assert_eq!((&claims["nickname"], &claims["groups"]), (&json!("bob"), &json!([])));
        }
    }

    /// An address and a telephone number are nothing that a new application gets without somebody having chosen it.
    async fn new_applications_do_not_get_addresses_by_themselves(app) {
        app.well_known_user("alice").await;
        let client = app.client(&app.application("a").await);
        let code = client.code(&mut app.signed_in("alice").await, &[("scope", "openid address phone")]).await;
        let tokens = client.exchange(&code).await;
        assert_eq!(tokens.text("scope"), "openid");
        let claims = client.userinfo(&tokens.text("access_token")).await.json();
        assert_eq!(claims.as_object().unwrap().len(), 1, "{claims}");
    }

    /// Discovery names the scopes and the claims that the application's mappings make, of its own mappings too.
    async fn discovery_promises_what_the_mappings_make(app) {
        use doorward_core::claim_mapping::MappingProfile;
        let own = MappingProfile {
            name: "Role".into(),
            scope: "role".into(),
            expression: "{\"role\": \"Admin\" if user.is_superuser else \"Viewer\"}".into(),
            description: String::new(),
        };
        doorward_server::mappings::create(&app.app, &app.actor(), own).await.unwrap();
        let path = |client: &OAuthClient| format!("/application/o/{}/.well-known/openid-configuration", client.slug);
        let list = |document: &Value, name: &str| -> Vec<String> { serde_json::from_value(document[name].clone()).unwrap() };
        let usual = app.client(&app.application("a").await);
        let document = usual.get(&path(&usual)).await.json();
        assert_eq!(document["claims_parameter_supported"], true);
        assert_eq!(list(&document, "scopes_supported"), ["email", "offline_access", "openid", "profile"]);
        let claims = list(&document, "claims_supported");
        assert!(["sub", "auth_time", "acr", "name", "birthdate", "email_verified", "groups"].iter().all(|name| claims.contains(&(*name).to_owned())));
        assert!(!claims.iter().any(|name| ["address", "phone_number", "role"].contains(&name.as_str())), "{claims:?}");
        let open = app.open_application("b", |_| {}).await;
        let document = open.get(&path(&open)).await.json();
        assert_eq!(list(&document, "scopes_supported"), ["address", "email", "offline_access", "openid", "phone", "profile", "role"]);
        let claims = list(&document, "claims_supported");
        assert!(["address", "phone_number", "phone_number_verified", "role"].iter().all(|name| claims.contains(&(*name).to_owned())));
        let mut once = claims.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), claims.len(), "named twice: {claims:?}");
    }

    /// RFC 6750, sections 2 and 3: where a token may stand, and what is said when it does not.
    async fn rfc6750_errors_of_userinfo(app) {
        let client = app.client(&app.application("a").await);
        let tokens = client.exchange(&client.code(&mut app.signed_in("admin").await, &[]).await).await;
        let token = tokens.text("access_token");
        let bearer = format!("Bearer {token}");
        let header = ("authorization", bearer.as_str());
        let body = format!("access_token={token}");
        for (method, headers, body) in [
            ("GET", vec![header], ""),
            ("GET", vec![("authorization", bearer.replace("Bearer", "bearer").as_str())], ""),
            ("POST", vec![header], ""),
            ("POST", vec![header, FORM], "unknown=1"),
            ("POST", vec![header, ("content-type", "application/json")], "{\"access_token\": \"other\"}"),
            ("POST", vec![FORM], body.as_str()),
        ] {
            let page = ask(&client, method, &headers, body).await;
            assert_eq!((page.status, page.json()["preferred_username"].as_str()), (200, Some("admin")), "{method} {headers:?}");
            assert_eq!(page.json()["sub"], tokens.claims("id_token")["sub"]);
            assert!(page.header("cache-control").contains("no-store"));
        }
        // Nothing that authenticates: no error code, only the challenge.
        for (method, headers, body) in [
            ("GET", vec![], ""),
            ("GET", vec![FORM], body.as_str()),
            ("POST", vec![], body.as_str()),
            ("POST", vec![("content-type", "application/json")], body.as_str()),
            ("GET", vec![("authorization", "Basic YTpi")], ""),
            ("POST", vec![FORM], "access_token="),
        ] {
            let page = ask(&client, method, &headers, body).await;
            assert_eq!((page.status, page.header("www-authenticate")), (401, "Bearer"), "{method} {headers:?}");
        }
        let twice = format!("access_token={token}&access_token={token}");
        let long = format!("access_token={}", "x".repeat(64 * 1024));
        for (method, headers, body, status, code) in [
            ("POST", vec![header, FORM], body.as_str(), 400, "invalid_request"),
            ("GET", vec![header, header], "", 400, "invalid_request"),
            ("POST", vec![FORM], twice.as_str(), 400, "invalid_request"),
            ("POST", vec![FORM], long.as_str(), 400, "invalid_request"),
            ("GET", vec![("authorization", "Bearer")], "", 401, "invalid_token"),
            ("GET", vec![("authorization", "Bearer a b")], "", 401, "invalid_token"),
            ("POST", vec![FORM], "access_token=nonsense", 401, "invalid_token"),
        ] {
            let page = ask(&client, method, &headers, body).await;
            assert_eq!((page.status, page.json()["error"].as_str()), (status, Some(code)), "{method} {headers:?}");
            assert!(page.header("www-authenticate").starts_with(&format!("Bearer error=\"{code}\"")));
        }
        let plain = client.exchange(&client.code(&mut app.signed_in("admin").await, &[("scope", "profile")]).await).await;
        let page = client.userinfo(&plain.text("access_token")).await;
        assert_eq!(page.status, 403);
        assert!(page.header("www-authenticate").ends_with("scope=\"openid\""), "{}", page.header("www-authenticate"));
    }
}
