//! The page that explains what would happen if somebody signed in.

use axum::http::StatusCode;
use doorward_core::{access_rule::AccessRule, group::GroupProfile, network::Networks};
use doorward_server::{
    actor::Actor,
    applications::{
        self, ApplicationEdit,
        from_recipe::{self, RecipeRequest},
    },
    directory::{groups, users},
};

use super::browser::{House, Page};

const EXPLAIN: &str = "/if/admin/applications/netbox/explain/";

/// NetBox, open to members of netbox-admins from 10.0.0.0/8; alice is one, bob is not.
async fn with_netbox() -> House {
    let (house, actor) = (House::new().await, Actor::command_line());
    house.add_user("alice", "Alice Example").await;
    house.add_user("bob", "Bob <script>").await;
    let alice = users::find_by_username(&house.app, "alice").await.unwrap().id;
    let group = groups::create(&house.app, &actor, GroupProfile::named("netbox-admins"), [alice].into()).await.unwrap();
    let rule = AccessRule::Only { groups: [group.id].into(), users: [].into() };
    let mut request = RecipeRequest::new("netbox", "netbox", rule);
    (request.url, request.superuser_groups) = (Some("https://n.example.org".into()), vec!["netbox-admins".into()]);
    let draft = from_recipe::draft(&house.app, request).unwrap();
    from_recipe::create(&house.app, &actor, draft).await.unwrap();
    let mut edit = ApplicationEdit::of(&applications::find(&house.app, "netbox").unwrap());
    edit.profile.networks = Networks::parse(["10.0.0.0/8"]).unwrap();
    applications::update(&house.app, &actor, "netbox", edit).await.unwrap();
    house
}

async fn explained(house: &House, query: &str) -> Page {
    house.admin().await.get(&format!("{EXPLAIN}{query}")).await
}

#[tokio::test]
async fn a_person_is_explained_step_by_step() {
    let house = with_netbox().await;
    let page = explained(&house, "?user=alice&ip=10.1.2.3").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    assert!(page.between("id=\"verdict\"", "</p>").contains("alice may use NetBox by OpenID Connect."));
    let route = page.between("id=\"route-oidc\"", "</section>");
    for part in ["Access rule", "netbox-admins", "10.1.2.3 is in 10.0.0.0/8", "No limit is reached"] {
        assert!(route.contains(part), "{part}: {route}");
    }
    let netbox = page.between("netbox-effect", "</section>");
    for part in ["Joins groups", "<strong>Yes</strong>", "The account alice", "netbox-admins"] {
        assert!(netbox.contains(part), "{part}: {netbox}");
    }
    assert!(page.text("userinfo").contains("netbox_superuser"), "{}", page.text("userinfo"));
    assert!(page.text("id-token").contains("(made at sign-in)"));
    assert!(explained(&house, "?user=alice").await.between("id=\"verdict\"", "</p>").contains("depends"));
}

#[tokio::test]
async fn who_is_kept_out_is_told_why_and_nothing_is_trusted() {
    let house = with_netbox().await;
    let page = explained(&house, "?user=bob&ip=192.0.2.7&scopes=openid+wine").await;
    assert!(page.between("id=\"verdict\"", "</p>").contains("bob may not use NetBox"));
    assert!(page.between("id=\"claims\"", "</section>").contains("It may not ask for wine"));
    assert!(!page.has("Bob <script>"));
    let unknown = explained(&house, "?user=%3Cb%3Enobody").await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        unknown.between("id=\"user-note\"", "</div>").contains("Nobody has the username") && !unknown.has("<b>nobody")
    );
    let nowhere = explained(&house, "?user=alice&ip=here").await;
    assert!(
        nowhere.between("id=\"ip-note\"", "</div>").contains("is not an address") && !nowhere.has("id=\"verdict\"")
    );
    let missing = house.admin().await.get("/if/admin/applications/nothing/explain/?user=alice").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_application_leads_there_and_an_empty_form_asks() {
    let house = with_netbox().await;
    let page = house.admin().await.get("/if/admin/applications/netbox/").await;
    assert!(page.tag("id=\"explain-link\"").contains(EXPLAIN));
    let empty = explained(&house, "").await;
    assert!(empty.status == StatusCode::OK && empty.has("id=\"explain-form\"") && !empty.has("id=\"verdict\""));
}
