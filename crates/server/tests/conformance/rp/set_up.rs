//! The server as `conformance/prepare` sets it up.

use doorward_core::{
    application::ConsentMode,
    grant_type::GrantType,
    provider::{IssuerMode, ProviderProfile},
    redirect_uri::RedirectUri,
    user::UserProfile,
};
use doorward_server::directory::users;
use serde_json::{Value, json};

use super::{CALLBACK, Run, browse::USERNAME, logout::POST_LOGOUT};
use crate::{
    support::{OAuthClient, PASSWORD, TestApp},
    variant::Variant,
};

/// Which issuer the clients of a plan have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Issuer {
    /// The public URL, for all of them: one module has two clients of one issuer.
    Shared,
    /// The application's own.
    Own,
}

impl Run {
    /// For plans of sign-ins.
    pub(crate) async fn start(variant: Variant) -> Self {
        Self::start_with(variant, Issuer::Shared, |_| {}).await
    }

    /// With more settings for the first client.
    pub(crate) async fn start_with(
        variant: Variant,
        issuer: Issuer,
        change: impl FnOnce(&mut ProviderProfile),
    ) -> Self {
        let op = TestApp::new(variant.database()).await;
        person(&op).await;
        let client = client(&op, "conformance", issuer, change).await;
        let client2 = self::client(&op, "conformance-2", issuer, |_| {}).await;
        let client_secret_post = self::client(&op, "conformance-post", issuer, |_| {}).await;
        let discovery = match issuer {
            Issuer::Shared => "/.well-known/openid-configuration",
            Issuer::Own => "/application/o/conformance/.well-known/openid-configuration",
        };
        let metadata = json_of(&client, discovery).await;
        let jwks = metadata["jwks_uri"].as_str().and_then(|address| address.strip_prefix(super::ORIGIN)).unwrap();
        let keys = json_of(&client, jwks).await["keys"].as_array().unwrap().clone();
        let browser = op.browser();
        Self { op, variant, client, client2, client_secret_post, browser, metadata, keys }
    }
}

async fn json_of(client: &OAuthClient, path: &str) -> Value {
    let page = client.get(path).await;
    assert_eq!(page.status, 200, "{path}: {}", page.body);
    assert!(page.header("content-type").starts_with("application/json"), "{path}");
    page.json()
}

async fn client(op: &TestApp, slug: &str, issuer: Issuer, change: impl FnOnce(&mut ProviderProfile)) -> OAuthClient {
    let mappings = op.app.snapshot().mappings.iter().map(|mapping| mapping.id).collect();
    let client = op
        .application_with(slug, |application, provider| {
            application.consent = ConsentMode::Never;
            provider.redirect_uris = vec![RedirectUri::exact(CALLBACK), RedirectUri::logout(POST_LOGOUT)];
            provider.grant_types =
                [GrantType::AuthorizationCode, GrantType::Implicit, GrantType::Hybrid, GrantType::RefreshToken].into();
            provider.include_claims_in_id_token = false;
            provider.mappings = mappings;
            if issuer == Issuer::Shared {
                provider.issuer_mode = IssuerMode::Global;
            }
            change(provider);
        })
        .await;
    op.client(&client)
}

/// Somebody of whom everything is known that a standard claim can say.
async fn person(op: &TestApp) {
    let mut profile = UserProfile::named(USERNAME);
    profile.name = "Certified Test User".into();
    profile.given_name = "Certified".into();
    profile.family_name = "User".into();
    profile.email = "certified@example.org".into();
    profile.email_verified = true;
    let Value::Object(attributes) = json!({
        "middle_name": "Test",
        "nickname": "cert",
        "profile": "https://example.org/people/certified",
        "picture": "https://example.org/people/certified.png",
        "website": "https://example.org/",
        "gender": "female",
        "birthdate": "2000-02-29",
        "zoneinfo": "Europe/Berlin",
        "locale": "de-DE",
        "phone_number": "+49 30 123456",
        "phone_number_verified": true,
        "address": {
            "formatted": "Unter den Linden 1\n10117 Berlin\nGermany",
            "street_address": "Unter den Linden 1",
            "locality": "Berlin",
            "region": "Berlin",
            "postal_code": "10117",
            "country": "Germany",
        },
    }) else {
        panic!("not an object")
    };
    profile.attributes = attributes;
    let new = users::NewUser { profile, password: Some(PASSWORD.into()), groups: [].into() };
    users::create(&op.app, &op.actor(), new).await.unwrap();
}
