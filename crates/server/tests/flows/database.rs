//! Keeping: migrations, another key, a database that goes away, several processes.

use crate::{
    on_both,
    support::{Backend, Database, OAuthClient, PASSWORD, TestApp, new_database},
};
use doorward_core::{cipher::Cipher, clock::Clock, group::GroupProfile};
use doorward_server::{
    actor::Actor, app::App, config::Config, directory::groups, public_url::PublicUrl, router::router,
};
use doorward_store::{
    Error,
    db::{FromRow, Row},
    migrate::{self, Migration},
    values,
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// The latest version there is, and the one that a test adds.
const LATEST: i64 = migrate::ALL[migrate::ALL.len() - 1].version;
const NEXT: i64 = LATEST + 1;
const ANOTHER: &[Migration] =
    &[Migration { version: NEXT, name: "another", sql: "CREATE TABLE another (id TEXT {C} NOT NULL PRIMARY KEY);" }];
const BROKEN: &[Migration] = &[Migration {
    version: NEXT,
    name: "broken",
    sql: "CREATE TABLE half (id TEXT NOT NULL); CREATE TABLE half (id TEXT NOT NULL);",
}];

async fn start(database: &Database, key: u8, dir: &tempfile::TempDir) -> Result<App, Error> {
    let config = Config::new(PublicUrl::parse("https://id.example.org").unwrap(), dir.path().to_owned());
    App::start(config, database.open(), Cipher::new([key; 32]), Clock::system()).await
}

on_both! {
    /// A newer database is refused with what to do; a migration that fails leaves nothing.
    async fn migrations_are_safe(app) {
        let db = app.database.open();
        let now = app.clock.now();
        assert!(migrate::run(&db, BROKEN, app.dir.path(), now).await.is_err());
        assert_eq!(migrate::current(&db).await.unwrap(), LATEST);
        let report = migrate::run(&db, ANOTHER, app.dir.path(), now).await.unwrap();
        assert_eq!(report.applied, [NEXT]);
        assert_eq!(report.copy.is_some(), db.is_sqlite());
        if let Some(copy) = report.copy {
            let old = Database::File(copy).open();
            assert_eq!(migrate::current(&old).await.unwrap(), LATEST);
        }
        assert_eq!(migrate::run(&db, ANOTHER, app.dir.path(), now).await.unwrap(), migrate::Report::default());
        let refused = start(&app.database, 7, &app.dir).await.err().unwrap();
        assert!(matches!(refused, Error::Newer { found: NEXT, known: LATEST }) && refused.to_string().contains("newer"), "{refused}");
    }

    /// Another encryption key is noticed at start, not at the first sign-in.
    async fn another_key_is_refused(app) {
        let refused = start(&app.database, 8, &app.dir).await.err().unwrap();
        assert!(refused.to_string().contains("secret.key"), "{refused}");
    }

    /// Nothing that must be kept secret stands in the database in clear.
    async fn secrets_are_encrypted_and_tokens_hashed(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let code = client.code(&mut browser, &[("scope", "openid offline_access")]).await;
        let answer = client.exchange(&code).await;
        let (access, refresh) = (answer.text("access_token"), answer.text("refresh_token"));
        let mut dump = String::new();
        for sql in [
            "SELECT client_secret FROM providers", "SELECT private_key FROM signing_key_versions",
        ] {
            let rows: Vec<Bytes> = app.app.db.read(move |tx| Box::pin(tx.fetch(sql, values![]))).await.unwrap();
            dump.extend(rows.iter().map(|row| String::from_utf8_lossy(&row.0).into_owned()));
        }
        for sql in [
            "SELECT token_hash FROM access_tokens", "SELECT token_hash FROM refresh_tokens", "SELECT token_hash FROM sessions",
            "SELECT code_hash FROM authorization_codes", "SELECT text FROM events", "SELECT value FROM settings",
            "SELECT password_hash FROM credentials",
        ] {
            let rows: Vec<String> = app.app.db.read(move |tx| Box::pin(tx.fetch(sql, values![]))).await.unwrap();
            dump.extend(rows);
        }
        let session = browser.cookies["__Host-doorward"].as_str();
        for secret in [client.secret.as_str(), &access, &refresh, &code, session, PASSWORD] {
            assert!(!dump.contains(secret));
        }
    }

    /// A write whose caller went away, as with a request that is cancelled, is done and counted all the same.
    async fn a_write_that_nobody_waits_for_is_counted(app) {
        use futures::FutureExt;
        let write = |name: &'static str| app.app.db.write(move |tx| Box::pin(async move {
            tx.execute("INSERT INTO throttles (name, started_at, count) VALUES ($1, 0, 1)", values![name]).await
        }));
        let there = || app.app.db.read(|tx| Box::pin(async move {
            tx.fetch_one::<i64>("SELECT COUNT(*) FROM throttles WHERE name = 'left'", &[]).await
        }));
        let before = app.app.db.commits();
        write("kept").await.unwrap();
        assert_eq!(app.app.db.commits(), before + 1);
        // Nobody waits, unless it was done at once.
        let _ = write("left").now_or_never();
        let moved = async {
            while there().await.unwrap() == 0 || app.app.db.commits() == before + 1 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), moved).await.expect("the commit is counted");
    }

    /// What one process changes, another sees after looking; fifty codes over two processes have one winner.
    async fn two_processes_share_one_truth(app) {
        let other = app.second_process().await;
        let registered = app.application("a").await;
        let client = app.client(&registered);
        assert!(other.snapshot().by_slug("a").is_none());
        other.refresh().await.unwrap();
        let there = crate::support::OAuthClient::new(router(other), &registered);
        let code = client.code(&mut app.signed_in("admin").await, &[]).await;
        let answers = futures::future::join_all((0..50).map(|number| {
            let client = if number % 2 == 0 { client.clone() } else { there.clone() };
            let code = code.clone();
            async move { client.exchange(&code).await.status }
        })).await;
        assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1);
    }
}

