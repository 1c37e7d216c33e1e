use super::*;
use crate::netbox::groups::NetBoxGroup;
use doorward_core::clock::from_millis;
use proptest::prelude::*;
use serde_json::json;

fn setup(method: Method) -> Setup {
    Setup {
        method,
        release: (4, 7),
        superuser_groups: vec!["netbox-admins".into()],
        managed_groups: Vec::new(),
        group_prefix: Some("netbox-".into()),
    }
}

fn told(username: &str, groups: &[&str]) -> Told {
    Told {
        username: Some(username.into()),
        first_name: Some("Alice".into()),
        last_name: Some("Example".into()),
        email: Some("alice@example.org".into()),
        groups: Some(groups.iter().map(|name| (*name).to_owned()).collect()),
        superuser: Some(json!(groups.contains(&"netbox-admins"))),
    }
}

fn account(id: i64, username: &str, groups: &[&str]) -> PresentAccount {
    let groups = groups.iter().zip(1..).map(|(name, id)| NetBoxGroup { id, name: (*name).to_owned() }).collect();
    let user = NetBoxUser {
        id,
        username: username.into(),
        first_name: "Alice".into(),
        last_name: "Example".into(),
        email: "alice@example.org".into(),
        is_active: true,
        date_joined: None,
        last_login: Some(from_millis(1_000)),
        groups,
        permissions: Vec::new(),
    };
    PresentAccount { user, is_superuser: Some(false) }
}

fn present(accounts: Vec<PresentAccount>, linked: Option<i64>) -> Present {
    Present { accounts, linked }
}

fn never_used(mut account: PresentAccount) -> PresentAccount {
    account.user.last_login = None;
    account
}

const SUFFIXED: &str = "alice5951bce3e62d42b1";

#[test]
fn oidc_matches_what_the_connector_knows_and_makes_what_is_not_there() {
    let (oidc, alice) = (setup(Method::Oidc), told("alice", &[]));
    let known = effect(&oidc, &alice, Some(&present(vec![account(4, "renamed", &[])], Some(4)))).account;
    assert!(matches!(known, AccountEffect::Matched { id: 4, .. }), "{known:?}");
    let made = effect(&oidc, &alice, Some(&present(Vec::new(), None))).account;
    assert_eq!(made, AccountEffect::Made { username: "alice".into() });
    let unasked = effect(&oidc, &alice, None);
    assert_eq!(unasked.account, AccountEffect::Unknown { username: "alice".into() });
    assert!(unasked.account_text.contains("connector"));
}

/// An account that was made by hand is never taken; one with digits behind its name was made by a sign-in.
#[test]
fn oidc_duplicates_what_was_made_by_hand() {
    let (oidc, alice) = (setup(Method::Oidc), told("alice", &[]));
    let by_hand = effect(&oidc, &alice, Some(&present(vec![never_used(account(1, "alice", &[]))], None)));
    assert!(matches!(by_hand.account, AccountEffect::Duplicated { beside: 1, .. }), "{by_hand:?}");
    assert!(by_hand.warnings.iter().any(|warning| warning.contains("rename")));
    let used = effect(&oidc, &alice, Some(&present(vec![account(1, "alice", &[])], None)));
    assert!(matches!(used.account, AccountEffect::Unclear { id: 1, .. }), "{used:?}");
    let both = present(vec![account(1, "alice", &[]), account(9, SUFFIXED, &["netbox-ops"])], None);
    let both = effect(&oidc, &alice, Some(&both));
    assert!(
        matches!(&both.account, AccountEffect::Matched { id: 9, username, .. } if username == SUFFIXED),
        "{both:?}"
    );
    assert_eq!(both.groups.removed, ["netbox-ops"]);
    assert!(both.warnings.iter().any(|warning| warning.contains("two accounts")));
    // Somebody called so is not a duplicate.
    let other = effect(&oidc, &alice, Some(&present(vec![account(3, "alice5951", &[])], None)));
    assert_eq!(other.account, AccountEffect::Made { username: "alice".into() });
}

