//! The NetBox guide, as NetBox plays it.

use crate::{on_both, support::PASSWORD};
use doorward_core::signing_key::KeyAlgorithm;
use doorward_protocols::jose::verify::id_token_hint;
use serde_json::json;

on_both! {
    /// Discovery with the double slash, the code flow, a verified ID token, userinfo with effective groups.
    async fn netbox_signs_somebody_in(app) {
        let parent = app.group("everyone-in-lab", &[]).await;
        let admins = app.group("netbox-admins", &[&parent]).await;
        app.user("alice", &[&admins]).await;
        let registered = app.application("netbox-slug").await;
        let netbox = app.client(&registered);

        let discovery = netbox.get("/application/o/netbox-slug//.well-known/openid-configuration").await;
        assert_eq!(discovery.status, 200);
        let document = discovery.json();
        assert_eq!(document["issuer"], "https://id.example.org/application/o/netbox-slug/");
        assert_eq!(document["id_token_signing_alg_values_supported"], json!(["RS256"]));
        assert!(discovery.body.contains("\n  \""), "pretty-printed");

        let mut browser = app.browser();
        let back = browser.sign_in(&netbox.authorize(&[]), "alice", PASSWORD).await;
        assert!(back.location().starts_with(crate::support::CALLBACK), "{} {}", back.location(), back.body);
        assert_eq!(back.redirect_parameter("state").as_deref(), Some("the-state"));
        assert_eq!(back.redirect_parameter("iss").as_deref(), Some(netbox.issuer.as_str()));

        let answer = netbox.exchange(&back.redirect_parameter("code").unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        assert_eq!(answer.json["token_type"], "Bearer");
        assert_eq!(answer.json["expires_in"], 3600);
        assert_eq!(answer.json.get("refresh_token"), None);
        assert_eq!(answer.page.header("cache-control"), "no-store");

        let jwks = netbox.get("/application/o/netbox-slug/jwks/").await.json();
        let keys: Vec<_> = jwks["keys"].as_array().unwrap().iter().map(|key| (KeyAlgorithm::Rsa, key.clone())).collect();
        let id_token = answer.text("id_token");
        let claims = id_token_hint(&id_token, &keys, &netbox.issuer, &netbox.client_id).unwrap();
        let now = app.clock.now().as_second();
        assert_eq!(claims["nonce"], "the-nonce");
        assert_eq!(claims["iat"], now - 5);
        assert_eq!(claims["exp"], now + 3600);
        assert_eq!(claims["auth_time"], now);
        assert_eq!(claims["amr"], json!(["pwd"]));
        assert_eq!(claims["sid"].as_str().unwrap().len(), 64);
        assert_eq!(claims["groups"], json!(["everyone-in-lab", "netbox-admins"]));
        assert!(!claims.contains_key("nbf"));

        let userinfo = netbox.userinfo(&answer.text("access_token")).await.json();
        assert_eq!(userinfo["sub"], claims["sub"]);
        let updated_at = userinfo["updated_at"].clone();
        assert_eq!(userinfo, json!({
            "sub": claims["sub"], "preferred_username": "alice", "nickname": "alice", "name": "Alice Example",
            "given_name": "Alice", "family_name": "Example", "email": "alice@example.org", "email_verified": true,
            "groups": ["everyone-in-lab", "netbox-admins"], "updated_at": updated_at,
        }));
    }

    /// A second sign-in from the same browser shows nothing.
    async fn the_second_sign_in_is_silent(app) {
        app.user("alice", &[]).await;
        let netbox = app.client(&app.application("netbox-slug").await);
        let mut browser = app.signed_in("alice").await;
        let code = netbox.code(&mut browser, &[]).await;
        assert_eq!(netbox.exchange(&code).await.status, 200);
    }

    /// An e-mail address that nobody verified is said to be so.
    async fn email_verified_is_true_only_if_verified(app) {
        let netbox = app.client(&app.application("netbox-slug").await);
        let mut browser = app.signed_in("admin").await;
        let code = netbox.code(&mut browser, &[]).await;
        let answer = netbox.exchange(&code).await;
        assert_eq!(netbox.userinfo(&answer.text("access_token")).await.json()["email_verified"], false);
    }

    /// The issuer's address leads to its discovery document, and unknown slugs are 404.
    async fn the_issuer_leads_to_discovery(app) {
        let netbox = app.client(&app.application("netbox-slug").await);
        let page = netbox.get("/application/o/netbox-slug/").await;
        assert_eq!((page.status, page.location()), (303, "/application/o/netbox-slug/.well-known/openid-configuration"));
        assert_eq!(netbox.get("/application/o/other/.well-known/openid-configuration").await.status, 404);
        assert_eq!(netbox.get("/application/o/netbox-slug/.well-known/openid-configuration").await.header("access-control-allow-origin"), "*");
    }
}