/// A database of the first version that holds groups: they are numbered by age, and the next one goes on.
async fn groups_are_numbered_by_age(backend: Backend) {
    let dir = tempfile::tempdir().unwrap();
    let database = new_database(backend, &dir).await;
    let db = database.open();
    migrate::run(&db, &migrate::ALL[..1], dir.path(), Clock::system().now()).await.unwrap();
    let id = |number: u32| format!("01900000-0000-7000-8000-00000000000{number}");
    // Two were made in the same millisecond.
    let groups = [(id(4), "young", 30), (id(1), "old", 10), (id(3), "twin", 20), (id(2), "elder twin", 20)];
    for (id, name, created_at) in groups {
        let insert = db.write(move |tx| {
            Box::pin(async move {
                tx.execute(
                    "INSERT INTO groups (id, name, name_key, is_superuser, attributes, created_at) \
                     VALUES ($1, $2, $2, FALSE, '{}', $3)",
                    values![id, name, created_at],
                )
                .await
            })
        });
        insert.await.unwrap();
    }
    let app = start(&database, 7, &dir).await.unwrap();
    let snapshot = app.snapshot();
    let mut numbers: Vec<_> = snapshot.groups.iter().map(|group| (group.pk, group.profile.name.as_str())).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [(1, "old"), (2, "elder twin"), (3, "twin"), (4, "young")]);
    let next = groups::create(&app, &Actor::command_line(), GroupProfile::named("next"), [].into()).await.unwrap();
    assert_eq!(next.pk, 5);
    groups::delete(&app, &Actor::command_line(), next.id).await.unwrap();
    let after = groups::create(&app, &Actor::command_line(), GroupProfile::named("after"), [].into()).await.unwrap();
    assert_eq!(after.pk, 6, "numbers are never given twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_numbered_by_age_on_sqlite() {
    groups_are_numbered_by_age(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_numbered_by_age_on_postgres() {
    groups_are_numbered_by_age(Backend::Postgres).await;
}

struct Bytes(Vec<u8>);
impl FromRow for Bytes {
    fn from_row(row: &Row<'_>) -> doorward_store::Result<Self> {
        Ok(Self(row.get(0)?))
    }
}

struct Column(String, String, String, bool);
impl FromRow for Column {
    fn from_row(row: &Row<'_>) -> doorward_store::Result<Self> {
        Ok(Self(row.get(0)?, row.get(1)?, row.get(2)?, row.get::<i64>(3)? != 0))
    }
}

/// Both databases have the same tables and columns, of the same types.
#[tokio::test(flavor = "multi_thread")]
async fn the_schemas_are_the_same() {
    let sqlite = TestApp::new(Backend::Sqlite).await;
    let postgres = TestApp::new(Backend::Postgres).await;
    let read = |app: App, sql: &'static str| async move {
        let rows: Vec<Column> = app.db.read(move |tx| Box::pin(tx.fetch(sql, values![]))).await.unwrap();
        rows.into_iter()
            .map(|Column(table, name, kind, required)| (table, name, kind.to_uppercase(), required))
            .collect::<std::collections::BTreeSet<_>>()
    };
    let here = read(
        sqlite.app.clone(),
        "SELECT m.name, c.name, c.type, c.\"notnull\" FROM sqlite_master m, pragma_table_info(m.name) c \
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
    );
    let there = read(
        postgres.app.clone(),
        "SELECT table_name::text, column_name::text, data_type::text, CASE is_nullable WHEN 'NO' THEN 1::bigint ELSE 0::bigint END \
         FROM information_schema.columns WHERE table_schema = current_schema()",
    );
    let (here, there) = tokio::join!(here, there);
    assert!(here.len() > 100);
    assert_eq!(here, there);
}

/// A database that goes away means a clear 503 everywhere, and all is well when it comes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_means_503() {
    let dir = tempfile::tempdir().unwrap();
    let Database::Url(url) = new_database(Backend::Postgres, &dir).await else { unreachable!() };
    let (proxied, is_open) = proxy(&url).await;
    let app = start(&Database::Url(proxied), 7, &dir).await.unwrap();
    let mut browser = crate::support::Browser::new(router(app.clone()));
    assert_eq!(browser.get("/-/health/ready/").await.status, 200);
    let form = browser.get("/sign-in").await;
    is_open.store(false, Ordering::SeqCst);
    // The relay looks every few milliseconds.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(browser.get("/-/health/ready/").await.status, 503);
    assert_eq!(browser.get("/-/health/live/").await.status, 200);
    let page = browser.submit(&form, "/sign-in", &[("username", "a"), ("password", "b")]).await;
    assert!(page.status == 503 && page.body.contains("cannot reach its database"), "{} {}", page.status, page.body);
    assert_eq!(browser.get("/").await.status, 503);
    is_open.store(true, Ordering::SeqCst);
    assert_eq!(browser.get("/-/health/ready/").await.status, 200);
    let page = browser.submit(&form, "/sign-in", &[("username", "a"), ("password", "b")]).await;
    assert_eq!(page.status, 401);
}

