//! The first administrator.

use crate::support::{Backend, Browser, PASSWORD, new_database};
use doorward_core::{cipher::Cipher, clock::Clock, user::UserProfile};
use doorward_server::{
    actor::Actor, app::App, config::Config, directory::users, error::OperationError, public_url::PublicUrl,
    router::router, setup,
};
use futures::future::join_all;

async fn fresh(backend: Backend, dir: &tempfile::TempDir) -> App {
    let config = Config::new(PublicUrl::parse("http://localhost:9000").unwrap(), dir.path().to_owned());
    let db = new_database(backend, dir).await.open();
    App::start(config, db, Cipher::new([7; 32]), Clock::system()).await.unwrap()
}

async fn set_up_in_the_browser(backend: Backend) {
    let dir = tempfile::tempdir().unwrap();
    let app = fresh(backend, &dir).await;
    let mut browser = Browser::new(router(app.clone()));
    assert!(browser.get("/").await.body.contains("setup-url"));
    assert_eq!(browser.get("/setup?token=wrong").await.status, 403);
    let url = setup::setup_url(&app).await.unwrap().unwrap();
    let path = url.strip_prefix("http://localhost:9000").unwrap();
    let page = browser.get(path).await;
    let (csrf, token) = (page.hidden("csrf"), page.hidden("token"));
    let send = |password: &'static str, repeat: &'static str| {
        let mut fields: Vec<(String, String)> = vec![("csrf".into(), csrf.clone()), ("token".into(), token.clone())];
        fields.extend(
            [
                ("username", "root"),
                ("name", "Root"),
                ("email", "root@example.org"),
                ("password", password),
                ("password_repeat", repeat),
            ]
            .map(|(n, v)| (n.to_owned(), v.to_owned())),
        );
        fields
    };
    for (fields, says) in [(send(PASSWORD, "other"), "differ"), (send("short", "short"), "at least 8")] {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let page = browser.request("POST", "/setup", Some(&fields)).await;
        assert!(
            page.status == 422 && page.body.contains(says) && page.body.contains("root@example.org"),
            "{}",
            page.body
        );
    }
    let fields = send(PASSWORD, PASSWORD);
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(browser.request("POST", "/setup", Some(&fields)).await.location(), "/if/admin/");
    assert!(users::find_person(&app, "root").await.unwrap().is_superuser);
    assert_eq!(setup::setup_url(&app).await.unwrap(), None);
    assert_eq!(browser.request("POST", "/setup", Some(&fields)).await.status, 403);
    assert_eq!(browser.get(path).await.status, 403);
}

async fn one_of_many(backend: Backend) {
    let dir = tempfile::tempdir().unwrap();
    let app = fresh(backend, &dir).await;
    let tries =
        (0..20).map(|number| {
            let app = app.clone();
            async move {
                setup::create_first_administrator(&app, UserProfile::named(format!("root{number}")), PASSWORD).await
            }
        });
    let results = join_all(tries).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.iter().filter_map(|r| r.as_ref().err()).all(|error| matches!(error, OperationError::Denied(_))));
    assert_eq!(users::list(&app, "", 100, 0).await.unwrap().total, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_setup_page_works_once_on_sqlite() {
    set_up_in_the_browser(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_setup_page_works_once_on_postgres() {
    set_up_in_the_browser(Backend::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_at_once_one_becomes_administrator_on_sqlite() {
    one_of_many(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_at_once_one_becomes_administrator_on_postgres() {
    one_of_many(Backend::Postgres).await;
}

/// CVE-2023-46249: setup stays closed when the first administrator is deleted.
#[tokio::test(flavor = "multi_thread")]
async fn cve_2023_46249_setup_stays_closed() {
    let dir = tempfile::tempdir().unwrap();
    let app = fresh(Backend::Sqlite, &dir).await;
    let root = setup::create_first_administrator(&app, UserProfile::named("root"), PASSWORD).await.unwrap();
    users::delete(&app, &Actor::command_line(), root.id).await.unwrap();
    assert_eq!(setup::setup_url(&app).await.unwrap(), None);
    let again = setup::create_first_administrator(&app, UserProfile::named("other"), PASSWORD).await;
    assert!(matches!(again, Err(OperationError::Denied(_))));
}
