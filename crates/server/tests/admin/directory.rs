//! People and groups.

use axum::http::StatusCode;
use doorward_server::directory::{groups, users};

use super::browser::{Browser, House, PASSWORD, Page};

const NEW_USER: &str = "/if/admin/users/new/";
const NEW_GROUP: &str = "/if/admin/groups/new/";

const ALICE: [(&str, &str); 10] = [
    ("username", "alice"),
    ("name", "Alice Example"),
    ("given_name", ""),
    ("family_name", ""),
    ("email", "alice@example.org"),
    ("email_verified", "true"),
    ("is_active", "true"),
    ("type", "internal"),
    ("password", PASSWORD),
    ("password_repeat", PASSWORD),
];

fn with<'a>(fields: &[(&'a str, &'a str)], changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = fields.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    kept.chain(changes).copied().collect()
}

async fn add_group(browser: &mut Browser, name: &str, fields: &[(&str, &str)]) -> Page {
    browser.done(NEW_GROUP, &with(&[("name", name)], fields)).await
}

#[tokio::test]
async fn a_person_is_added_changed_and_deleted() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    add_group(&mut browser, "netbox-admins", &[]).await;
    let new = with(&ALICE, &[("groups", "netbox-admins"), ("attributes", "{\"floor\": 3}")]);
    let page = browser.done(NEW_USER, &new).await;
    let alice = users::find_person(&house.app, "alice").await.unwrap();
    assert_eq!(page.location, format!("/if/admin/users/{}/", alice.user.id));
    assert_eq!((page.value("given_name").as_str(), page.value("family_name").as_str()), ("Alice", "Example"));
    assert!(page.is_checked("value=\"netbox-admins\"") && page.is_checked("id=\"email_verified\""));
    assert!(page.area("attributes").contains("\"floor\": 3"));
    assert_eq!(alice.user.profile.attributes["floor"], 3);
    house.signed_in("alice").await;

    let here = page.location.clone();
    let edit = with(&ALICE, &[("name", "Alice <b>Bold</b>"), ("password", ""), ("password_repeat", "")]);
    let page = browser.done(&here, &edit).await;
    assert!(page.heading().contains("Alice &lt;b&gt;Bold&lt;/b&gt;") && !page.has("<b>Bold"));
    assert!(!page.is_checked("value=\"netbox-admins\""));
    assert!(page.has("Firefox on Linux"), "the session is listed");
    house.signed_in("alice").await;

    let list = browser.get("/if/admin/users/?search=BOLD").await;
    assert!(list.has("id=\"user-alice\"") && !list.has("id=\"user-admin\""));
    browser.done(&format!("{here}delete/"), &[]).await;
    assert!(users::find_by_username(&house.app, "alice").await.is_err());
    assert_eq!(browser.get(&here).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_person_is_refused_with_what_was_typed() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let page = browser.refused(NEW_USER, &with(&ALICE, &[("username", "ADMIN")]), "username", "is taken").await;
    assert_eq!((page.value("username").as_str(), page.value("name").as_str()), ("ADMIN", "Alice Example"));
    browser.refused(NEW_USER, &with(&ALICE, &[("password_repeat", "other")]), "password_repeat", "differ").await;
    let short = [("password", "short"), ("password_repeat", "short")];
    let page = browser.refused(NEW_USER, &with(&ALICE, &short), "password", "at least 8").await;
    assert!(!page.tag("name=\"password\"").contains("value="), "passwords are not sent back");
    let broken = [("attributes", "{\"a\": "), ("groups", "gone"), ("email", "nowhere")];
    let page = browser.refused(NEW_USER, &with(&ALICE, &broken), "attributes", "This is not JSON").await;
    assert_eq!(page.area("attributes"), "{\"a\": ");
    assert!(page.has("There is no group called &quot;gone&quot; any more.") && page.has("not an e-mail address"));
    browser.refused(NEW_USER, &with(&ALICE, &[("attributes", "[]")]), "attributes", "JSON object").await;
    assert!(users::find_by_username(&house.app, "alice").await.is_err());
}

#[tokio::test]
async fn a_wrong_password_saves_nothing_of_the_form() {
    let house = House::new().await;
    let id = house.add_user("alice", "Alice Example").await;
    let mut browser = house.admin().await;
    let wrong = with(&ALICE, &[("name", "Changed"), ("password", "short"), ("password_repeat", "short")]);
    browser.refused(&format!("/if/admin/users/{id}/"), &wrong, "password", "at least 8").await;
    assert_eq!(users::find_by_username(&house.app, "alice").await.unwrap().profile.name, "Alice Example");
}

#[tokio::test]
async fn usernames_that_applications_change_come_with_a_warning() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let page = browser.done(NEW_USER, &with(&ALICE, &[("username", "älice")])).await;
    assert!(page.between("id=\"warnings\"", "</div>").contains("NetBox"));
    let page = browser.done(NEW_USER, &ALICE).await;
    assert!(!page.has("id=\"warnings\""));
}

#[tokio::test]
async fn sessions_are_ended_and_disabled_people_are_out() {
    let house = House::new().await;
    let id = house.add_user("alice", "Alice Example").await;
    let here = format!("/if/admin/users/{id}/");
    let mut alice = house.signed_in("alice").await;
    let mut browser = house.admin().await;
    let end = browser.get(&here).await.between("/sessions/", "\"").to_owned();
    let admin = users::find_by_username(&house.app, "admin").await.unwrap().id;
    let foreign = browser.post(&format!("/if/admin/users/{admin}/sessions/{end}"), &[]).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND, "a session belongs to its user");
    assert_eq!(alice.get("/if/user/").await.status, StatusCode::OK);
    let page = browser.done(&format!("{here}sessions/{end}"), &[]).await;
    assert!(page.has("Not signed in anywhere."));
    assert_eq!(alice.get("/if/user/").await.status, StatusCode::SEE_OTHER);

    let mut alice = house.signed_in("alice").await;
    let disabled: Vec<_> =
        ALICE.into_iter().filter(|(name, _)| !["is_active", "password", "password_repeat"].contains(name)).collect();
    let page = browser.done(&here, &disabled).await;
    assert!(!page.is_checked("id=\"is_active\""));
    assert_eq!(alice.get("/if/user/").await.status, StatusCode::SEE_OTHER);
    assert!(browser.get("/if/admin/users/").await.has(">Disabled<"));
}