/// What the database did not take is not said to be done, and what it cannot tell is not said to be good.
#[tokio::test(flavor = "multi_thread")]
async fn fosite_cve_2020_15223_an_error_of_the_database_is_no_success() {
    let app = TestApp::new(Backend::Postgres).await;
    let client = app.client(&app.script_application("a", |_, _| {}).await);
    let offline = [("scope", "openid offline_access")];
    let tokens = client.exchange(&client.code(&mut app.signed_in("admin").await, &offline).await).await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    let Database::Url(url) = &app.database else { unreachable!() };
    let (proxied, is_open) = proxy(url).await;
    let (config, clock) = (app.app.config.clone(), app.clock.clone());
    let far = App::start(config, Database::Url(proxied).open(), Cipher::new([7; 32]), clock).await.unwrap();
    let away = OAuthClient { router: router(far), ..client.clone() };
    assert_eq!(away.userinfo(&access).await.status, 200);
    is_open.store(false, Ordering::SeqCst);
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    for (path, fields) in [
        ("/application/o/revoke/", vec![("token", access.as_str())]),
        ("/application/o/revoke/", vec![("token", &refresh)]),
        ("/application/o/introspect/", vec![("token", &access)]),
        ("/application/o/token/", vec![("grant_type", "refresh_token"), ("refresh_token", &refresh)]),
        ("/application/o/token/", vec![("grant_type", "client_credentials")]),
    ] {
        assert_eq!(away.basic(path, &fields).await.status, 503, "{path}");
    }
    assert_eq!(away.userinfo(&access).await.status, 503);
    is_open.store(true, Ordering::SeqCst);
    assert_eq!(away.introspect(&access).await["active"], true);
    assert_eq!(away.refresh(&refresh).await.status, 200);
    assert_eq!(away.revoke(&access).await.status, 200);
    assert_eq!(client.userinfo(&access).await.status, 401);
}

/// A TCP relay to the database that can be shut: then it drops its connections and takes no new ones.
async fn proxy(url: &str) -> (String, Arc<AtomicBool>) {
    let parsed = url::Url::parse(url).unwrap();
    let upstream = format!("{}:{}", parsed.host_str().unwrap(), parsed.port().unwrap_or(5432));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut proxied = parsed.clone();
    proxied.set_host(Some("127.0.0.1")).unwrap();
    proxied.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
    let is_open = Arc::new(AtomicBool::new(true));
    let flag = is_open.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (flag, upstream) = (flag.clone(), upstream.clone());
            if !flag.load(Ordering::SeqCst) {
                continue;
            }
            tokio::spawn(async move {
                let mut server = tokio::net::TcpStream::connect(upstream).await.unwrap();
                let closed = async {
                    while flag.load(Ordering::SeqCst) {
                        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                    }
                };
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                    () = closed => {}
                }
            });
        }
    });
    (proxied.into(), is_open)
}
