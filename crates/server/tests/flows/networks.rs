//! Networks in access rules: looked at wherever the person's own address is known, and nowhere else.

use crate::{
    on_both,
    support::{Browser, TestApp},
};
use doorward_core::{
    access_rule::AccessRule,
    ldap_provider::LdapProfile,
    network::{Networks, Place},
};
use doorward_server::{
    applications::{self, ApplicationEdit, access, access::NoAccess},
    auth::basic::{self, BasicAttempt, SignInError, Who},
    directory::person,
};

const INSIDE: &str = "10.1.2.3";
const OUTSIDE: &str = "198.51.100.7";

fn inside() -> Networks {
    Networks::parse(["10.0.0.0/8"]).unwrap()
}

/// A browser in which alice is signed in, at an address.
async fn alice_at(app: &TestApp, address: &str) -> Browser {
    let mut browser = app.signed_in("alice").await;
    browser.peer = address.parse().unwrap();
    browser
}

on_both! {
    /// The page says where one is; the log says which networks there are. `prompt=none` tells the client.
    async fn only_browsers_inside_get_a_code(app) {
        app.user("alice", &[]).await;
        let client = app.client(&app.application_with("a", |profile, _| profile.networks = inside()).await);
        client.code(&mut alice_at(&app, INSIDE).await, &[]).await;
        let mut outside = alice_at(&app, OUTSIDE).await;
        let page = outside.get(&client.authorize(&[])).await;
        assert_eq!((page.status, page.location()), (403, ""));
        assert!(page.body.contains("Not from this network") && page.body.contains(OUTSIDE), "{}", page.text());
        assert!(!page.body.contains("10.0.0.0"), "which networks there are is nobody's business");
        let silent = outside.get(&client.authorize(&[("prompt", "none")])).await;
        assert_eq!(silent.redirect_parameter("error").as_deref(), Some("access_denied"));
        assert!(app.texts().await.iter().any(|text| text.contains("none of the application's networks holds 198.51.100.7")));
    }

    /// What a browser says of itself counts only from listed proxies.
    async fn a_forged_address_does_not_help(app) {
        app.user("alice", &[]).await;
        let client = app.client(&app.application_with("a", |profile, _| profile.networks = inside()).await);
        let mut outside = alice_at(&app, OUTSIDE).await;
        outside.headers.push(("x-forwarded-for", INSIDE.to_owned()));
        assert_eq!(outside.get(&client.authorize(&[])).await.status, 403);
        let mut behind_proxy = alice_at(&app, "192.0.2.1").await;
        behind_proxy.headers.push(("x-forwarded-for", INSIDE.to_owned()));
        client.code(&mut behind_proxy, &[]).await;
    }

    /// Allowed inside, answered outside: everything is looked at again when the request goes on.
    async fn consent_is_no_way_around(app) {
        app.user("alice", &[]).await;
        let client = app.client(&app.application_with("a", |profile, _| {
            profile.networks = inside();
            profile.consent = doorward_core::application::ConsentMode::Always;
        }).await);
        let mut browser = alice_at(&app, INSIDE).await;
        let asked = browser.get(&client.authorize(&[])).await;
        assert!(asked.body.contains("id=\"allow\""), "{}", asked.text());
        browser.peer = OUTSIDE.parse().unwrap();
        let page = browser.submit(&asked, "/consent", &[("decision", "allow")]).await;
        assert_eq!(page.status, 403, "{}", page.location());
        browser.peer = INSIDE.parse().unwrap();
        let page = browser.submit(&asked, "/consent", &[("decision", "allow")]).await;
        assert!(page.redirect_parameter("code").is_some());
    }

    /// The token request, userinfo and refresh come from the application: its address is not the person's.
    async fn applications_ask_from_where_they_like(app) {
        app.user("alice", &[]).await;
        let client = app.client(&app.application_with("a", |profile, _| profile.networks = inside()).await);
        let mut browser = alice_at(&app, INSIDE).await;
        let code = client.code(&mut browser, &[("scope", "openid offline_access")]).await;
        let tokens = client.exchange(&code).await;
        assert_eq!(tokens.status, 200, "{}", tokens.json);
        assert_eq!(client.userinfo(&tokens.text("access_token")).await.status, 200);
    }

    /// The portal shows what can be used from here; the way in says why not.
    async fn tiles_are_shown_where_they_lead_somewhere(app) {
        app.user("alice", &[]).await;
        app.application_with("a", |profile, _| profile.networks = inside()).await;
        let tile = "/application/launch/a/";
        assert!(alice_at(&app, INSIDE).await.get("/if/user/").await.text().contains(tile));
        let mut outside = alice_at(&app, OUTSIDE).await;
        assert!(!outside.get("/if/user/").await.text().contains(tile));
        let page = outside.get(tile).await;
        assert_eq!(page.status, 403);
        assert!(page.body.contains("Not from this network"));
    }

    /// Over LDAP the application asks; the same operation behind a proxy knows where the person is.
    async fn ldap_is_not_held_up(app) {
        let alice = app.user("alice", &[]).await;
        let edit = app.application_with("a", |profile, _| profile.networks = inside()).await;
        let application = edit.application.id;
        applications::ldap::add(&app.app, &app.actor(), "a", LdapProfile::new("dc=a,dc=example")).await.unwrap();
        let bind = async |place| {
            basic::verify(&app.app, BasicAttempt {
                who: Who::Named("alice".into()), password: crate::support::PASSWORD.into(), place, application,
                address: OUTSIDE.parse().unwrap(), code_in_password: false, how: "LDAP",
            }).await
        };
        assert_eq!(bind(Place::Server).await.unwrap().user.id, alice.id);
        assert!(bind(Place::Browser(INSIDE.parse().unwrap())).await.is_ok());
        let refused = bind(Place::Browser(OUTSIDE.parse().unwrap())).await;
        assert!(matches!(refused, Err(SignInError::NotAllowed { .. })), "{refused:?}");
        assert!(app.reason(&refused).await.contains("networks"));
    }

    /// They are kept, and a rule that lets nobody in is the first reason.
    async fn networks_are_kept(app) {
        app.user("alice", &[]).await;
        app.application("a").await;
        let entry = applications::find(&app.app, "a").unwrap();
        let mut edit = ApplicationEdit::of(&entry);
        edit.profile.networks = Networks::parse(["10.0.0.0/8", "2001:db8::/32"]).unwrap();
        applications::update(&app.app, &app.actor(), "a", edit.clone()).await.unwrap();
        let other = app.second_process().await;
        assert_eq!(other.snapshot().application("a").unwrap().application.profile.networks, edit.profile.networks);
        edit.profile.access = AccessRule::nobody();
        let entry = applications::update(&app.app, &app.actor(), "a", edit).await.unwrap();
        let alice = doorward_server::directory::users::find_by_username(&app.app, "alice").await.unwrap();
        let person = person::find(&app.app, &app.app.snapshot(), alice.id).await.unwrap().unwrap();
        let place = Place::Browser(OUTSIDE.parse().unwrap());
        assert_eq!(access::check(&entry.application, &person, place), Err(NoAccess::Rule));
    }
}
