//! Explanations: they say what really happens, by comparing with what really happens.

use crate::{
    on_both,
    support::{PASSWORD, TestApp},
};
use doorward_core::{
    access_rule::AccessRule, application::ConsentMode, group::Group, ldap_provider::LdapProfile, network::Networks,
    user::UserProfile,
};
use doorward_server::{
    applications::{
        self, ApplicationEdit,
        from_recipe::{self, RecipeRequest},
    },
    auth::throttle::{CODES_PER_ACCOUNT, PER_ACCOUNT},
    directory::users,
    explain::{
        AccessReport, Finding, Verdict, access, claims,
        netbox_effect::{AccountEffect, SuperuserChange},
    },
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const OUTSIDE: &str = "198.51.100.7";

async fn explained(app: &TestApp, user: &str, address: Option<&str>) -> AccessReport {
    access::explain(&app.app, "a", user, address.map(|text| text.parse().unwrap())).await.unwrap()
}

fn text<'r>(report: &'r AccessReport, rule: &str, finding: Finding) -> &'r str {
    let mut steps = report.routes.iter().flat_map(|route| &route.steps);
    let found = steps.find(|step| step.rule == rule && step.finding == finding);
    found.map_or_else(|| panic!("no {rule} says {finding:?} in {report:#?}"), |step| &step.text)
}

async fn change(app: &TestApp, change: impl FnOnce(&mut ApplicationEdit)) {
    let mut edit = ApplicationEdit::of(&applications::find(&app.app, "a").unwrap());
    change(&mut edit);
    applications::update(&app.app, &app.actor(), "a", edit).await.unwrap();
}

fn only(group: &Group) -> AccessRule {
    AccessRule::Only { groups: [group.id].into(), users: [].into() }
}

