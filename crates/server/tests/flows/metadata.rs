//! Where clients look for metadata: RFC 8414, and RFC 7033.

use crate::on_both;
use crate::support::{OAuthClient, TestApp};
use doorward_core::cipher::Cipher;
use doorward_server::{app::App, router::router};
use serde_json::json;

const RESOURCE: &str = "/.well-known/webfinger?resource=acct%3Aalice%40example.org";

/// The same with a setting.
async fn with_webfinger(app: &TestApp, slug: &str) -> OAuthClient {
    let mut config = app.app.config.clone();
    config.webfinger = slug.to_owned();
    let started = App::start(config, app.database.open(), Cipher::new([7; 32]), app.clock.clone()).await.unwrap();
    let client = started.snapshot().clients().next().unwrap().clone();
    OAuthClient::new(router(started), &client)
}

on_both! {
    /// One document at every address, readable for every page.
    async fn metadata_is_where_clients_look(app) {
        let client = app.client(&app.application("a").await);
        let discovery = client.get("/application/o/a/.well-known/openid-configuration").await;
        let document = discovery.json();
        for path in [
            "/.well-known/oauth-authorization-server/application/o/a",
            "/.well-known/oauth-authorization-server/application/o/a/",
            "/.well-known/openid-configuration/application/o/a",
            "/.well-known/openid-configuration/application/o/a/",
            "/application/o/a/.well-known/oauth-authorization-server",
        ] {
            let page = client.get(path).await;
            assert_eq!((page.status, page.json()), (200, document.clone()), "{path}");
            assert_eq!((page.header("content-type"), page.header("access-control-allow-origin")), ("application/json", "*"));
            assert_eq!(client.get(&path.replace("/o/a", "/o/nothing")).await.status, 404);
        }
        assert_eq!(document["issuer"], "https://id.example.org/application/o/a/");
        assert_eq!(document["introspection_endpoint"], "https://id.example.org/application/o/introspect/");
        assert_eq!(document["revocation_endpoint"], "https://id.example.org/application/o/revoke/");
        let secrets = json!(["client_secret_basic", "client_secret_post"]);
        assert_eq!(document["introspection_endpoint_auth_methods_supported"], secrets);
        assert!(document["revocation_endpoint_auth_methods_supported"].as_array().unwrap().contains(&json!("none")));
    }

    /// Webfinger tells the only issuer there is; with several it has to be chosen.
    async fn webfinger_tells_the_issuer(app) {
        assert_eq!(app.browser().get(RESOURCE).await.status, 404);
        let client = app.client(&app.application("a").await);
        let page = client.get(&format!("{RESOURCE}&rel=http%3A%2F%2Fopenid.net%2Fspecs%2Fconnect%2F1.0%2Fissuer&rel=x")).await;
        assert_eq!((page.status, page.header("content-type")), (200, "application/jrd+json"));
        assert_eq!(page.header("access-control-allow-origin"), "*");
        let expected = json!({
            "subject": "acct:alice@example.org",
            "links": [{ "rel": "http://openid.net/specs/connect/1.0/issuer", "href": client.issuer }],
        });
        assert_eq!(page.json(), expected);
        assert_eq!(client.get(&format!("{RESOURCE}&rel=other")).await.json()["links"], json!([]));
        for bad in ["", "?resource=", "?resource=alice", "?resource=a:b&resource=a:c"] {
            assert_eq!(client.get(&format!("/.well-known/webfinger{bad}")).await.status, 400, "{bad}");
        }
        app.application("b").await;
        assert_eq!(client.get(RESOURCE).await.status, 404);
        let chosen = with_webfinger(&app, "b").await;
        assert_eq!(chosen.get(RESOURCE).await.json()["links"][0]["href"], "https://id.example.org/application/o/b/");
        assert_eq!(with_webfinger(&app, "gone").await.get(RESOURCE).await.status, 404);
    }
}
