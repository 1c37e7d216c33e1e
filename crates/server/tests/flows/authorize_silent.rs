//! `prompt=none` never shows a page, whatever fails (OpenID Connect Core 1.0, section 3.1.2.1).

use crate::{on_both, response_types};
use axum::http::{Method, Uri};
use doorward_core::{access_rule::AccessRule, application::ConsentMode};
use doorward_server::oidc::authorize::store_away;
use doorward_store::Error;

on_both! {
    /// Nobody there, no access, no consent, another account, an old session: all are errors for the application.
    async fn prompt_none_never_shows_a_page(app) {
        app.user("carol", &[]).await;
        let closed = app.application_with("closed", |profile, provider| {
            profile.access = AccessRule::nobody();
            response_types::switch_on(provider);
        }).await;
        let asking = app.application_with("asking", |profile, provider| {
            profile.consent = ConsentMode::Always;
            response_types::switch_on(provider);
        }).await;
        let (closed, asking) = (app.client(&closed), app.client(&asking));
        let mut browser = app.signed_in("carol").await;
        for (client, more, error) in [
            (&closed, ("display", "page"), "access_denied"),
            (&asking, ("display", "page"), "consent_required"),
            (&asking, ("max_age", "0"), "login_required"),
            (&asking, ("prompt", "none select_account"), "invalid_request"),
            (&asking, ("id_token_hint", "nonsense"), "invalid_request"),
        ] {
            for response_type in ["code", "id_token", "code id_token token"] {
                let mut parameters = vec![("response_type", response_type), ("response_mode", "fragment"), ("prompt", "none")];
                parameters.retain(|(name, _)| *name != more.0);
                parameters.push(more);
                let page = browser.get(&client.authorize(&parameters)).await;
                assert_eq!((page.status, page.fragment()["error"].as_str()), (303, error), "{more:?} {response_type}");
            }
        }
    }

    /// A database that fails is told to the application, at every point at which it may fail.
    async fn a_database_that_fails_is_told_to_the_application(app) {
        let client = response_types::client(&app).await;
        let mut browser = app.signed_in("admin").await;
        for broken in ["ALTER TABLE authorization_codes RENAME TO gone_authorization_codes", "ALTER TABLE consents RENAME TO gone_consents", "ALTER TABLE sessions RENAME TO gone_sessions"] {
            app.app.db.write(move |tx| Box::pin(async move { tx.execute(broken, &[]).await })).await.unwrap();
            let page = browser.get(&client.authorize(&[("prompt", "none")])).await;
            assert_eq!(page.redirect_parameter("error").as_deref(), Some("server_error"), "{broken}: {}", page.status);
            assert_eq!(page.redirect_parameter("state").as_deref(), Some("the-state"));
            let page = browser.get(&client.authorize(&[("prompt", "none"), ("response_type", "code id_token")])).await;
            assert_eq!(page.fragment()["error"], "server_error", "{broken}");
            // People who wait at a page get one.
            assert_eq!(browser.get(&client.authorize(&[])).await.status, 500, "{broken}");
        }
    }

    /// The database is away altogether: only for requests that are sound, and only where no page may be shown.
    async fn a_database_that_is_away_is_told_to_the_application(app) {
        let client = response_types::client(&app).await;
        let away = Error::Unavailable("connection refused".into());
        let ask = |method: Method, target: &str| store_away(&app.app, &method, &target.parse::<Uri>().unwrap(), &away);
        let silent = client.authorize(&[("prompt", "none"), ("response_type", "id_token")]);
        let location = ask(Method::GET, &silent).unwrap().headers()["location"].to_str().unwrap().to_owned();
        assert!(location.contains("#error=temporarily_unavailable") && location.contains("&iss="), "{location}");
        assert!(!location.contains("refused"), "{location}");
        for other in [
            client.authorize(&[]),
            client.authorize(&[("prompt", "none"), ("redirect_uri", "https://evil.example/")]),
            client.authorize(&[("prompt", "none"), ("client_id", "unknown")]),
            silent.replace("/authorize/", "/token/"),
            format!("{silent}&state=twice"),
        ] {
            assert!(ask(Method::GET, &other).is_none(), "{other}");
        }
        assert!(ask(Method::POST, &silent).is_none());
    }
}