#[test]
fn ldap_and_proxy_take_the_account_of_that_name() {
    for (method, name, is_taken) in [
        (Method::Ldap, "Alice", true),
        (Method::Ldap, "alice", true),
        (Method::Proxy, "Alice", false),
        (Method::Proxy, "alice", true),
    ] {
        let made_by_hand = present(vec![never_used(account(1, name, &[]))], None);
        let found = effect(&setup(method), &told("alice", &[]), Some(&made_by_hand));
        assert_eq!(matches!(found.account, AccountEffect::Matched { id: 1, .. }), is_taken, "{method} {name}");
    }
    let two = present(vec![account(1, "alice", &[]), account(2, "ALICE", &[])], None);
    let found = effect(&setup(Method::Ldap), &told("alice", &[]), Some(&two)).account;
    assert!(matches!(&found, AccountEffect::Fails { why } if why.contains("ALICE")), "{found:?}");
}

/// The danger of both: the local administrator's name.
#[test]
fn a_superuser_that_is_taken_over_is_warned_of_and_loses_it() {
    let mut admin = account(1, "admin", &[]);
    admin.is_superuser = Some(true);
    let there = present(vec![admin], None);
    for method in [Method::Ldap, Method::Proxy] {
        let found = effect(&setup(method), &told("admin", &[]), Some(&there));
        assert_eq!((found.superuser.change, found.superuser.before), (SuperuserChange::Revoked, Some(true)));
        assert!(found.warnings.iter().any(|warning| warning.contains("takes the account over")), "{found:?}");
        assert!(found.warnings.iter().any(|warning| warning.contains("taken away")), "{found:?}");
    }
}

#[test]
fn names_are_cleaned_by_oidc_alone() {
    for (name, clean) in [
        ("al ice", "alice"),
        ("Ålice", "lice"),
        ("a/b", "ab"),
        ("alice'; x", "alicex"),
        ("A@b+c.d_e-f", "A@b+c.d_e-f"),
        ("日本", ""),
    ] {
        assert_eq!(cleaned(name), clean);
        let found = effect(&setup(Method::Oidc), &told(name, &[]), None);
        assert_eq!(found.warnings.iter().any(|warning| warning.contains("NetBox makes \"")), name != clean, "{name}");
    }
    assert_eq!(cleaned(&"x".repeat(200)).len(), 150);
    let nameless = effect(&setup(Method::Oidc), &Told { username: None, ..told("x", &[]) }, None);
    assert!(nameless.warnings.iter().any(|warning| warning.contains("32 digits")));
    let nobody = effect(&setup(Method::Proxy), &told("", &[]), None).account;
    assert!(matches!(nobody, AccountEffect::Fails { .. }));
}

#[test]
fn only_groups_that_follow_doorward_are_joined_and_left() {
    let there = present(vec![account(4, "alice", &["netbox-ops", "netbox-old", "by-hand"])], Some(4));
    let groups =
        effect(&setup(Method::Oidc), &told("alice", &["netbox-ops", "netbox-new", "staff"]), Some(&there)).groups;
    assert_eq!((groups.added, groups.removed), (vec!["netbox-new".to_owned()], vec!["netbox-old".to_owned()]));
    assert_eq!((groups.kept, groups.untouched), (vec!["netbox-ops".to_owned()], vec!["by-hand".to_owned()]));
    assert_eq!(groups.ignored, ["staff"]);
    let behind_proxy = effect(&setup(Method::Proxy), &told("alice", &["netbox-ops", "staff"]), Some(&there)).groups;
    assert_eq!(
        (behind_proxy.added, behind_proxy.removed),
        (vec!["staff".to_owned()], vec!["netbox-old".to_owned(), "by-hand".to_owned()])
    );
    let mut listed = setup(Method::Ldap);
    (listed.group_prefix, listed.managed_groups) = (None, vec!["by-hand".into()]);
    let listed = effect(&listed, &told("alice", &["netbox-new"]), Some(&there)).groups;
    assert_eq!((listed.added.len(), listed.removed), (0, vec!["by-hand".to_owned()]));
}

#[test]
fn a_missing_groups_claim_changes_nothing() {
    let there = present(vec![account(4, "alice", &["netbox-ops"])], Some(4));
    let silent = Told { groups: None, ..told("alice", &[]) };
    let groups = effect(&setup(Method::Oidc), &silent, Some(&there)).groups;
    assert_eq!((groups.added.len(), groups.removed.len(), groups.untouched), (0, 0, vec!["netbox-ops".to_owned()]));
}

