//! Back-channel logout: what an application is told, and when.

use super::{BYE, Mood, Receiver, Scene, application, end_session, is_signed_in, said};
use crate::{on_both, support::PASSWORD};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::provider::LogoutMethod;
use doorward_server::directory::{sessions, users};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn part(token: &str, index: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

/// Checks the signature with the published key.
fn verify(jwks: &Value, token: &str) {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let kid = &part(token, 0)["kid"];
    let key = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == *kid).unwrap();
    let number = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let public = aws_lc_rs::signature::RsaPublicKeyComponents { n: number("n"), e: number("e") };
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    public.verify(&aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).unwrap();
}

on_both! {
    /// oidcc-backchannel-rp-initiated-logout: the token arrives before the browser moves on, and says what it has to.
    async fn the_application_is_told_before_the_browser_moves_on(app) {
        let scene = Scene::new(app).await;
        let (mut browser, id_token, hint) = scene.arrives("admin").await;
        let fields = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE), ("state", "s")];
        let page = browser.get(&end_session(&scene.client, &fields)).await;
        assert_eq!(page.location(), format!("{BYE}?state=s"));
        let told = scene.receiver.told();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].content_type, "application/x-www-form-urlencoded");
        let form: Vec<_> = form_urlencoded::parse(told[0].body.as_bytes()).into_owned().collect();
        assert_eq!(form.len(), 1);
        assert_eq!(form[0].0, "logout_token");
        let token = &form[0].1;
        verify(&scene.client.get("/application/o/told/jwks/").await.json(), token);
        assert_eq!((&part(token, 0)["typ"], &part(token, 0)["alg"]), (&json!("logout+jwt"), &json!("RS256")));
        let claims = part(token, 1);
        let now = scene.app.clock.now().as_second();
        for name in ["iss", "aud", "sub", "sid"] {
            assert_eq!(claims[name], id_token[name], "{name}");
        }
        assert_eq!(claims["events"], json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
        assert_eq!((claims["iat"].as_i64(), claims["exp"].as_i64()), (Some(now - 5), Some(now + 120)));
        assert!(claims["jti"].as_str().unwrap().len() >= 20 && claims.get("nonce").is_none());
        assert_eq!(claims.as_object().unwrap().len(), 8);
        assert!(scene.waiting().await.is_empty());
        assert!(!is_signed_in(&mut browser, &scene.client).await);
    }

    /// A logout token is no hint, and no hint is a logout token.
    async fn a_logout_token_is_no_id_token(app) {
        let scene = Scene::new(app).await;
        let (mut browser, _, _) = scene.arrives("admin").await;
        let asked = browser.get("/sign-out").await;
        browser.submit(&asked, "/sign-out", &[]).await;
        let token = scene.receiver.told()[0].body.strip_prefix("logout_token=").unwrap().to_owned();
        let (mut browser, _, _) = scene.arrives("admin").await;
        let page = browser.get(&end_session(&scene.client, &[("id_token_hint", &token)])).await;
        assert_eq!(page.status, 400);
        assert!(is_signed_in(&mut browser, &scene.client).await);
    }

    /// Every application of the session is told, and only those that it signed in to.
    async fn every_application_of_the_session_is_told_once(app) {
        let scene = Scene::new(app).await;
        let (other, unused) = (Receiver::start().await, Receiver::start().await);
        let made = application(&scene.app, "other", &other.url, LogoutMethod::Backchannel).await;
        application(&scene.app, "unused", &unused.url, LogoutMethod::Backchannel).await;
        let (mut browser, _, _) = scene.arrives("admin").await;
        let client = scene.app.client(&made);
        client.code(&mut browser, &[]).await;
        client.code(&mut browser, &[]).await;
        let asked = browser.get("/sign-out").await;
        assert_eq!(browser.submit(&asked, "/sign-out", &[]).await.status, 200);
        assert_eq!((scene.receiver.told().len(), other.told().len(), unused.told().len()), (1, 1, 0));
        assert_eq!(scene.step().await, 0);
    }

    /// An administrator ends a session; disables; deletes; sets a password: each time the application is told.
    async fn whatever_ends_a_session_is_told(app) {
        let scene = Scene::new(app).await;
        let actor = scene.app.actor();
        let inside = scene.app.app.clone();
        for (number, how) in ["end", "disable", "password", "delete"].into_iter().enumerate() {
            let user = scene.app.user(&format!("user{number}"), &[]).await;
            let (_, id_token, _) = scene.arrives(&format!("user{number}")).await;
            match how {
                "end" => {
                    let all = sessions::of_user(&inside, user.id).await.unwrap();
                    sessions::end(&inside, &actor, user.id, all[0].id).await.unwrap();
                }
                "disable" => users::set_active(&inside, &actor, user.id, false).await.unwrap(),
                "password" => users::set_password(&inside, &actor, user.id, "Anderes-Pferd-8").await.unwrap(),
                _ => users::delete(&inside, &actor, user.id).await.unwrap(),
            }
            assert_eq!(scene.receiver.told().len(), number, "{how}: in the background");
            assert_eq!(scene.step().await, 1, "{how}");
            let told = scene.receiver.told();
            let token = told[number].body.strip_prefix("logout_token=").unwrap();
            assert_eq!((&part(token, 1)["sid"], &part(token, 1)["sub"]), (&id_token["sid"], &id_token["sub"]), "{how}");
        }
    }

    /// Somebody else signs in with the same browser: the first one's session has ended.
    async fn another_person_in_the_browser_ends_the_session(app) {
        let scene = Scene::new(app).await;
        scene.app.user("alice", &[]).await;
        let (mut browser, id_token, _) = scene.arrives("admin").await;
        let form = browser.get(&scene.client.authorize(&[("prompt", "login")])).await;
        browser.submit(&form, "/sign-in", &[("username", "alice"), ("password", PASSWORD)]).await;
        assert_eq!(scene.step().await, 1);
        let told = scene.receiver.told();
        assert_eq!(part(told[0].body.strip_prefix("logout_token=").unwrap(), 1)["sid"], id_token["sid"]);
    }

    /// The same person again: nothing has ended. Afterwards the session is remembered as long as it now lasts.
    async fn signing_in_again_ends_nothing(app) {
        let scene = Scene::new(app).await;
        let (mut browser, _, _) = scene.arrives("admin").await;
        scene.app.clock.advance(jiff::SignedDuration::from_hours(1));
        let form = browser.get("/sign-in?request=").await;
        let form = if form.body.contains("id=\"sign-in\"") { form } else {
            browser.get(&scene.client.authorize(&[("prompt", "login")])).await
        };
        browser.submit(&form, "/sign-in", &[("username", "admin"), ("password", PASSWORD)]).await;
        assert_eq!(scene.step().await, 0);
        let lifetime = scene.app.app.config.session_lifetime;
        scene.app.clock.advance(lifetime - jiff::SignedDuration::from_mins(30));
        doorward_server::jobs::clean(&scene.app.app).await.unwrap();
        let asked = browser.get("/sign-out").await;
        browser.submit(&asked, "/sign-out", &[]).await;
        assert_eq!(scene.receiver.told().len(), 1);
    }

    /// Fifty sign-outs of one session: one token.
    async fn fifty_sign_outs_are_one(app) {
        let scene = Scene::new(app).await;
        let (browser, _, hint) = scene.arrives("admin").await;
        let target = end_session(&scene.client, &[("id_token_hint", &hint)]);
        let all = futures::future::join_all((0..50).map(|_| {
            let (mut browser, target) = (browser.clone(), target.clone());
            tokio::spawn(async move { browser.get(&target).await.status })
        }));
        assert!(all.await.into_iter().all(|status| status.unwrap() == 200));
        assert_eq!(scene.receiver.told().len(), 1);
    }

    /// An application that does not answer keeps the browser for two seconds, several for no longer; it is told later.
    async fn a_silent_application_does_not_hold_the_browser(app) {
        let scene = Scene::new(app).await;
        let second = Receiver::start().await;
        let made = application(&scene.app, "second", &second.url, LogoutMethod::Backchannel).await;
        for receiver in [&scene.receiver, &second] {
            receiver.is(Mood::Slow(Duration::from_mins(1)));
        }
        let (mut browser, _, hint) = scene.arrives("admin").await;
        scene.app.client(&made).code(&mut browser, &[]).await;
        let began = Instant::now();
        let page = browser.get(&end_session(&scene.client, &[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)])).await;
        assert!((1900..3900).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
        assert_eq!(page.location(), BYE);
        let waiting = scene.waiting().await;
        assert_eq!(waiting.len(), 2);
        assert!(waiting.iter().all(|notice| notice.last_error.contains("no answer") && notice.attempts == 1));
        assert_eq!(said(&scene.app.app, "could not be told").await.len(), 2);
        for receiver in [&scene.receiver, &second] {
            receiver.is(Mood::Answers(204));
        }
        scene.passes(20);
        assert_eq!(scene.step().await, 2);
        assert!(scene.waiting().await.is_empty());
    }

    /// Who has no logout URI, or learns it in the browser, is told nothing by the back channel.
    async fn who_does_not_want_to_know_is_not_told(app) {
        let scene = Scene::new(app).await;
        let front = Receiver::start().await;
        let made = application(&scene.app, "front", &front.url, LogoutMethod::Frontchannel).await;
        let mut browser = scene.app.signed_in("admin").await;
        scene.app.client(&made).code(&mut browser, &[]).await;
        scene.app.client(&scene.app.application("quiet").await).code(&mut browser, &[]).await;
        let asked = browser.get("/sign-out").await;
        browser.submit(&asked, "/sign-out", &[]).await;
        assert_eq!((scene.waiting().await.len(), front.told().len()), (0, 0));
    }
}
