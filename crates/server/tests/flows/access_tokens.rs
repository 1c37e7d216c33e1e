//! Userinfo, and who may authenticate at the token endpoint.

use crate::{
    on_both,
    support::{CALLBACK, OAuthClient},
};
use jiff::SignedDuration;

on_both! {
    /// GET and POST with a header, POST with a form; one place at a time; never the query.
    async fn userinfo_takes_the_token_in_three_ways(app) {
        let client = app.client(&app.application("a").await);
        let answer = client.exchange(&client.code(&mut app.signed_in("admin").await, &[]).await).await;
        let token = answer.text("access_token");
        let bearer = format!("Bearer {token}");
        assert_eq!(client.userinfo(&token).await.json()["preferred_username"], "admin");
        let path = "/application/o/userinfo/";
        assert_eq!(client.send(path, Some(&bearer), &[]).await.json["preferred_username"], "admin");
        assert_eq!(client.send(path, None, &[("access_token", &token)]).await.json["preferred_username"], "admin");
        assert_eq!(client.send(path, Some(&bearer), &[("access_token", &token)]).await.status, 400);
        assert_eq!(client.get(&format!("{path}?access_token={token}")).await.status, 401);
    }

    /// Truncated, foreign-looking and expired tokens are 401 with a challenge, not a sign-in page, and written down.
    async fn zitadel_cve_2026_27840_bad_tokens_are_refused_with_a_challenge(app) {
        let client = app.client(&app.application("a").await);
        let answer = client.exchange(&client.code(&mut app.signed_in("admin").await, &[]).await).await;
        let token = answer.text("access_token");
        for bad in [&token[..token.len() - 1], "nonsense", answer.text("id_token").as_str(), ""] {
            let page = client.userinfo(bad).await;
            assert_eq!(page.status, 401, "{bad}");
            assert!(page.header("www-authenticate").starts_with("Bearer error=\"invalid_token\""));
        }
        app.clock.advance(SignedDuration::from_secs(3600));
        assert_eq!(client.userinfo(&token).await.status, 401);
        let texts = app.texts().await;
        let written = texts.iter().filter(|text| text.starts_with("userinfo was refused: invalid_token: "));
        assert_eq!(written.count(), 5, "{texts:?}");
    }

    /// Without `openid` there is no ID token and no userinfo.
    async fn plain_oauth_has_no_id_token(app) {
        let client = app.client(&app.application("a").await);
        let answer = client.exchange(&client.code(&mut app.signed_in("admin").await, &[("scope", "profile")]).await).await;
        assert_eq!(answer.json.get("id_token"), None);
        let page = client.userinfo(&answer.text("access_token")).await;
        assert_eq!(page.status, 403);
        assert!(page.header("www-authenticate").contains("insufficient_scope"));
    }

    /// Wrong secrets and unknown clients: 401 `invalid_client`; by header with a challenge.
    async fn clients_must_authenticate(app) {
        let client = app.client(&app.application("a").await);
        let wrong = OAuthClient { secret: "wrong".into(), ..client.clone() };
        let unknown = OAuthClient { client_id: "unknown".into(), ..client.clone() };
        for client in [wrong, unknown] {
            let answer = client.exchange("x").await;
            assert_eq!((answer.status, answer.error()), (401, "invalid_client"));
            assert!(answer.page.header("www-authenticate").starts_with("Basic"));
        }
        let by_form = [("grant_type", "authorization_code"), ("client_id", client.client_id.as_str()), ("client_secret", "wrong")];
        let answer = client.send("/application/o/token/", None, &by_form).await;
        assert_eq!((answer.status, answer.page.header("www-authenticate")), (401, ""));
    }

    /// Every error of RFC 6749, section 5.2, with a reference code that the log knows.
    async fn token_errors_are_by_the_book(app) {
        let client = app.client(&app.application("a").await);
        for (fields, error) in [
            (vec![], "invalid_request"),
            (vec![("grant_type", "magic")], "unsupported_grant_type"),
            (vec![("grant_type", "authorization_code"), ("redirect_uri", CALLBACK)], "invalid_request"),
            (vec![("grant_type", "authorization_code"), ("code", "x"), ("redirect_uri", CALLBACK)], "invalid_grant"),
            (vec![("grant_type", "refresh_token"), ("refresh_token", "x")], "invalid_grant"),
            (vec![("grant_type", "refresh_token"), ("grant_type", "refresh_token")], "invalid_request"),
        ] {
            let answer = client.token(&fields).await;
            assert_eq!((answer.status, answer.error()), (400, error), "{fields:?}");
            let description = answer.text("error_description");
            let reference = description.rsplit_once("reference ").unwrap().1.trim_end_matches(')').to_owned();
            let events = app.app.db
                .read(move |tx| Box::pin(async move { doorward_store::event::by_reference(tx, &reference).await }))
                .await.unwrap();
            assert_eq!(events.len(), 1, "{description}");
        }
    }

    /// Anybody can send nonsense; only so much of it is written down.
    async fn nonsense_does_not_fill_the_database(app) {
        let client = app.client(&app.application("a").await);
        for _ in 0..(doorward_server::events::budget::PER_ADDRESS + 40) {
            assert_eq!(client.send("/application/o/token/", None, &[]).await.error(), "invalid_client");
        }
        let events = app.app.db.read(|tx| Box::pin(doorward_store::event::newest(tx, 1000))).await.unwrap();
        let failures = events.iter().filter(|event| !event.ok).count();
        assert_eq!(failures, usize::try_from(doorward_server::events::budget::PER_ADDRESS).unwrap());
    }

    /// Browsers of registered origins may read answers, others may not.
    async fn cors_follows_the_redirect_uris(app) {
        let client = app.client(&app.application("a").await);
        let ask = |origin: &'static str| {
            let mut browser = app.browser();
            browser.headers.push(("origin", origin.to_owned()));
            async move { browser.request("OPTIONS", "/application/o/token/", None).await }
        };
        assert_eq!(ask("https://netbox.example.org").await.header("access-control-allow-origin"), "https://netbox.example.org");
        assert_eq!(ask("https://evil.example").await.header("access-control-allow-origin"), "");
        drop(client);
    }
}