#[tokio::test]
async fn administrators_do_not_lock_themselves_out() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let id = users::find_by_username(&house.app, "admin").await.unwrap().id;
    let here = format!("/if/admin/users/{id}/");
    let without_group = [("username", "admin"), ("name", "Ada"), ("is_active", "true"), ("type", "internal")];
    assert_eq!(browser.post(&here, &without_group).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.post(&format!("{here}delete/"), &[]).await.status, StatusCode::FORBIDDEN);
    assert!(!browser.get(&here).await.has("delete-dialog"));
    let group = groups::find_by_name(&house.app, "Doorward Admins").unwrap().id;
    assert_eq!(browser.post(&format!("/if/admin/groups/{group}/delete/"), &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get("/if/admin/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_group_is_added_changed_and_deleted() {
    let house = House::new().await;
    house.add_user("alice", "Alice Example").await;
    house.add_user("bob", "Bob Example").await;
    let mut browser = house.admin().await;
    add_group(&mut browser, "netbox", &[]).await;
    let page =
        add_group(&mut browser, "netbox-admins", &[("parents", "netbox"), ("members", "alice\r\nbob\r\n")]).await;
    assert_eq!(page.area("members"), "alice\nbob");
    assert!(
        page.is_checked("name=\"parents\" value=\"netbox\"") && !page.has("name=\"parents\" value=\"netbox-admins\"")
    );
    let alice = users::find_person(&house.app, "alice").await.unwrap();
    let snapshot = house.app.snapshot();
    let names: Vec<_> = alice.groups(&snapshot).map(|group| group.profile.name.as_str()).collect();
    assert_eq!(names.len(), 2, "{names:?}");

    let here = page.location.clone();
    let page = browser.done(&here, &[("name", "netbox-admins"), ("members", "bob"), ("is_superuser", "true")]).await;
    assert_eq!(page.area("members"), "bob");
    assert!(users::find_person(&house.app, "bob").await.unwrap().is_superuser);
    let list = browser.get("/if/admin/groups/?search=admins").await;
    assert!(list.has("netbox-admins") && list.has("Superuser</span>") && !list.has("<bdi>netbox</bdi></a>"));
    browser.done(&format!("{here}delete/"), &[]).await;
    assert_eq!(browser.get(&here).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_group_is_refused_with_what_was_typed() {
    let house = House::new().await;
    house.add_user("alice", "Alice Example").await;
    let mut browser = house.admin().await;
    let above = add_group(&mut browser, "above", &[]).await.location;
    add_group(&mut browser, "below", &[("parents", "above")]).await;
    let circle = [("name", "above"), ("parents", "below"), ("members", "alice")];
    let page = browser.refused(&above, &circle, "parents", "its own parent").await;
    assert!(page.is_checked("name=\"parents\" value=\"below\""));
    assert_eq!(page.area("members"), "alice");
    assert!(groups::find_by_name(&house.app, "above").unwrap().profile.parents.is_empty());

    let unknown = [("name", "new"), ("members", "alice\nghost\nspook")];
    let page = browser.refused(NEW_GROUP, &unknown, "members", "&quot;ghost&quot; or &quot;spook&quot;").await;
    assert_eq!(page.area("members"), "alice\nghost\nspook");
    browser.refused(NEW_GROUP, &[("name", "ABOVE")], "name", "There is a group of that name").await;
    browser.refused(NEW_GROUP, &[("name", " ")], "name", "Give the group a name").await;
    assert!(groups::find_by_name(&house.app, "new").is_err());
}

#[tokio::test]
async fn saving_a_group_too_large_to_list_removes_nobody() {
    let house = House::new().await;
    let mut browser = house.admin().await;
    let page = add_group(&mut browser, "everybody", &[]).await;
    let group = groups::find_by_name(&house.app, "everybody").unwrap().id;
    let clock = doorward_core::clock::Clock::system();
    let profile = |number: usize| doorward_core::user::UserProfile::named(format!("user-{number:04}"));
    let many: Vec<_> = (0..1001)
        .map(|number| (doorward_core::id::UserId::new(&clock), profile(number), i64::try_from(number).unwrap()))
        .collect();
    let now = clock.now();
    house
        .app
        .db
        .write(move |tx| {
            Box::pin(async move {
                for (id, profile, number) in many {
                    let user = doorward_core::user::User {
                        id,
                        pk: 1000 + number,
                        uid: format!("uid-{number}"),
                        profile,
                        created_at: now,
                        updated_at: now,
                    };
                    doorward_store::user::insert(tx, &user).await?;
                    doorward_store::group::add_member(tx, group, id).await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
    let shown = browser.get(&page.location).await;
    assert!(shown.has("1001 direct,") && shown.has("too large to list") && shown.area("members").is_empty());
    let page = browser.done(&page.location, &[("name", "everybody"), ("members", "admin")]).await;
    assert!(page.has("1002 direct,"));
    let people = browser.get("/if/admin/users/?page=21").await;
    assert!(people.has("id=\"user-user-1000\"") && people.has("Page 21 of 21"));
    assert!(browser.get("/if/admin/users/?page=99&search=user-").await.has("id=\"user-user-1000\""));
}
