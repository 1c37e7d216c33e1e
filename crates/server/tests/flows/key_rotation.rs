//! Rotation of signing keys: by schedule, on several nodes at once, while people sign in, after a leak.

use crate::on_both;
use crate::support::{Browser, OAuthClient, TestApp};
use doorward_core::{
    cipher::Cipher,
    lifetime::Lifetime,
    signing_key::{KeyAlgorithm, VERSIONS_MAX},
};
use doorward_protocols::jose::{import::RsaScheme, verify::id_token_hint};
use doorward_server::{app::App, error::OperationError, keys, router::router, setup::DEFAULT_KEY};
use doorward_store as store;
use futures::future::join_all;
use jiff::SignedDuration;
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};

const DAY: Lifetime = Lifetime::seconds(86_400);

/// What stands in the JWKS at this moment, and how each of it signs.
async fn published(client: &OAuthClient) -> Vec<(KeyAlgorithm, Value)> {
    let jwks = client.get(&format!("/application/o/{}/jwks/", client.slug)).await.json();
    let algorithm = |jwk: &Value| {
        let name = jwk["alg"].as_str().unwrap();
        KeyAlgorithm::ALL.into_iter().map(|(algorithm, ..)| algorithm).find(|one| one.jws_name() == name).unwrap()
    };
    jwks["keys"].as_array().unwrap().iter().map(|jwk| (algorithm(jwk), jwk.clone())).collect()
}

/// Another node over the same data, with new versions published for a short time only.
async fn hasty_node(app: &TestApp) -> App {
    let mut config = app.app.config.clone();
    config.key_publication = SignedDuration::from_millis(50);
    App::start(config, app.database.open(), Cipher::new([7; 32]), app.clock.clone()).await.unwrap()
}

fn versions(app: &App) -> usize {
    keys::find(app, DEFAULT_KEY).unwrap().versions.len()
}

async fn schedule(app: &TestApp, interval: Lifetime) {
    keys::set_schedule(&app.app, &app.actor(), DEFAULT_KEY, interval).await.unwrap();
}