on_both! {
    /// Which group, and by way of which others; or which groups there would be.
    async fn the_rule_that_decides_is_named(app) {
        let users_group = app.group("netbox-users", &[]).await;
        let noc = app.group("noc", &[&users_group]).await;
        app.user("alice", &[&noc]).await;
        app.user("bob", &[]).await;
        app.application_with("a", |profile, _| profile.access = only(&users_group)).await;
        let alice = explained(&app, "alice", None).await;
        assert_eq!(alice.verdict, Verdict::Allowed, "{alice:#?}");
        assert_eq!(text(&alice, "access rule", Finding::Yes), "it names the group netbox-users; alice is a member of noc, and noc is in netbox-users");
        assert_eq!(alice.summary, "alice may use App a by OpenID Connect.");
        let bob = explained(&app, "bob", None).await;
        assert_eq!((bob.verdict, bob.user.as_str()), (Verdict::Denied, "bob"));
        assert!(text(&bob, "access rule", Finding::No).ends_with("bob is not among them: bob is in no group"));
        assert!(bob.summary.starts_with("bob may not use App a. Access rule: it names netbox-users"), "{}", bob.summary);
        change(&app, |edit| edit.profile.access = AccessRule::nobody()).await;
        assert!(text(&explained(&app, "alice", None).await, "access rule", Finding::No).contains("--allow"));
        change(&app, |edit| edit.profile.access = AccessRule::Everyone).await;
        assert!(text(&explained(&app, "bob", None).await, "access rule", Finding::Yes).contains("everyone"));
    }

    /// What is said is what happens: every combination is tried with a browser, too.
    async fn the_verdict_is_what_a_browser_meets(app) {
        let staff = app.group("staff", &[]).await;
        for (user, groups) in [("member", vec![&staff]), ("stranger", vec![])] {
            app.user(user, &groups).await;
        }
        let client = app.client(&app.application("a").await);
        let inside = Networks::parse(["10.0.0.0/8"]).unwrap();
        for (access, networks) in [
            (AccessRule::Everyone, Networks::default()),
            (AccessRule::Everyone, inside.clone()),
            (only(&staff), Networks::default()),
            (only(&staff), inside),
            (AccessRule::nobody(), Networks::default()),
        ] {
            change(&app, |edit| (edit.profile.access, edit.profile.networks) = (access.clone(), networks.clone())).await;
            for user in ["member", "stranger"] {
                for address in ["10.1.2.3", OUTSIDE] {
                    let mut browser = app.signed_in(user).await;
                    browser.peer = address.parse().unwrap();
                    let is_let_in = browser.get(&client.authorize(&[])).await.redirect_parameter("code").is_some();
                    let report = explained(&app, user, Some(address)).await;
                    assert_eq!(report.verdict == Verdict::Allowed, is_let_in, "{access:?} {networks} {user} {address} {report:#?}");
                }
            }
        }
    }

    /// Without an address nothing is claimed about networks.
    async fn networks_decide_nothing_without_an_address(app) {
        app.user("alice", &[]).await;
        app.application_with("a", |profile, _| profile.networks = Networks::parse(["10.0.0.0/8"]).unwrap()).await;
        let unknown = explained(&app, "alice", None).await;
        assert_eq!(unknown.verdict, Verdict::Depends);
        assert!(unknown.summary.contains("10.0.0.0/8"), "{}", unknown.summary);
        assert_eq!(text(&explained(&app, "alice", Some("10.1.2.3")).await, "networks", Finding::Yes), "10.1.2.3 is in 10.0.0.0/8");
    }

    /// The account itself: disabled, without a password, a machine, with an authenticator app.
    async fn the_account_is_looked_at(app) {
        let alice = app.user("alice", &[]).await;
        app.application("a").await;
        let second = explained(&app, "alice", None).await;
        assert!(text(&second, "sign-in", Finding::Yes).contains("no authenticator app"));
        app.authenticator(&alice).await;
        assert!(text(&explained(&app, "alice", None).await, "sign-in", Finding::Yes).contains("the code of an authenticator app"));
        users::update(&app.app, &app.actor(), alice.id, UserProfile { is_active: false, ..alice.profile.clone() }, None).await.unwrap();
        let disabled = explained(&app, "alice", None).await;
        assert!(text(&disabled, "account", Finding::No).contains("doorward user enable alice"));
        app.robot().await;
        assert!(text(&explained(&app, "robot", None).await, "sign-in", Finding::No).contains("service account"));
        let new = users::NewUser { profile: UserProfile::named("fresh"), password: None, groups: BTreeSet::new() };
        users::create(&app.app, &app.actor(), new).await.unwrap();
        assert!(text(&explained(&app, "fresh", None).await, "sign-in", Finding::No).contains("no password"));
    }

    /// Limits that are reached, and for how long; another address is told apart, and nothing is counted by asking.
    async fn limits_are_told_and_not_moved(app) {
        let alice = app.user("alice", &[]).await;
        app.application("a").await;
        for _ in 0..PER_ACCOUNT {
            let mut browser = app.browser();
            browser.peer = OUTSIDE.parse().unwrap();
            browser.sign_in("/if/user/", "alice", "wrong").await;
            assert_eq!(explained(&app, "alice", Some("10.1.2.3")).await.verdict, Verdict::Allowed);
        }
        let held_up = explained(&app, "alice", Some(OUTSIDE)).await;
        assert_eq!(held_up.verdict, Verdict::Denied);
        assert_eq!(text(&held_up, "attempts", Finding::No), "too many attempts for this account from 198.51.100.7; wait 300 seconds");
        assert_eq!(explained(&app, "alice", None).await.verdict, Verdict::Allowed);
        let id = alice.id;
        app.clock.advance(jiff::SignedDuration::from_mins(5));
        assert_eq!(explained(&app, "alice", Some(OUTSIDE)).await.verdict, Verdict::Allowed);
        let now = app.clock.now();
        for _ in 0..CODES_PER_ACCOUNT {
            let count = app.app.db.write(move |tx| Box::pin(async move {
                doorward_store::throttle::count(tx, &format!("code:{id}"), now, now).await
            }));
            count.await.unwrap();
        }
        let codes = explained(&app, "alice", None).await;
        assert!(text(&codes, "attempts", Finding::No).contains("24 hours"), "{codes:#?}");
    }

    /// Over LDAP the networks do not count, searchers need no rule, and an authenticator app needs an app password.
    async fn ldap_has_rules_of_its_own(app) {
        let alice = app.user("alice", &[]).await;
        app.application_with("a", |profile, _| profile.networks = Networks::parse(["10.0.0.0/8"]).unwrap()).await;
        let mut profile = LdapProfile::new("dc=a,dc=example");
        profile.code_in_password = false;
        applications::ldap::add(&app.app, &app.actor(), "a", profile).await.unwrap();
        let report = explained(&app, "alice", Some(OUTSIDE)).await;
        let [oidc, ldap] = report.routes.as_slice() else { panic!("{report:#?}") };
        assert_eq!((oidc.verdict, ldap.verdict, report.verdict), (Verdict::Denied, Verdict::Allowed, Verdict::Allowed));
        assert_eq!(report.summary, "alice may use App a by LDAP, but not by OpenID Connect.");
        app.authenticator(&alice).await;
        let report = explained(&app, "alice", None).await;
        assert!(text(&report, "bind", Finding::No).contains("doorward user app-password add alice"));
        app.app_password(&alice, None).await;
        assert_eq!(text(&explained(&app, "alice", None).await, "bind", Finding::Yes), "an app password opens it");
        let account = applications::service_account::find(&app.app, applications::find(&app.app, "a").unwrap().ldap.as_ref().unwrap()).await.unwrap().unwrap();
        let machine = explained(&app, &account.profile.username, None).await;
        assert!(text(&machine, "searcher", Finding::Yes).contains("reads everybody"));
    }

    /// Consent is good to know, and decides nothing.
    async fn consent_is_mentioned(app) {
        app.user("alice", &[]).await;
        let client = app.client(&app.application_with("a", |profile, _| profile.consent = ConsentMode::FirstTime).await);
        assert!(text(&explained(&app, "alice", None).await, "consent", Finding::Note).contains("first time"));
        let mut browser = app.signed_in("alice").await;
        let asked = browser.get(&client.authorize(&[])).await;
        browser.submit(&asked, "/consent", &[("decision", "allow")]).await;
        assert!(text(&explained(&app, "alice", None).await, "consent", Finding::Note).contains("before"));
    }

    /// Who is not there is said, and so is an application that is not.
    async fn strangers_are_not_found(app) {
        app.application("a").await;
        assert!(access::explain(&app.app, "a", "nobody", None).await.unwrap_err().to_string().contains("nobody"));
        assert!(claims::explain(&app.app, "b", "admin", None).await.unwrap_err().to_string().contains("application"));
    }

    /// Claim by claim what tokens and userinfo really hold, but for what is made anew every time.
    async fn claims_are_those_that_are_issued(app) {
        let group = app.group("netbox-ops", &[]).await;
        app.user("alice", &[&group]).await;
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("alice").await;
        for (scope, more) in [("openid profile email", None), ("openid", Some("openid"))] {
            let code = client.code(&mut browser, &[("scope", scope)]).await;
            let tokens = client.exchange(&code).await;
            let userinfo = client.userinfo(&tokens.text("access_token")).await.json();
            let asked = more.map(|scope| BTreeSet::from([scope.to_owned()]));
            let before = app.app.db.commits();
            let report = claims::explain(&app.app, "a", "alice", asked.as_ref()).await.unwrap();
            assert_eq!(app.app.db.commits(), before, "nothing is written");
            let oidc = report.oidc.unwrap();
            assert_eq!(oidc.userinfo, userinfo);
            for (explained, issued) in [
                (&oidc.id_token, tokens.claims("id_token")), (&oidc.access_token, tokens.claims("access_token")),
            ] {
                assert_eq!(explained.keys().collect::<Vec<_>>(), issued.keys().collect::<Vec<_>>());
                for (name, value) in explained {
                    if value.as_str().is_none_or(|text| !text.starts_with('(')) {
                        assert_eq!(value, &issued[name], "{name}");
                    }
                }
            }
            let placeholders = oidc.id_token.values().filter(|value| value.as_str().is_some_and(|text| text.starts_with('(')));
            assert_eq!(placeholders.count(), 3, "nonce, at_hash and sid alone: {:?}", oidc.id_token);
        }
        let odd = BTreeSet::from(["openid".to_owned(), "wine".to_owned()]);
        let odd = claims::explain(&app.app, "a", "alice", Some(&odd)).await.unwrap().oidc.unwrap();
        assert_eq!((odd.scopes.len(), odd.ignored_scopes.contains("wine")), (1, true));
    }

    /// A mapping that fails lets nobody in, and the report says which.
    async fn a_mapping_that_fails_is_named(app) {
        app.user("alice", &[]).await;
        let profile = doorward_core::claim_mapping::MappingProfile {
            name: "Broken".into(), scope: "profile".into(), expression: "{\"a\": user.nothing.x}".into(), description: String::new(),
        };
        let mapping = doorward_server::mappings::create(&app.app, &app.actor(), profile).await.unwrap();
        app.application_with("a", |_, provider| { provider.mappings.insert(mapping.id); }).await;
        let oidc = claims::explain(&app.app, "a", "alice", None).await.unwrap().oidc.unwrap();
        assert!(oidc.failure.as_ref().is_some_and(|text| text.contains("Broken")), "{:?}", oidc.failure);
        assert_eq!((oidc.id_token.len(), oidc.userinfo), (0, Value::Null));
    }

    /// The recipe's application: the claims, the entry, and what NetBox makes of both.
    async fn netbox_is_foretold(app) {
        let (ops, admins) = (app.group("netbox-ops", &[]).await, app.group("netbox-admins", &[]).await);
        let staff = app.group("staff", &[]).await;
        app.user("alice", &[&ops, &admins, &staff]).await;
        let mut request = RecipeRequest::new("netbox", "netbox", AccessRule::Everyone);
        request.url = Some("https://netbox.example.org".into());
        request.superuser_groups = vec!["netbox-admins".into()];
        let draft = from_recipe::draft(&app.app, request).unwrap();
        from_recipe::create(&app.app, &app.actor(), draft).await.unwrap();
        applications::ldap::add(&app.app, &app.actor(), "netbox", LdapProfile::new("dc=n,dc=example")).await.unwrap();
        let report = claims::explain(&app.app, "netbox", "alice", None).await.unwrap();
        assert_eq!(report.oidc.unwrap().userinfo["netbox_superuser"], json!(true));
        assert!(report.ldap.unwrap().dn.starts_with("cn=alice,ou=users,dc=n"));
        let [oidc, ldap] = report.netbox.as_slice() else { panic!("{:#?}", report.netbox) };
        for effect in [oidc, ldap] {
            assert_eq!(effect.groups.added, ["netbox-admins", "netbox-ops"], "{effect:#?}");
            assert_eq!(effect.groups.ignored, ["staff"]);
            assert_eq!(effect.superuser.change, SuperuserChange::Granted);
            assert_eq!(effect.account, AccountEffect::Unknown { username: "alice".into() });
        }
        let bob = app.user("bob", &[]).await;
        let report = claims::explain(&app.app, "netbox", &bob.profile.username, None).await.unwrap();
        assert!(report.netbox.iter().all(|effect| effect.superuser.change == SuperuserChange::Revoked));
    }
}

/// The entry is the one that a search returns.
mod ldap_entry {
    use super::*;

    on_both! {
        async fn attributes_are_those_that_are_sent(app) {
            let group = app.group("ops", &[]).await;
            let alice = app.user("alice", &[&group]).await;
            let profile = UserProfile { attributes: serde_json::from_value(json!({ "room": "7", "mail": "other@example.org" })).unwrap(), ..alice.profile.clone() };
            users::update(&app.app, &app.actor(), alice.id, profile, None).await.unwrap();
            app.application("a").await;
            applications::ldap::add(&app.app, &app.actor(), "a", LdapProfile::new("dc=a,dc=example")).await.unwrap();
            let shown = claims::explain(&app.app, "a", "alice", None).await.unwrap().ldap.unwrap();
            assert_eq!((shown.first("mail"), shown.first("room")), (Some("other@example.org"), Some("7")));
            assert_eq!(shown.first("memberOf"), Some("cn=ops,ou=groups,dc=a,dc=example"));
            assert!(shown.first("entryUUID").is_none() && shown.first("userPassword").is_none());
            assert_eq!(shown.groups, ["ops"]);
            let text = format!("{shown:?}");
            assert!(!text.contains(PASSWORD) && !text.contains("argon2"));
        }
    }
}
