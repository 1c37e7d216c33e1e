//! What somebody with credentials can add to the database, however often they ask: every number, reached.

use crate::on_both;
use crate::support::{OAuthClient, TestApp};
use doorward_core::{
    clock::from_millis,
    id::{GrantId, LogoutNoticeId, SessionId, UserId},
    lifetime::Lifetime,
    session::Session,
};
use doorward_server::{
    auth::session,
    directory::users,
    events::{self, budget},
    jobs,
    oidc::{
        logout,
        token_bounds::{self, ACCESS_TOKENS, EVERY, GRANTS},
    },
};
use doorward_store::{self as store, grant::Grant, logout_notice::LogoutNotice, values};
use futures::future::join_all;
use jiff::SignedDuration;

const OFFLINE: (&str, &str) = ("scope", "openid offline_access");

/// How many rows a table has.
async fn rows(app: &TestApp, table: &str) -> i64 {
    let sql: &'static str = format!("SELECT COUNT(*) FROM {table}").leak();
    app.app.db.read(move |tx| Box::pin(async move { tx.fetch_one(sql, &[]).await })).await.unwrap()
}

async fn id_of(app: &TestApp, username: &str) -> UserId {
    users::find_by_username(&app.app, username).await.unwrap().id
}

/// Grants of a program, as if it had asked a millisecond after the other; each with an access token.
async fn grants_of_a_program(app: &TestApp, client: &OAuthClient, user: UserId, count: i64) {
    let provider = app.app.snapshot().by_client_id(&client.client_id).unwrap().provider.id;
    let (clock, now) = (app.clock.clone(), app.clock.now());
    app.app
        .db
        .write(move |tx| {
            Box::pin(async move {
                for number in 0..count {
                    let id = GrantId::new(&clock);
                    clock.advance(SignedDuration::from_millis(1));
                    let grant = Grant {
                        id,
                        provider,
                        user,
                        session: None,
                        sid: String::new(),
                        scopes: "openid".into(),
                        authenticated_at: now,
                        methods: String::new(),
                        created_at: now,
                        expires_at: now + SignedDuration::from_hours(1),
                        revoked_at: None,
                        attempt: None,
                        claims: None,
                    };
                    assert!(store::grant::insert_if_active(tx, &grant).await?);
                    let hash = format!("{number}-{id}");
                    store::access_token::insert(tx, &hash, id, "openid", grant.created_at, grant.expires_at).await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
}

async fn trim_to(app: &TestApp, client: &OAuthClient, kept: i64) {
    let user = id_of(app, "admin").await;
    let provider = app.app.snapshot().by_client_id(&client.client_id).unwrap().provider.id;
    token_bounds::trim_grants(&app.app, provider, user, kept).await.unwrap();
}

on_both! {
    /// A program that asks for a token before each call has the newest ten thousand, and what people have is left alone.
    async fn grants_of_a_program_are_bounded(app) {
        let client = app.client(&app.script_application("a", |_, provider| {
            provider.access_token_validity = Lifetime::seconds(30 * 24 * 3600);
        }).await);
        let mut browser = app.signed_in("admin").await;
        let of_a_person = client.exchange(&client.code(&mut browser, &[]).await).await.text("access_token");
        let first = client.for_itself("openid").await.text("access_token");
        let robot = id_of(&app, "ak-a-client_credentials").await;
        grants_of_a_program(&app, &client, robot, GRANTS + 300).await;
        let tokens = join_all((0..EVERY - 2).map(|_| client.for_itself("openid"))).await;
        assert_eq!(rows(&app, "access_tokens").await, GRANTS + 300 + i64::from(EVERY));
        app.clock.advance(SignedDuration::from_millis(1));
        // The thousandth trims; the two before are the first and those in between.
        let last = client.for_itself("openid").await.text("access_token");
        assert_eq!((rows(&app, "grants").await, rows(&app, "access_tokens").await), (GRANTS + 1, GRANTS + 1));
        assert_eq!(client.userinfo(&first).await.status, 401, "the oldest has gone");
        for token in [&last, &tokens[0].text("access_token"), &of_a_person] {
            assert_eq!(client.userinfo(token).await.status, 200);
        }
    }

    /// What another process or a restart left over, the job forgets.
    async fn the_job_trims_what_nobody_counted(app) {
        let client = app.client(&app.script_application("a", |_, _| {}).await);
        let token = client.for_itself("openid").await.text("access_token");
        let robot = id_of(&app, "ak-a-client_credentials").await;
        jobs::clean(&app.app).await.unwrap();
        assert_eq!(client.userinfo(&token).await.status, 200);
        grants_of_a_program(&app, &client, robot, GRANTS + 20).await;
        jobs::clean(&app.app).await.unwrap();
        assert_eq!((rows(&app, "grants").await, rows(&app, "access_tokens").await), (GRANTS, GRANTS));
        assert_eq!(client.userinfo(&token).await.status, 401);
    }

    /// A chain of refreshes is one row however long it gets, and its first token is still known for a replay.
    async fn a_chain_of_refreshes_does_not_grow(app) {
        let client = app.client(&app.application_with("a", |_, _| {}).await);
        let mut browser = app.signed_in("admin").await;
        let first = client.exchange(&client.code(&mut browser, &[OFFLINE]).await).await.text("refresh_token");
        let mut newest = first.clone();
        for _ in 0..50 {
            newest = client.refresh(&newest).await.text("refresh_token");
        }
        assert_eq!(rows(&app, "refresh_tokens").await, 1);
        jobs::clean(&app.app).await.unwrap();
        // Somebody else's client learns nothing and ends nothing by it.
        let other = app.client(&app.application("other").await);
        assert_eq!(other.refresh(&first).await.error(), "invalid_grant");
        let made_up = format!("{}{}", "x".repeat(64), &first[64..]);
        assert_eq!(client.refresh(&made_up).await.error(), "invalid_grant");
        newest = client.refresh(&newest).await.text("refresh_token");
        assert_eq!(client.refresh(&first).await.error(), "invalid_grant");
        assert_eq!(client.refresh(&newest).await.error(), "invalid_grant", "the family is revoked");
    }

    /// Tokens of versions that did not seal them are exchanged as before, and their replay is noticed as before.
    async fn refresh_tokens_of_older_versions_go_on(app) {
        let client = app.client(&app.application_with("a", |_, _| {}).await);
        let mut browser = app.signed_in("admin").await;
        let first = client.exchange(&client.code(&mut browser, &[OFFLINE]).await).await.text("refresh_token");
        let old = "o".repeat(128);
        let (hash, was) = (doorward_core::cipher::sha256_hex(old.as_bytes()), doorward_core::cipher::sha256_hex(first.as_bytes()));
        app.app.db.write(move |tx| Box::pin(async move {
            let sql = "UPDATE refresh_tokens SET token_hash = $1 WHERE token_hash = $2";
            tx.execute(sql, &[hash.into(), was.into()]).await
        })).await.unwrap();
        let newest = client.refresh(&old).await.text("refresh_token");
        assert_eq!(rows(&app, "refresh_tokens").await, 2);
        assert_eq!(client.refresh(&old).await.error(), "invalid_grant");
        assert_eq!(client.refresh(&newest).await.error(), "invalid_grant");
    }

    /// A refresh token that is not replaced gives access tokens without end; a thousand are kept.
    async fn access_tokens_of_a_grant_are_bounded(app) {
        let client = app.client(&app.application_with("a", |_, provider| {
            provider.refresh_token_threshold = Lifetime::seconds(600);
            provider.access_token_validity = Lifetime::seconds(24 * 3600);
        }).await);
        let mut browser = app.signed_in("admin").await;
        let first = client.exchange(&client.code(&mut browser, &[OFFLINE]).await).await;
        app.clock.advance(SignedDuration::from_millis(1));
        let refresh = first.text("refresh_token");
        join_all((1..EVERY).map(|_| client.refresh(&refresh))).await;
        assert_eq!(rows(&app, "access_tokens").await, i64::from(EVERY));
        app.clock.advance(SignedDuration::from_millis(1));
        let last = client.refresh(&refresh).await.text("access_token");
        assert_eq!(rows(&app, "access_tokens").await, ACCESS_TOKENS);
        assert_eq!(client.userinfo(&first.text("access_token")).await.status, 401, "the oldest has gone");
        assert_eq!(client.userinfo(&last).await.status, 200);
    }

    /// Lifetimes may become shorter: then the newest expire first, and are kept all the same.
    async fn the_newest_access_tokens_are_kept_whenever_they_expire(app) {
        let client = app.client(&app.application_with("a", |_, _| {}).await);
        let mut browser = app.signed_in("admin").await;
        client.exchange(&client.code(&mut browser, &[]).await).await;
        let grant: GrantId = app.app.db.read(|tx| Box::pin(async move {
            tx.fetch_one::<String>("SELECT id FROM grants", &[]).await
        })).await.unwrap().parse().unwrap();
        let left = app.app.db.write(move |tx| Box::pin(async move {
            let hours = |count: i64| from_millis(count * 3_600_000);
            for (hash, issued_at, expires_at) in [("old", hours(1), hours(1_000_000)), ("new", hours(2), hours(500_000))] {
                store::access_token::insert(tx, hash, grant, "openid", issued_at, expires_at).await?;
            }
            tx.execute("DELETE FROM access_tokens WHERE issued_at > $1", values![hours(3)]).await?;
            store::access_token::delete_beyond(tx, grant, 1).await?;
            tx.fetch::<String>("SELECT token_hash FROM access_tokens", &[]).await
        })).await.unwrap();
        assert_eq!(left, ["new"]);
    }

    /// Each kind of sign-in has a bound of its own: what can be refreshed is not pushed out by what cannot, nor the other way
    /// round, and what waits for its code stays. Revoked ones go first, then those longest not refreshed.
    async fn kinds_of_sign_ins_do_not_push_each_other_out(app) {
        let client = app.client(&app.application_with("a", |_, _| {}).await);
        let mut browser = app.signed_in("admin").await;
        let mut lasting = Vec::new();
        for _ in 0..3 {
            app.clock.advance(SignedDuration::from_millis(1));
            lasting.push(client.exchange(&client.code(&mut browser, &[OFFLINE]).await).await.text("refresh_token"));
        }
        app.clock.advance(SignedDuration::from_millis(1));
        lasting[0] = client.refresh(&lasting[0]).await.text("refresh_token");
        let mut passing = Vec::new();
        for _ in 0..3 {
            app.clock.advance(SignedDuration::from_millis(1));
            passing.push(client.exchange(&client.code(&mut browser, &[]).await).await.text("access_token"));
        }
        app.clock.advance(SignedDuration::from_millis(1));
        let replayed = client.code(&mut browser, &[]).await;
        assert_eq!(client.exchange(&replayed).await.status, 200);
        assert_eq!(client.exchange(&replayed).await.error(), "invalid_grant");
        app.clock.advance(SignedDuration::from_millis(1));
        let waiting = client.code(&mut browser, &[OFFLINE]).await;
        trim_to(&app, &client, 2).await;
        assert_eq!(rows(&app, "grants").await, 4);
        assert_eq!(client.exchange(&waiting).await.status, 200, "its code was on its way");
        assert_eq!(client.userinfo(&passing[2]).await.status, 200, "the revoked one went first");
        assert_eq!(client.userinfo(&passing[1]).await.status, 401);
        assert_eq!(client.refresh(&lasting[0]).await.status, 200, "it was refreshed last");
        assert_eq!(client.refresh(&lasting[1]).await.error(), "invalid_grant");
        assert_eq!(client.refresh(&lasting[2]).await.status, 200);
    }

    /// A page in a browser asks again and again without anybody noticing: what is written down about it is bounded.
    async fn silent_requests_in_a_loop_write_so_much_and_no_more(app) {
        let client = app.client(&app.application_with("a", |_, _| {}).await);
        let mut browser = app.signed_in("admin").await;
        let authorized = async || {
            let newest = events::newest(&app.app, 1000).await.unwrap();
            u32::try_from(newest.iter().filter(|event| event.kind == "authorized").count()).unwrap()
        };
        for _ in 0..budget::PER_USER + 15 {
            client.code(&mut browser, &[("prompt", "none")]).await;
        }
        assert_eq!(authorized().await, budget::PER_USER);
        // Other people and other applications are written down all the same, and so is everybody an hour later.
        let other = app.client(&app.application("other").await);
        other.code(&mut browser, &[]).await;
        assert_eq!(authorized().await, budget::PER_USER + 1);
        app.clock.advance(SignedDuration::from_hours(1));
        client.code(&mut browser, &[]).await;
        assert_eq!(authorized().await, budget::PER_USER + 2);
        // Codes that nobody fetched are forgotten an hour after their end.
        app.clock.advance(SignedDuration::from_hours(2));
        jobs::clean(&app.app).await.unwrap();
        assert_eq!((rows(&app, "grants").await, rows(&app, "authorization_codes").await), (0, 0));
    }

    /// A code that is sent again and again is a replay each time, and written down so often.
    async fn replays_in_a_loop_write_so_much_and_no_more(app) {
        let client = app.client(&app.application_with("a", |_, _| {}).await);
        let mut browser = app.signed_in("admin").await;
        let code = client.code(&mut browser, &[]).await;
        assert_eq!(client.exchange(&code).await.status, 200);
        for _ in 0..budget::PER_USER + 15 {
            assert_eq!(client.exchange(&code).await.error(), "invalid_grant");
        }
        let newest = events::newest(&app.app, 1000).await.unwrap();
        let replays = newest.iter().filter(|event| event.kind == "replay").count();
        assert_eq!(u32::try_from(replays).unwrap(), budget::PER_USER);
    }

    /// Whoever signs in by a script has so many sessions; the oldest end as if somebody had signed out there.
    async fn sessions_of_a_user_are_bounded(app) {
        let client = app.client(&app.application_with("a", |_, _| {}).await);
        let mut oldest = app.signed_in("admin").await;
        let token = client.exchange(&client.code(&mut oldest, &[]).await).await.text("access_token");
        let (user, clock) = (id_of(&app, "admin").await, app.clock.clone());
        app.clock.advance(SignedDuration::from_secs(1));
        app.app.db.write(move |tx| Box::pin(async move {
            for number in 1..session::PER_USER {
                let now = clock.now();
                let session = Session {
                    id: SessionId::new(&clock), user, authenticated_at: now, methods: "password".into(), created_at: now,
                    expires_at: now + SignedDuration::from_hours(1), address: String::new(), user_agent: String::new(),
                };
                store::session::insert(tx, &session, &format!("cookie{number}")).await?;
            }
            Ok(())
        })).await.unwrap();
        assert_eq!((rows(&app, "sessions").await, client.userinfo(&token).await.status), (session::PER_USER, 200));
        app.clock.advance(SignedDuration::from_secs(1));
        let mut newest = app.signed_in("admin").await;
        assert_eq!((rows(&app, "sessions").await, client.userinfo(&token).await.status), (session::PER_USER, 401));
        let is_asked = |body: &str| body.contains("id=\"username\"");
        assert!(!is_asked(&newest.get("/if/user/").await.body) && is_asked(&oldest.get("/if/user/").await.body));
    }

    /// Notes to an application that does not listen, about one user who signs in and out by a script; others' are kept.
    async fn logout_notices_about_a_user_are_bounded(app) {
        let provider = app.application("a").await.provider.id;
        let alice = app.user("alice", &[]).await.id;
        let (admin, clock) = (id_of(&app, "admin").await, app.clock.clone());
        app.app.db.write(move |tx| Box::pin(async move {
            for number in 0..logout::PER_USER + 12 {
                let user = if number < 3 { alice } else { admin };
                let now = clock.now() + SignedDuration::from_millis(number);
                let notice = LogoutNotice {
                    id: LogoutNoticeId::new(&clock), provider, user, subject: number.to_string(), sid: String::new(),
                    created_at: now, due_at: now, attempts: 1, leased_until: None, last_error: String::new(),
                };
                store::logout_notice::insert(tx, &notice).await?;
            }
            Ok(())
        })).await.unwrap();
        jobs::clean(&app.app).await.unwrap();
        assert_eq!(rows(&app, "logout_notices").await, logout::PER_USER + 3);
        let subjects: Vec<String> = app.app.db.read(|tx| Box::pin(async move {
            tx.fetch("SELECT subject FROM logout_notices ORDER BY created_at LIMIT 4", &[]).await
        })).await.unwrap();
        assert_eq!(subjects, ["0", "1", "2", "12"]);
    }
}