on_both! {
    /// The next version is published an hour before the present one has signed for its time, once, and the activity tells.
    async fn a_schedule_rotates_when_it_is_due(app) {
        assert_eq!(keys::rotate_due(&app.app).await.unwrap(), 0);
        schedule(&app, DAY).await;
        let first = keys::find(&app.app, DEFAULT_KEY).unwrap();
        let due = first.versions[0].activates_at + SignedDuration::from_hours(24);
        app.clock.advance(SignedDuration::from_mins(22 * 60 + 59));
        assert_eq!(keys::rotate_due(&app.app).await.unwrap(), 0);
        app.clock.advance(SignedDuration::from_mins(1));
        assert_eq!(keys::rotate_due(&app.app).await.unwrap(), 1);
        assert_eq!(keys::rotate_due(&app.app).await.unwrap(), 0, "once");
        let key = keys::find(&app.app, DEFAULT_KEY).unwrap();
        assert_eq!((key.versions.len(), key.versions[1].activates_at), (2, due));
        assert_eq!(key.active(app.clock.now()).unwrap().kid, first.versions[0].kid);
        app.clock.advance(SignedDuration::from_hours(1));
        assert_eq!(key.active(app.clock.now()).unwrap().kid, key.versions[1].kid);
        assert_eq!(key.next_rotation(app.clock.now()), Some(due + SignedDuration::from_hours(24)));
        let events = app.app.db.read(|tx| Box::pin(store::event::newest(tx, 20))).await.unwrap();
        assert!(events.iter().any(|event| event.text.contains("rotated the signing key") && event.text.contains("the schedule")));
        schedule(&app, Lifetime::seconds(0)).await;
        app.clock.advance(SignedDuration::from_hours(24 * 400));
        assert_eq!(keys::rotate_due(&app.app).await.unwrap(), 0);
    }

    /// A server that was off for long publishes first, too: nobody has seen the new version yet.
    async fn an_overdue_rotation_still_publishes_first(app) {
        schedule(&app, DAY).await;
        app.clock.advance(SignedDuration::from_hours(24 * 30));
        assert_eq!(keys::rotate_due(&app.app).await.unwrap(), 1);
        let key = keys::find(&app.app, DEFAULT_KEY).unwrap();
        assert_eq!(key.versions[1].activates_at, app.clock.now() + app.app.config.key_publication);
    }

    /// Nodes that find a key due at once make one version, and say so once.
    async fn of_several_nodes_one_rotates(app) {
        schedule(&app, DAY).await;
        app.clock.advance(SignedDuration::from_hours(23));
        let (second, third) = (app.second_process().await, app.second_process().await);
        let nodes = [&app.app, &second, &third, &app.app, &second, &third];
        let counts = join_all(nodes.map(keys::rotate_due)).await;
        assert_eq!(counts.iter().map(|count| count.as_ref().unwrap()).sum::<usize>(), 1, "{counts:?}");
        for node in nodes {
            node.refresh().await.unwrap();
            assert_eq!(versions(node), 2);
        }
        let events = app.app.db.read(|tx| Box::pin(store::event::newest(tx, 50))).await.unwrap();
        assert_eq!(events.iter().filter(|event| event.text.contains("the new version signs from")).count(), 1);
    }

    /// By hand, too: whoever comes second is told, instead of adding another version.
    async fn of_several_administrators_one_rotates(app) {
        let second = app.second_process().await;
        let actor = app.actor();
        let results = join_all([&app.app, &second, &app.app, &second].map(|node| keys::rotate(node, &actor, DEFAULT_KEY, true))).await;
        let good = results.iter().filter(|result| result.is_ok()).count();
        let denied = results.iter().filter(|result| matches!(result, Err(OperationError::Denied(text)) if text.contains("just now"))).count();
        app.app.refresh().await.unwrap();
        assert!(good >= 1 && good + denied == 4, "{results:?}");
        assert_eq!(versions(&app.app), 1 + good, "what succeeded is there, and nothing else");
    }

    /// One key that cannot be rotated keeps nobody from the others, and the next look tries again.
    async fn a_failure_stops_neither_the_job_nor_the_other_keys(app) {
        let interval = DAY;
        for name in ["a", "b"] {
            keys::generate(&app.app, &app.actor(), name, KeyAlgorithm::EcP256).await.unwrap();
            keys::set_schedule(&app.app, &app.actor(), name, interval).await.unwrap();
        }
        // The first has as many versions as it may have: long-lived tokens keep all of them.
        let key = keys::find(&app.app, "a").unwrap();
        app.application_with("long", |_, provider| {
            provider.signing_key = key.id;
            provider.access_token_validity = Lifetime::seconds(3600 * 86_400);
        }).await;
        for _ in 1..VERSIONS_MAX {
            keys::rotate(&app.app, &app.actor(), "a", true).await.unwrap();
            app.clock.advance(SignedDuration::from_millis(5));
        }
        app.clock.advance(SignedDuration::from_hours(25));
        let error = keys::rotate_due(&app.app).await.unwrap_err();
        assert!(error.to_string().contains("20 versions"), "{error}");
        assert_eq!(keys::find(&app.app, "a").unwrap().versions.len(), VERSIONS_MAX);
        assert_eq!(keys::find(&app.app, "b").unwrap().versions.len(), 2);
        assert!(keys::rotate(&app.app, &app.actor(), "a", false).await.unwrap_err().to_string().contains("20 versions"));
        keys::replace_leaked(&app.app, &app.actor(), "a").await.unwrap();
        assert_eq!(keys::find(&app.app, "a").unwrap().versions.len(), 1);
        assert_eq!(keys::rotate_due(&app.app).await.unwrap(), 0);
    }

    async fn schedules_have_limits(app) {
        let set = |interval| {
            let actor = app.actor();
            let app = app.app.clone();
            async move { keys::set_schedule(&app, &actor, DEFAULT_KEY, interval).await }
        };
        for seconds in [1, 3600, 86_399] {
            let error = set(Lifetime::seconds(seconds)).await.unwrap_err();
            assert!(matches!(&error, OperationError::Invalid(problems) if problems.0[0].field == "rotation_interval"), "{error}");
        }
        for interval in [DAY, DAY, Lifetime::seconds(3650 * 86_400), Lifetime::seconds(0)] {
            assert_eq!(set(interval).await.unwrap().rotation_interval, interval);
        }
        let mut config = app.app.config.clone();
        config.key_publication = SignedDuration::from_hours(48);
        let patient = App::start(config, app.database.open(), Cipher::new([7; 32]), app.clock.clone()).await.unwrap();
        let error = keys::set_schedule(&patient, &app.actor(), DEFAULT_KEY, DAY).await.unwrap_err();
        assert!(error.to_string().contains("key_publication"), "{error}");
        assert!(keys::set_schedule(&app.app, &app.actor(), "nobody's", DAY).await.is_err());
    }

    /// While people sign in at one node, keys are rotated again and again at another. Every ID token is good by the JWKS of
    /// either node at the moment in which it arrives.
    async fn nobody_notices_a_rotation(app) {
        let registered = app.application("busy").await;
        let (signing, serving) = (hasty_node(&app).await, hasty_node(&app).await);
        let here = OAuthClient::new(router(signing.clone()), &registered);
        let there = OAuthClient::new(router(serving.clone()), &registered);
        let (checked, rotated) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut kids = std::collections::BTreeSet::new();
        let sign_in = async |number: usize| {
            let mut browser = Browser::new(router(signing.clone()));
            let page = browser.sign_in("/if/user/", "admin", crate::support::PASSWORD).await;
            assert_eq!(page.status, 200);
            let mut kids = Vec::new();
            // As long as keys change, and a little longer.
            let mut after_the_last = 0;
            while after_the_last < 2 {
                let is_last = rotated.load(Ordering::Relaxed) == 8;
                after_the_last += usize::from(is_last);
                let token = here.exchange(&here.code(&mut browser, &[]).await).await.text("id_token");
                for client in [&there, &here] {
                    let keys = published(client).await;
                    let result = id_token_hint(&token, &keys, &here.issuer, &here.client_id);
                    assert!(result.is_ok(), "sign-in {number}: {result:?}, {} keys", keys.len());
                }
                kids.push(crate::keys::kid_of(&token));
                checked.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
            kids
        };
        let rotate = async {
            for round in 0..8 {
                // Some sign in with every version.
                let before = checked.load(Ordering::Relaxed);
                while checked.load(Ordering::Relaxed) < before + 3 {
                    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                }
                keys::rotate(&serving, &app.actor(), DEFAULT_KEY, false).await.unwrap_or_else(|error| panic!("{round}: {error}"));
                signing.refresh().await.unwrap();
                app.clock.advance(SignedDuration::from_millis(51));
                // The time of a snapshot runs out, as it does every half minute.
                keys::set_schedule(&signing, &app.actor(), DEFAULT_KEY, Lifetime::seconds(86_400 * (2 + round))).await.unwrap();
                serving.refresh().await.unwrap();
                rotated.fetch_add(1, Ordering::Relaxed);
            }
        };
        let (lists, ()) = futures::join!(join_all((0..4).map(sign_in)), rotate);
        kids.extend(lists.into_iter().flatten());
        assert!(kids.len() >= 8, "{} keys signed {} tokens", kids.len(), checked.load(Ordering::Relaxed));
    }

    /// After a leak the old version is gone from the JWKS at once, and nothing signed with it is believed.
    async fn a_leaked_key_is_withdrawn(app) {
        let registered = app.application("a").await;
        let client = app.client(&registered);
        let mut browser = app.signed_in("admin").await;
        let before = client.exchange(&client.code(&mut browser, &[]).await).await;
        assert_eq!(client.userinfo(&before.text("access_token")).await.status, 200);
        keys::rotate(&app.app, &app.actor(), DEFAULT_KEY, false).await.unwrap();
        let new = keys::replace_leaked(&app.app, &app.actor(), DEFAULT_KEY).await.unwrap().kid;
        app.clock.advance(SignedDuration::from_millis(1));
        let keys_now = published(&client).await;
        assert_eq!(keys_now.iter().map(|(_, jwk)| jwk["kid"].as_str().unwrap()).collect::<Vec<_>>(), [new.as_str()]);
        assert!(id_token_hint(&before.text("id_token"), &keys_now, &client.issuer, &client.client_id).is_err());
        let after = client.exchange(&client.code(&mut browser, &[]).await).await;
        assert!(id_token_hint(&after.text("id_token"), &keys_now, &client.issuer, &client.client_id).is_ok());
        // A refresh token is no signed text: it goes on, with tokens of the new key.
        let events = app.app.db.read(|tx| Box::pin(store::event::newest(tx, 20))).await.unwrap();
        assert!(events.iter().any(|event| event.text.contains("withdrew")));
    }

    /// A hint of a key that is no longer published is refused, and the administrator reads why.
    async fn hints_of_forgotten_keys_are_refused(app) {
        let registered = app.application("a").await;
        let client = app.client(&registered);
        let mut browser = app.signed_in("admin").await;
        let hint = client.exchange(&client.code(&mut browser, &[]).await).await.text("id_token");
        keys::rotate(&app.app, &app.actor(), DEFAULT_KEY, true).await.unwrap();
        app.clock.advance(SignedDuration::from_mins(69));
        app.app.refresh().await.unwrap();
        let check = async || id_token_hint(&hint, &published(&client).await, &client.issuer, &client.client_id);
        assert!(check().await.is_ok(), "expired, but its key is still there");
        app.clock.advance(SignedDuration::from_mins(2));
        app.app.refresh().await.unwrap();
        let error = check().await.unwrap_err();
        assert!(error.to_string().contains("not signed with a key of this application"), "{error}");
    }

    /// An RSA key from a file signs with PS256 if that is asked for.
    async fn an_imported_rsa_key_signs_as_it_is_told(app) {
        let made = doorward_protocols::jose::generate::generate(&app.clock, KeyAlgorithm::Rsa, "x", app.clock.now()).unwrap();
        let body = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, made.private_key.expose());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        let key = keys::import(&app.app, &app.actor(), "brought", &pem, RsaScheme::Pss).await.unwrap();
        let again = keys::import(&app.app, &app.actor(), "again", &pem, RsaScheme::Pkcs1).await.unwrap_err();
        assert!(again.to_string().contains("there already"), "one key, one algorithm: {again}");
        let registered = app.application_with("pss", |_, provider| provider.signing_key = key.id).await;
        let client = app.client(&registered);
        let mut browser = app.signed_in("admin").await;
        let token = client.exchange(&client.code(&mut browser, &[]).await).await.text("id_token");
        let keys_now = published(&client).await;
        assert_eq!((keys_now.len(), &keys_now[0].1["alg"]), (1, &serde_json::json!("PS256")));
        assert!(id_token_hint(&token, &keys_now, &client.issuer, &client.client_id).is_ok());
        // Its next version is of the same kind.
        keys::rotate(&app.app, &app.actor(), "brought", false).await.unwrap();
        assert!(keys::find(&app.app, "brought").unwrap().versions.iter().all(|version| version.algorithm == KeyAlgorithm::RsaPss));
    }
}