#[test]
fn the_claim_decides_about_superusers_and_its_absence_does_not() {
    let oidc = setup(Method::Oidc);
    let by = |claim: Option<Value>, setup: &Setup| {
        effect(setup, &Told { superuser: claim, ..told("alice", &["netbox-admins"]) }, None).superuser.change
    };
    assert_eq!(by(Some(json!(true)), &oidc), SuperuserChange::Granted);
    assert_eq!(by(Some(json!(false)), &oidc), SuperuserChange::Revoked);
    assert_eq!(by(None, &oidc), SuperuserChange::Unchanged);
    assert_eq!(by(Some(json!(null)), &oidc), SuperuserChange::Unchanged);
    assert_eq!(by(Some(json!("true")), &oidc), SuperuserChange::Fails);
    let older = Setup { release: (4, 6), ..oidc.clone() };
    assert_eq!(by(Some(json!("true")), &older), SuperuserChange::Unchanged);
    let unnamed = Setup { superuser_groups: Vec::new(), ..oidc };
    assert_eq!(by(Some(json!(true)), &unnamed), SuperuserChange::Unchanged);
}

#[test]
fn membership_decides_elsewhere_and_a_proxy_takes_it_from_everybody_else() {
    for (method, groups, named, change) in [
        (Method::Ldap, &["netbox-admins"][..], true, SuperuserChange::Granted),
        (Method::Ldap, &[], true, SuperuserChange::Revoked),
        (Method::Ldap, &["netbox-admins"], false, SuperuserChange::Unchanged),
        (Method::Proxy, &["netbox-admins"], true, SuperuserChange::Granted),
        (Method::Proxy, &[], true, SuperuserChange::Revoked),
        (Method::Proxy, &["netbox-admins"], false, SuperuserChange::Revoked),
    ] {
        let mut setup = setup(method);
        setup.superuser_groups.retain(|_| named);
        assert_eq!(
            effect(&setup, &told("alice", groups), None).superuser.change,
            change,
            "{method} {groups:?} {named}"
        );
    }
}

#[test]
fn fields_follow_as_far_as_netbox_lets_them() {
    let mut there = account(4, "alice", &[]);
    (there.user.first_name, there.user.email) = ("Al".into(), "old@example.org".into());
    let there = present(vec![there], Some(4));
    let fields = |setup: &Setup| {
        let fields = effect(setup, &told("alice", &[]), Some(&there)).fields;
        fields.into_iter().map(|change| change.field).collect::<Vec<_>>()
    };
    assert_eq!(fields(&setup(Method::Oidc)), ["first name", "e-mail address"]);
    let plain = Setup { superuser_groups: Vec::new(), ..setup(Method::Oidc) };
    assert_eq!(fields(&plain), ["first name"], "the address is protected unless the superuser setting lifts that");
    assert_eq!(fields(&setup(Method::Ldap)), ["first name", "e-mail address"]);
    let nameless = Told { first_name: Some(String::new()), last_name: None, ..told("alice", &[]) };
    assert!(effect(&plain, &nameless, None).warnings.iter().any(|warning| warning.contains("empty")));
}

proptest! {
    /// Whatever is told and held: nobody leaves a group that does not follow Doorward, nor one that Doorward names.
    #[test]
    fn memberships_made_by_hand_survive(
        told_names in prop::collection::vec("(netbox-)?[a-c]", 0..6),
        held in prop::collection::btree_set("(netbox-)?[a-c]", 0..6),
    ) {
        let held: Vec<&str> = held.iter().map(String::as_str).collect();
        let names: Vec<&str> = told_names.iter().map(String::as_str).collect();
        let there = present(vec![account(4, "alice", &held)], Some(4));
        let groups = effect(&setup(Method::Oidc), &told("alice", &names), Some(&there)).groups;
        prop_assert!(groups.removed.iter().chain(&groups.added).all(|name| name.starts_with("netbox-")));
        prop_assert!(!groups.removed.iter().any(|name| names.contains(&name.as_str())));
        prop_assert_eq!(groups.removed.len() + groups.kept.len() + groups.untouched.len(), held.len());
    }
}
