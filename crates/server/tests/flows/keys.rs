//! Signing keys: rotation, other kinds, import.

use crate::on_both;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use doorward_core::{lifetime::Lifetime, provider::IssuerMode, signing_key::KeyAlgorithm};
use doorward_server::{applications, error::OperationError, keys, setup::DEFAULT_KEY};
use jiff::SignedDuration;

async fn kids(client: &crate::support::OAuthClient) -> Vec<String> {
    let jwks = client.get(&format!("/application/o/{}/jwks/", client.slug)).await.json();
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn kid_of(token: &str) -> String {
    let header: serde_json::Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

on_both! {
    /// Published an hour before it signs; the old one stays until its last token has expired, and then is forgotten.
    async fn rotation_publishes_before_it_signs(app) {
        let registered = app.application_with("a", |_, provider| provider.access_token_validity = Lifetime::seconds(7200)).await;
        let client = app.client(&registered);
        let mut browser = app.signed_in("admin").await;
        let old = kids(&client).await;
        assert_eq!(old.len(), 1);
        let new = keys::rotate(&app.app, &app.actor(), DEFAULT_KEY, false).await.unwrap().kid;
        assert_eq!(kids(&client).await.len(), 2);
        assert!(keys::rotate(&app.app, &app.actor(), DEFAULT_KEY, false).await.is_err(), "one waits already");
        let sign = async |browser: &mut crate::support::Browser| {
            kid_of(&client.exchange(&client.code(browser, &[]).await).await.text("id_token"))
        };
        assert_eq!(sign(&mut browser).await, old[0]);
        app.clock.advance(SignedDuration::from_hours(1));
        app.app.refresh().await.unwrap();
        assert_eq!(sign(&mut browser).await, new);
        app.clock.advance(SignedDuration::from_hours(2));
        app.app.refresh().await.unwrap();
        assert_eq!(kids(&client).await.len(), 2);
        app.clock.advance(SignedDuration::from_mins(11));
        app.app.refresh().await.unwrap();
        assert_eq!(kids(&client).await, std::slice::from_ref(&new));
        doorward_server::jobs::clean(&app.app).await.unwrap();
        assert_eq!(keys::find(&app.app, DEFAULT_KEY).unwrap().versions.len(), 1);
    }

    /// A rotation at once takes the place of one that waits: a key that may have leaked never signs later.
    async fn a_rotation_at_once_drops_what_waits(app) {
        let actor = app.actor();
        let waiting = keys::rotate(&app.app, &actor, DEFAULT_KEY, false).await.unwrap().kid;
        let now = keys::rotate(&app.app, &actor, DEFAULT_KEY, true).await.unwrap().kid;
        let key = keys::find(&app.app, DEFAULT_KEY).unwrap();
        assert!(key.versions.iter().all(|version| version.kid != waiting));
        app.clock.advance(SignedDuration::from_hours(3));
        assert_eq!(key.active(app.clock.now()).unwrap().kid, now);
    }

    /// Every kind signs, and discovery says so.
    async fn every_kind_of_key_signs(app) {
        let mut browser = app.signed_in("admin").await;
        for (algorithm, name, _) in KeyAlgorithm::ALL {
            let key = keys::generate(&app.app, &app.actor(), name, algorithm).await.unwrap();
            let registered = app.application_with(name, |_, provider| provider.signing_key = key.id).await;
            let client = app.client(&registered);
            let discovery = client.get(&format!("/application/o/{name}/.well-known/openid-configuration")).await.json();
            assert_eq!(discovery["id_token_signing_alg_values_supported"], serde_json::json!([algorithm.jws_name()]));
            let answer = client.exchange(&client.code(&mut browser, &[]).await).await;
            let current = applications::find_client(&app.app, name).unwrap();
            doorward_protocols::jose::verify::id_token_hint(&answer.text("id_token"), &current.public_keys, &client.issuer, &client.client_id).unwrap();
        }
    }

    /// As authentik publishes them: each key with its certificate and thumbprints, for an application and for the issuer that
    /// applications share.
    async fn published_keys_come_with_their_certificates(app) {
        app.application("a").await;
        app.application_with("b", |_, provider| provider.issuer_mode = IssuerMode::Global).await;
        let mut browser = app.browser();
        for path in ["/application/o/a/jwks/", "/application/o/jwks/"] {
            let keys = browser.get(path).await.json()["keys"].as_array().unwrap().clone();
            assert!(!keys.is_empty());
            for key in keys {
                let text = |name: &str| key[name].as_str().unwrap();
                let certificate = STANDARD.decode(key["x5c"][0].as_str().unwrap()).unwrap();
                let modulus = URL_SAFE_NO_PAD.decode(text("n")).unwrap();
                assert!(certificate.windows(modulus.len()).any(|part| part == modulus), "the certificate is another key's");
                for (name, algorithm) in [("x5t", &SHA1_FOR_LEGACY_USE_ONLY), ("x5t#S256", &SHA256)] {
                    assert_eq!(text(name), URL_SAFE_NO_PAD.encode(digest(algorithm, &certificate)), "{path}");
                }
                assert_eq!((text("kty"), text("use"), text("alg")), ("RSA", "sig", "RS256"));
                assert!(key.get("d").is_none() && key.get("p").is_none());
            }
        }
    }

    /// A key in use, and the last one, cannot be removed; names are unique.
    async fn keys_in_use_stay(app) {
        app.application("a").await;
        let denied = keys::delete(&app.app, &app.actor(), DEFAULT_KEY).await.unwrap_err();
        assert!(denied.to_string().contains("App a"), "{denied}");
        let spare = keys::generate(&app.app, &app.actor(), "spare", KeyAlgorithm::Ed25519).await.unwrap();
        let taken = keys::generate(&app.app, &app.actor(), "SPARE", KeyAlgorithm::Ed25519).await.unwrap_err();
        assert!(matches!(taken, OperationError::Invalid(_)), "{taken}");
        keys::delete(&app.app, &app.actor(), "spare").await.unwrap();
        assert!(keys::find(&app.app, &spare.id.to_string()).is_err());
    }

    /// Two processes rotate and read at once; both see the same in the end.
    async fn other_processes_see_changes(app) {
        let other = app.second_process().await;
        keys::rotate(&other, &app.actor(), DEFAULT_KEY, true).await.unwrap();
        assert!(app.app.refresh().await.unwrap());
        assert_eq!(app.app.snapshot().keys[0].versions.len(), 2);
        assert!(!app.app.refresh().await.unwrap());
    }
}
