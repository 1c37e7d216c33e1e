//! The connector of an application: settings, state, what a run would change, people, API tokens.

use axum::http::StatusCode;
use doorward_core::{access_rule::AccessRule, clock::from_millis, connector::ManagedGroups, group::GroupProfile};
use doorward_server::{
    actor::Actor,
    applications::from_recipe::{self, RecipeRequest},
    connector::{
        self, run,
        worker::{self, Node},
    },
    directory::groups,
};

use super::{
    browser::{Browser, House},
    netbox::{FakeNetBox, Mood, TOKEN},
};

const HERE: &str = "/if/admin/applications/netbox/provisioning/";

/// A house with an application from the recipe, and a NetBox that is not one.
async fn with_netbox() -> (House, FakeNetBox) {
    let (house, netbox) = (House::new().await, FakeNetBox::start().await);
    let mut request = RecipeRequest::new("netbox", "netbox", AccessRule::Everyone);
    request.url = Some(netbox.url());
    let draft = from_recipe::draft(&house.app, request).unwrap();
    from_recipe::create(&house.app, &Actor::command_line(), draft).await.unwrap();
    (house, netbox)
}

/// The form as a browser sends it, with what a new connector has.
fn fields(netbox: &FakeNetBox, token: &str) -> Vec<(&'static str, String)> {
    [
        ("url", netbox.url().as_str()),
        ("token", token),
        ("manage", "prefix"),
        ("group_prefix", "netbox-"),
        ("push_profile", "true"),
        ("cut_off_denied", "true"),
        ("is_enabled", "true"),
    ]
    .into_iter()
    .map(|(name, value)| (name, value.to_owned()))
    .collect()
}

