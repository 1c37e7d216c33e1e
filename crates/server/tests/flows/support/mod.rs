//! The application, a browser and a client for tests.

pub(crate) mod ber;
mod browser;
mod client;
mod credentials;
mod guest;
pub(crate) mod ldap;
pub(crate) mod netbox;
pub(crate) mod scripts;

pub(crate) use browser::{Browser, Page};
pub(crate) use client::{OAuthClient, TokenAnswer, claims_of};
pub(crate) use guest::{Guest, PAGE, Proxy};

use axum::Router;
use doorward_core::{
    access_rule::AccessRule,
    application::ApplicationProfile,
    cipher::Cipher,
    clock::{Clock, from_millis},
    group::{Group, GroupProfile},
    provider::ProviderProfile,
    redirect_uri::RedirectUri,
    user::{User, UserProfile},
};
use doorward_server::{
    actor::Actor,
    app::App,
    applications::{self, ApplicationEdit},
    config::Config,
    directory::{groups, users},
    http::visitor::{self, Visitor},
    public_url::PublicUrl,
    router::router,
    setup,
    snapshot::Client,
};
use doorward_store::db::Db;
use std::{collections::BTreeSet, sync::Arc};
use tempfile::TempDir;

/// The password of everybody in tests.
pub(crate) const PASSWORD: &str = "Korrekt-Pferd-7";
/// Where the test application takes its answers.
pub(crate) const CALLBACK: &str = "https://netbox.example.org/oauth/complete/oidc/";

/// Which database.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// Runs a flow on both databases, each as a test of its own.
#[macro_export]
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($app:ident) $body:block)*) => { $(
        $(#[$doc])*
        async fn $name($app: $crate::support::TestApp) $body

        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                super::$name($crate::support::TestApp::new($crate::support::Backend::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                super::$name($crate::support::TestApp::new($crate::support::Backend::Postgres).await).await;
            }
        }
    )* };
}

/// An application with a clock that stands still, and an administrator.
pub(crate) struct TestApp {
    pub app: App,
    pub router: Router,
    pub clock: Clock,
    pub database: Database,
    pub dir: TempDir,
}

/// Where the data is, so that a second process can be played.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    File(std::path::PathBuf),
    Url(String),
}

impl Database {
    pub(crate) fn open(&self) -> Db {
        match self {
            Self::File(path) => Db::sqlite(path).unwrap(),
            Self::Url(url) => Db::postgres(url).unwrap(),
        }
    }
}

/// A new, empty database.
pub(crate) async fn new_database(backend: Backend, dir: &TempDir) -> Database {
    match backend {
        Backend::Sqlite => Database::File(dir.path().join("doorward.db")),
        Backend::Postgres => Database::Url(new_schema().await),
    }
}

async fn new_schema() -> String {
    let url = std::env::var("DOORWARD_TEST_POSTGRES")
        .expect("DOORWARD_TEST_POSTGRES names no server; run the tests with `make test`");
    let schema = format!("t{}", doorward_core::random::alphanumeric(20).to_lowercase());
    let sql: &'static str = format!("CREATE SCHEMA {schema}").leak();
    let admin = Db::postgres(&url).unwrap();
    admin.write(move |tx| Box::pin(async move { tx.execute(sql, &[]).await })).await.unwrap();
    format!("{url}?options=-csearch_path%3D{schema}")
}

impl TestApp {
    pub(crate) async fn new(backend: Backend) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = new_database(backend, &dir).await;
        // 2026-01-02T03:04:05.678Z
        let clock = Clock::fixed(from_millis(1_767_323_045_678));
        let mut config = Config::new(PublicUrl::parse("https://id.example.org").unwrap(), dir.path().to_owned());
        config.trusted_proxies = vec!["192.0.2.0/24".parse().unwrap()];
        let app = App::start(config, database.open(), Cipher::new([7; 32]), clock.clone()).await.unwrap();
        let test = Self { router: router(app.clone()), app, clock, database, dir };
        let mut admin = UserProfile::named("admin");
        admin.email = "admin@example.org".into();
        setup::create_first_administrator(&test.app, admin, PASSWORD).await.unwrap();
        test
    }

    /// The same data in another process.
    pub(crate) async fn second_process(&self) -> App {
        let config = self.app.config.clone();
        App::start(config, self.database.open(), Cipher::new([7; 32]), self.clock.clone()).await.unwrap()
    }

    /// A browser as handlers see it, with nobody signed in.
    pub(crate) async fn visitor(&self) -> Visitor {
        visitor::identify(&self.app, &axum::http::HeaderMap::new(), std::net::Ipv4Addr::LOCALHOST.into()).await.unwrap()
    }

    pub(crate) fn actor(&self) -> Actor {
        Actor::command_line()
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.router.clone())
    }

    pub(crate) async fn signed_in(&self, username: &str) -> Browser {
        let mut browser = self.browser();
        let page = browser.sign_in("/if/user/", username, PASSWORD).await;
        assert_eq!(page.status, 200, "{}", page.body);
        browser
    }

    pub(crate) async fn group(&self, name: &str, parents: &[&Group]) -> Group {
        let mut profile = GroupProfile::named(name);
        profile.parents = parents.iter().map(|group| group.id).collect();
        groups::create(&self.app, &self.actor(), profile, BTreeSet::new()).await.unwrap()
    }

    pub(crate) async fn user(&self, username: &str, member_of: &[&Group]) -> User {
        let mut profile = UserProfile::named(username);
        profile.name = format!("{} Example", doorward_server::pages::monogram(username) + &username[1..]);
        profile.email = format!("{username}@example.org");
        profile.email_verified = true;
        let groups = member_of.iter().map(|group| group.id).collect();
        let new = users::NewUser { profile, password: Some(PASSWORD.into()), groups };
        users::create(&self.app, &self.actor(), new).await.unwrap()
    }

    /// An application open to everyone, with one redirect URI and one logout URI.
    pub(crate) async fn application(&self, slug: &str) -> Arc<Client> {
        self.application_with(slug, |_, _| {}).await
    }

    pub(crate) async fn application_with(
        &self,
        slug: &str,
        change: impl FnOnce(&mut ApplicationProfile, &mut ProviderProfile),
    ) -> Arc<Client> {
        let mut profile = ApplicationProfile::new(slug, format!("App {slug}"));
        profile.access = AccessRule::Everyone;
        profile.launch_url = "https://netbox.example.org/".into();
        let mut provider = applications::default_provider(&self.app.snapshot(), slug).unwrap();
        provider.redirect_uris =
            vec![RedirectUri::exact(CALLBACK), RedirectUri::logout("https://netbox.example.org/bye/")];
        change(&mut profile, &mut provider);
        let edit = ApplicationEdit { profile, oauth: Some(provider), ldap: None, proxy: None };
        let created = applications::create(&self.app, &self.actor(), edit, Vec::new()).await.unwrap();
        created.entry.oauth.clone().unwrap()
    }

    /// The client side of an application.
    pub(crate) fn client(&self, client: &Arc<Client>) -> OAuthClient {
        OAuthClient::new(self.router.clone(), client)
    }
}
