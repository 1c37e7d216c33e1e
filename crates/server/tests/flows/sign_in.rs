//! Passwords: throttled, of equal answer, rehashed; sessions and forms.

use crate::{
    on_both,
    support::{PASSWORD, Page, TestApp},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use doorward_core::user::{User, UserType};
use doorward_server::{
    auth::{
        password::{self, Attempt, Passed, SignInError},
        session,
        throttle::{PER_ACCOUNT, PER_ADDRESS},
    },
    directory::users,
};
use doorward_store as store;
use futures::future::join_all;
use jiff::SignedDuration;

/// The page without what differs between any two of them.
fn essence(page: &Page) -> String {
    let text = page.body.replace(&page.hidden("request"), "").replace(&page.hidden("csrf"), "");
    let start = text.find("(Reference ").expect("a reference code");
    text[..start].to_owned() + &text[start + "(Reference XXXXXXXXXX".len()..]
}

/// A hash as Django keeps it, for the password that everybody has here.
async fn bring_djangos_hash(app: &TestApp, user: &User) {
    let mut out = [0; 32];
    let rounds = std::num::NonZeroU32::new(1000).unwrap();
    aws_lc_rs::pbkdf2::derive(aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256, rounds, b"salt", PASSWORD.as_bytes(), &mut out);
    let hash = format!("pbkdf2_sha256$1000$salt${}", STANDARD.encode(out));
    let (id, now) = (user.id, app.clock.now());
    let bring =
        app.app.db.write(move |tx| Box::pin(async move { store::credential::upsert(tx, id, &hash, now).await }));
    bring.await.unwrap();
}

on_both! {
    /// Unknown user, no password, wrong password, machine: the same page.
    async fn failures_are_not_told_apart(app) {
        app.user("alice", &[]).await;
        let robot = app.user("robot", &[]).await;
        let mut profile = robot.profile.clone();
        profile.user_type = UserType::ServiceAccount;
        users::update(&app.app, &app.actor(), robot.id, profile, None).await.unwrap();
        let mut pages = Vec::new();
        for (username, password) in [("alice", "wrong"), ("nobody", "wrong"), ("robot", PASSWORD), ("alice", ""), ("alice", &"x".repeat(2000))] {
            let page = app.browser().sign_in("/if/user/", username, password).await;
            assert_eq!(page.status, 401);
            pages.push(essence(&page).replace(&format!("value=\"{username}\""), "value=\"\""));
        }
        assert!(pages.iter().all(|page| *page == pages[0]));
    }

    /// Ten wrong passwords, then even the right one has to wait, also for the e-mail address (CVE-2025-24806).
    async fn an_account_is_throttled(app) {
        app.user("alice", &[]).await;
        for attempt in 0..PER_ACCOUNT {
            let name = if attempt % 2 == 0 { "Alice" } else { "alice@example.org" };
            assert_eq!(app.browser().sign_in("/if/user/", name, "wrong").await.status, 401);
        }
        let page = app.browser().sign_in("/if/user/", "alice", PASSWORD).await;
        assert_eq!((page.status, page.header("retry-after")), (429, "300"));
        assert_eq!(app.browser().sign_in("/if/user/", "admin", PASSWORD).await.status, 200);
        app.clock.advance(SignedDuration::from_secs(300));
        assert_eq!(app.browser().sign_in("/if/user/", "alice", PASSWORD).await.status, 200);
    }

    /// Whoever guesses shuts out their own network, not the person: neither by one account nor by all their attempts.
    async fn one_address_cannot_lock_somebody_out(app) {
        app.user("alice", &[]).await;
        for _ in 0..(PER_ADDRESS + 10) {
            app.browser().sign_in("/if/user/", "alice", "wrong").await;
        }
        assert_eq!(app.browser().sign_in("/if/user/", "alice", PASSWORD).await.status, 429);
        let mut elsewhere = app.browser();
        elsewhere.peer = "198.51.100.7".parse().unwrap();
        assert_eq!(elsewhere.sign_in("/if/user/", "alice", PASSWORD).await.status, 200);
    }

    /// Behind a listed proxy the browser's own address counts, read from the end of the list.
    async fn listed_proxies_are_believed(app) {
        app.user("alice", &[]).await;
        let from = |forwarded: &str| {
            let mut browser = app.browser();
            browser.peer = "192.0.2.10".parse().unwrap();
            browser.headers.push(("x-forwarded-for", forwarded.to_owned()));
            browser
        };
        for attempt in 0..PER_ACCOUNT {
            // What the browser claims itself stands further left and does not count.
            from(&format!("10.0.0.{attempt}, 198.51.100.1")).sign_in("/if/user/", "alice", "wrong").await;
        }
        assert_eq!(from("203.0.113.9, 198.51.100.1").sign_in("/if/user/", "alice", PASSWORD).await.status, 429);
        assert_eq!(from("198.51.100.2").sign_in("/if/user/", "alice", PASSWORD).await.status, 200);
    }

    /// A password that was changed, or an account that was disabled, while the old password was being checked.
    async fn a_sign_in_in_flight_does_not_survive_a_new_password(app) {
        let alice = app.user("alice", &[]).await;
        let attempt = || Attempt {
            username: "alice".into(), password: PASSWORD.into(), address: std::net::Ipv4Addr::LOCALHOST.into(), trail: None,
        };
        let visitor = app.visitor().await;
        let Passed::Verified(verified) = password::verify(&app.app, attempt()).await.unwrap() else { panic!("no code is needed") };
        users::set_password(&app.app, &app.actor(), alice.id, "another password").await.unwrap();
        assert_eq!(session::begin(&app.app, &visitor, &verified, None).await.unwrap(), None);
        users::set_password(&app.app, &app.actor(), alice.id, PASSWORD).await.unwrap();
        let Passed::Verified(verified) = password::verify(&app.app, attempt()).await.unwrap() else { panic!("no code is needed") };
        users::set_active(&app.app, &app.actor(), alice.id, false).await.unwrap();
        assert_eq!(session::begin(&app.app, &visitor, &verified, None).await.unwrap(), None);
        users::set_active(&app.app, &app.actor(), alice.id, true).await.unwrap();
        assert!(session::begin(&app.app, &visitor, &verified, None).await.unwrap().is_some());
    }

    /// A person who becomes a machine is signed out: machines do not use the form.
    async fn becoming_a_service_account_ends_sessions(app) {
        let alice = app.user("alice", &[]).await;
        let mut browser = app.signed_in("alice").await;
        let profile = doorward_core::user::UserProfile { user_type: UserType::ServiceAccount, ..alice.profile.clone() };
        users::update(&app.app, &app.actor(), alice.id, profile, None).await.unwrap();
        assert!(browser.get("/if/user/").await.body.contains("id=\"sign-in\""));
    }

    /// Keycloak CVE-2024-4629: attempts at the same time are counted before any password is looked at.
    async fn cve_2024_4629_parallel_attempts_do_not_beat_the_count(app) {
        app.user("alice", &[]).await;
        let mut browser = app.browser();
        let form = browser.get("/sign-in").await;
        let pages = join_all((0..30).map(|_| {
            let (mut browser, form) = (browser.clone(), form.clone());
            async move { browser.submit(&form, "/sign-in", &[("username", "alice"), ("password", "wrong")]).await.status }
        })).await;
        assert_eq!(pages.iter().filter(|status| **status == 401).count(), usize::try_from(PER_ACCOUNT).unwrap());
        assert_eq!(pages.iter().filter(|status| **status == 429).count(), 20);
    }

    /// An address is throttled over all names, by what listed proxies say and nobody else (CVE-2023-36456).
    async fn an_address_is_throttled(app) {
        for attempt in 0..PER_ADDRESS {
            let mut browser = app.browser();
            // Not from a listed proxy: not believed.
            browser.headers.push(("x-forwarded-for", format!("198.51.100.{attempt}")));
            assert_eq!(browser.sign_in("/if/user/", &format!("user{attempt}"), "wrong").await.status, 401);
        }
        assert_eq!(app.browser().sign_in("/if/user/", "admin", PASSWORD).await.status, 429);
    }

    /// A success does not count against an address that many share, and clears the account.
    async fn successes_do_not_count(app) {
        for _ in 0..(PER_ADDRESS + 5) {
            // One session each; the hash is what costs.
            let mut browser = app.browser();
            assert_eq!(browser.sign_in("/if/user/", "admin", PASSWORD).await.status, 200);
        }
    }

    /// Django's hashes are taken, and replaced by Argon2id at the first sign-in.
    async fn djangos_hashes_are_replaced(app) {
        let alice = app.user("alice", &[]).await;
        bring_djangos_hash(&app, &alice).await;
        app.signed_in("alice").await;
        let kept = app.app.db.read(move |tx| Box::pin(store::credential::find(tx, alice.id))).await.unwrap();
        assert!(kept.unwrap().starts_with("$argon2id$"));
        app.signed_in("alice").await;
    }

    /// Of several first sign-ins at once one replaces the hash; the others are let in with the hash that is kept, too.
    async fn parallel_first_sign_ins_end_with_one_hash(app) {
        let alice = app.user("alice", &[]).await;
        bring_djangos_hash(&app, &alice).await;
        let visitor = app.visitor().await;
        let passed = join_all((0..4).map(|_| password::verify(&app.app, Attempt {
            username: "alice".into(), password: PASSWORD.into(), address: std::net::Ipv4Addr::LOCALHOST.into(), trail: None,
        }))).await;
        let kept = app.hash_of(&alice).await;
        for passed in passed {
            let Passed::Verified(verified) = passed.unwrap() else { panic!("no code is needed") };
            assert_eq!(verified.hash.as_ref(), Some(&kept));
            assert!(session::begin(&app.app, &visitor, &verified, None).await.unwrap().is_some());
        }
    }

    /// A password that was changed while an old hash was made stronger is not let in by the old one.
    async fn a_lost_rehash_does_not_outlive_a_new_password(app) {
        let alice = app.user("alice", &[]).await;
        bring_djangos_hash(&app, &alice).await;
        let new = app.app.hasher.hash("another password".into()).await;
        let (id, now) = (alice.id, app.clock.now());
        let change = app.app.db.write(move |tx| Box::pin(async move { store::credential::upsert(tx, id, &new, now).await }));
        let attempt = Attempt { username: "alice".into(), password: PASSWORD.into(), address: std::net::Ipv4Addr::LOCALHOST.into(), trail: None };
        let runs = app.app.hasher.runs();
        // The old hash is being checked when the new one comes.
        let change = async {
            while app.app.hasher.runs() == runs {
                tokio::task::yield_now().await;
            }
            change.await
        };
        let (passed, changed) = tokio::join!(password::verify(&app.app, attempt), change);
        changed.unwrap();
        assert!(matches!(passed, Err(SignInError::Wrong { .. })), "{passed:?}");
    }

    /// A disabled person is out at once, and is told so only after the right password.
    async fn disabled_people_are_out_at_once(app) {
        let alice = app.user("alice", &[]).await;
        let mut browser = app.signed_in("alice").await;
        users::set_active(&app.app, &app.actor(), alice.id, false).await.unwrap();
        assert!(browser.get("/if/user/").await.body.contains("id=\"sign-in\""));
        let wrong = app.browser().sign_in("/if/user/", "alice", "wrong").await;
        assert!(!wrong.body.contains("disabled"));
        let right = app.browser().sign_in("/if/user/", "alice", PASSWORD).await;
        assert!(right.status == 401 && right.body.contains("disabled"), "{}", right.body);
        users::set_active(&app.app, &app.actor(), alice.id, true).await.unwrap();
        // The old session does not come back to life.
        assert!(browser.get("/if/user/").await.body.contains("id=\"sign-in\""));
    }

    /// A new password ends every session: whoever knew the old one is out.
    async fn a_new_password_ends_sessions(app) {
        let alice = app.user("alice", &[]).await;
        let mut browser = app.signed_in("alice").await;
        users::set_password(&app.app, &app.actor(), alice.id, "another password").await.unwrap();
        assert!(browser.get("/if/user/").await.body.contains("id=\"sign-in\""));
    }

    /// A session ends by itself, and its cookie is host-bound and new at every sign-in (no fixation).
    async fn sessions_end_and_cookies_are_new(app) {
        let mut browser = app.signed_in("admin").await;
        let first = browser.cookies["__Host-doorward"].clone();
        browser.sign_in("/sign-in", "admin", PASSWORD).await;
        assert_ne!(first, browser.cookies["__Host-doorward"]);
        let mut old = app.browser();
        old.cookies.insert("__Host-doorward".into(), first);
        assert!(old.get("/if/user/").await.body.contains("id=\"sign-in\""));
        app.clock.advance(SignedDuration::from_hours(12));
        assert!(browser.get("/if/user/").await.body.contains("id=\"sign-in\""));
    }

    /// Forms of other sites, of other browsers, and without token are refused; nothing happens.
    async fn forms_are_bound_to_their_browser(app) {
        let mut browser = app.signed_in("admin").await;
        let page = browser.get("/sign-out").await;
        let request = page.hidden("request");
        for csrf in ["", "nonsense", &app.browser().get("/sign-in").await.hidden("csrf")] {
            let refused = browser.request("POST", "/sign-out", Some(&[("csrf", csrf), ("request", &request)])).await;
            assert_eq!(refused.status, 403);
        }
        let mut cross_site = browser.clone();
        cross_site.headers.push(("sec-fetch-site", "cross-site".into()));
        let fields = [("csrf", page.hidden("csrf")), ("request", request.clone())];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(cross_site.request("POST", "/sign-out", Some(&fields)).await.status, 403);
        assert!(!browser.get("/if/user/").await.body.contains("id=\"sign-in\""));
    }

    /// The portal shows what the person may use, and leads there.
    async fn the_portal_shows_what_one_may_use(app) {
        let staff = app.group("staff", &[]).await;
        app.user("alice", &[&staff]).await;
        app.user("bob", &[]).await;
        let rule = doorward_core::access_rule::AccessRule::Only { groups: [staff.id].into(), users: [].into() };
        app.application_with("hidden", |profile, _| profile.access = rule).await;
        app.application("open").await;
        let page = app.signed_in("alice").await.get("/if/user/").await;
        assert!(page.body.contains("App hidden") && page.body.contains("App open"));
        let mut bob = app.signed_in("bob").await;
        let page = bob.get("/if/user/").await;
        assert!(!page.body.contains("App hidden") && page.body.contains("App open"));
        assert_eq!(bob.get("/application/launch/hidden/").await.status, 404);
        assert_eq!(bob.request("GET", "/application/launch/open/", None).await.location(), "https://netbox.example.org/");
    }
}
