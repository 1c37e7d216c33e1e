//! App passwords and authenticator apps of others.

use axum::http::StatusCode;
use doorward_core::authenticator::Authenticator;
use doorward_protocols::totp;
use doorward_server::directory::{app_passwords, authenticators, users};
use doorward_store as store;

use super::browser::House;

const ROBOT: [(&str, &str); 5] =
    [("username", "robot"), ("name", "Robot"), ("email", ""), ("is_active", "true"), ("type", "service_account")];

#[tokio::test]
async fn a_service_account_is_given_an_app_password() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let here = browser.done("/if/admin/users/new/", &ROBOT).await.location;
    let robot = users::find_by_username(&house.app, "robot").await.unwrap();
    let add = format!("{here}app-passwords/add/");
    browser.refused(&add, &[("purpose", "")], "purpose", "Say what").await;
    let page = browser.refused(&add, &[("purpose", "NetBox"), ("expires", "soon")], "expires", "90d").await;
    assert_eq!((page.value("purpose").as_str(), page.value("username").as_str()), ("NetBox", "robot"));
    let page = browser.post(&add, &[("purpose", "NetBox <1>"), ("expires", "90d")]).await;
    assert_eq!((page.status, page.text("new-secret").len()), (StatusCode::OK, 40));
    let secret = page.text("new-secret");
    let page = browser.get(&here).await;
    assert!(page.has("NetBox &lt;1&gt;") && !page.has(&secret) && !page.has("new-secret"));
    let kept = app_passwords::of_user(&house.app, robot.id).await.unwrap();
    let page = browser.done(&format!("{here}app-passwords/{}/delete/", kept[0].id), &[]).await;
    assert!(!page.has("NetBox &lt;1&gt;"));
    assert!(app_passwords::of_user(&house.app, robot.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn people_make_their_own_app_passwords() {
    let house = House::new().await;
    let alice = house.add_user("alice", "Alice Example").await;
    let mut browser = house.admin().await;
    let here = format!("/if/admin/users/{alice}/");
    assert!(!browser.get(&here).await.has("id=\"add-app-password\""));
    let refused = browser.post(&format!("{here}app-passwords/add/"), &[("purpose", "spying")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_lost_authenticator_app_is_removed() {
    let house = House::new().await;
    let alice = house.add_user("alice", "Alice Example").await;
    let mut browser = house.admin().await;
    let here = format!("/if/admin/users/{alice}/");
    assert!(!browser.get(&here).await.has("authenticator-dialog"));
    let user = users::find_by_username(&house.app, "alice").await.unwrap().id;
    let (kept, cipher) = (
        Authenticator { user, secret: totp::new_secret(), confirmed_at: house.app.clock.now(), last_step: 0 },
        house.app.cipher.clone(),
    );
    let insert =
        house.app.db.write(move |tx| Box::pin(async move { store::authenticator::insert(tx, &cipher, &kept).await }));
    assert!(insert.await.unwrap());
    assert!(browser.get(&here).await.has("authenticator-dialog"));
    let page = browser.done(&format!("{here}authenticator/remove/"), &[]).await;
    assert!(!page.has("authenticator-dialog"));
    assert_eq!(authenticators::since(&house.app, user).await.unwrap(), None);
    house.signed_in("alice").await;
}