fn borrowed<'f>(fields: &'f [(&'static str, String)]) -> Vec<(&'static str, &'f str)> {
    fields.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

async fn connected() -> (House, FakeNetBox, Browser) {
    let (house, netbox) = with_netbox().await;
    let mut browser = house.admin().await;
    browser.done(HERE, &borrowed(&fields(&netbox, TOKEN))).await;
    (house, netbox, browser)
}

#[tokio::test]
async fn a_connector_is_added_with_what_the_recipe_knows() {
    let (house, netbox) = with_netbox().await;
    let mut browser = house.admin().await;
    let page = browser.get(HERE).await;
    assert_eq!(
        (page.status, page.value("url"), page.value("group_prefix")),
        (StatusCode::OK, netbox.url(), "netbox-".into())
    );
    assert!(page.is_checked("id=\"manage-prefix\"") && page.has("users.user") && !page.has("id=\"state\""));
    let without = fields(&netbox, "");
    browser.refused(HERE, &borrowed(&without), "token", "Give an API token").await;
    let bad = fields(&netbox, "nbt_half");
    let page = browser.refused(HERE, &borrowed(&bad), "token", "first half").await;
    assert!(!page.has("nbt_half"), "a token is never sent back");
    let page = browser.done(HERE, &borrowed(&fields(&netbox, TOKEN))).await;
    assert!(page.has("id=\"connector-state\"") && page.has(">Well<") && !page.has(TOKEN));
    let kept = connector::find(&house.app, "netbox").await.unwrap().connector;
    assert_eq!((kept.token.expose().as_str(), kept.profile.groups), (TOKEN, ManagedGroups::Prefix("netbox-".into())));
    let link = browser.get("/if/admin/applications/netbox/").await;
    assert!(link.tag("id=\"provisioning-link\"").contains(HERE));
}

#[tokio::test]
async fn the_token_stays_unless_another_is_given_and_never_goes_elsewhere() {
    let (house, netbox, mut browser) = connected().await;
    let mut changed = fields(&netbox, "");
    changed.retain(|(name, _)| *name != "is_enabled" && *name != "manage");
    changed.extend([("manage", "listed".to_owned()), ("groups", "ops\r\n\r\nadmins".to_owned())]);
    let page = browser.done(HERE, &borrowed(&changed)).await;
    assert!(page.has("Switched off") && page.area("groups").contains("admins"));
    let kept = connector::find(&house.app, "netbox").await.unwrap().connector;
    assert_eq!(kept.token.expose(), TOKEN);
    assert_eq!(kept.profile.groups, ManagedGroups::Listed(["ops".to_owned(), "admins".to_owned()].into()));
    let mut moved = fields(&netbox, "");
    moved.retain(|(name, _)| *name != "url");
    moved.push(("url", "https://evil.example.org/".to_owned()));
    browser.refused(HERE, &borrowed(&moved), "token", "Give the API token again").await;
    moved.retain(|(name, _)| *name != "group_prefix");
    browser.refused(HERE, &borrowed(&moved), "group_prefix", "every group").await;
}

#[tokio::test]
async fn a_run_is_previewed_and_started() {
    let (house, netbox, mut browser) = connected().await;
    let alice = house.add_user("alice", "Alice Example").await.parse().unwrap();
    groups::create(&house.app, &Actor::command_line(), GroupProfile::named("netbox-ops"), [alice].into())
        .await
        .unwrap();
    let account = netbox.has_account("alice", "alice@example.org", from_millis(1_767_000_000_000));
    let page = browser.post(&format!("{HERE}preview/"), &[]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.errors());
    let diff = page.between("id=\"preview-result\"", "</section>");
    for part in ["netbox-ops", "alice", "linked by the run", "<ins>join netbox-ops</ins>", "first name"] {
        assert!(diff.contains(part), "{part}: {diff}");
    }
    assert_eq!((netbox.count("PATCH"), netbox.count("POST")), (0, 0), "a preview changes nothing");
    browser.done(&format!("{HERE}run/"), &[]).await;
    let node = Node::new();
    for _ in 0..10 {
        worker::step(&house.app, &node).await.unwrap();
    }
    assert_eq!(netbox.groups_of(account), ["netbox-ops"]);
    let page = browser.get(HERE).await;
    assert!(
        page.between("id=\"last-run\"", "</dd>").contains("1 of 1 done"),
        "{:?}",
        run::progress(&house.app, "netbox").await
    );
    assert!(page.between("id=\"people\"", "</section>").contains("Linked"));
    let page = browser.done(&format!("{HERE}unlink/"), &[("user", "alice")]).await;
    assert!(page.between("id=\"people\"", "</section>").contains("No account yet"));
}

#[tokio::test]
async fn what_is_in_the_way_is_said_on_the_page() {
    let (_house, netbox, mut browser) = connected().await;
    netbox.inside().token = "another".to_owned();
    for action in ["preview/", "check/", "run/"] {
        let page = browser.post(&format!("{HERE}{action}"), &[]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{action}");
        assert!(page.errors().contains("NetBox refuses the API token"), "{action}: {}", page.errors());
    }
    netbox.mood(Mood::Answers(502, "<html>".to_owned()));
    assert!(browser.get(&format!("{HERE}tokens/")).await.errors().contains("it answers 502"));
}

#[tokio::test]
async fn the_token_is_checked_for_what_it_may_do() {
    let (_house, _netbox, mut browser) = connected().await;
    let page = browser.post(&format!("{HERE}check/"), &[]).await;
    let rights = page.between("id=\"rights\"", "</section>");
    assert!(rights.contains("NetBox 4.7.3, as <bdi>doorward</bdi>") && rights.contains("Missing"), "{rights}");
}

#[tokio::test]
async fn links_are_made_by_hand_and_refused_with_words() {
    let (house, netbox, mut browser) = connected().await;
    house.add_user("alice", "Alice Example").await;
    netbox.has_account("alice5951bce3e62d42b1", "", from_millis(1_767_000_000_000));
    let admin = netbox.has_account("admin", "", from_millis(1_767_000_000_000));
    netbox.inside().users.get_mut(&admin).unwrap().is_superuser = true;
    let link = format!("{HERE}link/");
    for (user, account, field, message) in [
        ("nobody", "admin", "link_user", "Nobody has the username"),
        ("alice", "nobody", "netbox_username", "NetBox shows nobody"),
        ("alice", "admin", "netbox_username", "superuser"),
    ] {
        let fields = [("link_user", user), ("netbox_username", account)];
        let page = browser.refused(&link, &fields, field, message).await;
        assert_eq!((page.value("link_user"), page.value("netbox_username")), (user.to_owned(), account.to_owned()));
    }
    let fields = [("link_user", "alice"), ("netbox_username", "alice5951bce3e62d42b1")];
    assert!(
        browser.done(&link, &fields).await.between("id=\"people\"", "</section>").contains("alice5951bce3e62d42b1")
    );
}

#[tokio::test]
async fn api_tokens_are_listed_disabled_and_revoked() {
    let (_house, netbox, mut browser) = connected().await;
    let owner = netbox.has_account("robot", "", from_millis(1_767_000_000_000));
    let token = netbox.has_token(owner);
    let tokens = format!("{HERE}tokens/");
    let page = browser.get(&tokens).await;
    let row = page.between(&format!("id=\"token-{token}\""), "</tr>").to_owned();
    for part in ["robot", "Never used", "not linked to anybody", "Reads and writes"] {
        assert!(row.contains(part), "{part}: {row}");
    }
    let page = browser.done(&format!("{tokens}{token}/disable/"), &[]).await;
    assert!(page.between(&format!("id=\"token-{token}\""), "</tr>").contains("Disabled"));
    assert!(!netbox.inside().tokens[&token].enabled);
    assert!(browser.done(&format!("{tokens}{token}/revoke/"), &[]).await.has("NetBox shows no API tokens."));
    for gone in [format!("{token}"), "x".to_owned()] {
        assert_eq!(browser.post(&format!("{tokens}{gone}/revoke/"), &[]).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn it_is_removed_and_everything_about_it_forgotten() {
    let (house, _netbox, mut browser) = connected().await;
    let page = browser.done(&format!("{HERE}remove/"), &[]).await;
    assert!(!page.has("id=\"state\"") && page.has("Add a connector"));
    assert!(connector::find(&house.app, "netbox").await.is_err());
    for action in ["preview/", "check/", "run/", "retry/", "remove/"] {
        assert_eq!(browser.post(&format!("{HERE}{action}"), &[]).await.status, StatusCode::NOT_FOUND, "{action}");
    }
    assert_eq!(browser.get(&format!("{HERE}tokens/")).await.status, StatusCode::NOT_FOUND);
}

/// What the page of explanations says when a connector can ask NetBox.
#[tokio::test]
async fn explanations_are_a_diff_against_what_netbox_has() {
    let (house, netbox, mut browser) = connected().await;
    let alice = house.add_user("alice", "Alice Example").await.parse().unwrap();
    groups::create(&house.app, &Actor::command_line(), GroupProfile::named("netbox-ops"), [alice].into())
        .await
        .unwrap();
    let account = netbox.has_account("alice", "alice@example.org", from_millis(1_767_000_000_000));
    let old = netbox.has_group("netbox-old");
    netbox.inside().users.get_mut(&account).unwrap().groups = vec![old];
    let explain = "/if/admin/applications/netbox/explain/?user=alice";
    let page = browser.get(explain).await;
    let effect = page.between("netbox-effect", "</section>");
    for part in ["netbox-ops", "netbox-old", "Leaves groups", "if an earlier sign-in made it"] {
        assert!(effect.contains(part), "{part}: {effect}");
    }
    let push = page.between("id=\"push\"", "</section>");
    assert!(push.contains("join netbox-ops") && push.contains("leave netbox-old"), "{push}");
    assert_eq!(netbox.count("PATCH"), 0);
    connector::people::link(&house.app, &Actor::command_line(), "netbox", "alice", "alice").await.unwrap();
    assert!(
        browser.get(explain).await.between("netbox-effect", "</section>").contains("the connector knows it as theirs")
    );
    netbox.mood(Mood::Answers(500, String::new()));
    let unasked = browser.get(explain).await;
    assert_eq!(unasked.status, StatusCode::OK);
    assert!(unasked.between("id=\"netbox-unasked\"", "</p>").contains("it answers 500"));
}
