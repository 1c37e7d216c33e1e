//! Signing in with an authenticator app: the second step of the form.

use crate::{
    on_both,
    support::{Browser, PASSWORD, Page},
};
use doorward_core::{id::ApplicationId, network::Place};
use doorward_server::{
    auth::{
        basic::{self, BasicAttempt, SignInError, Who},
        throttle::{CODES_PER_ACCOUNT, PER_ACCOUNT},
    },
    directory::{authenticators, users},
    jobs,
};
use futures::future::join_all;
use jiff::SignedDuration;

fn asks_for_code(page: &Page) -> bool {
    page.body.contains("id=\"code-form\"")
}

async fn give(browser: &mut Browser, page: &Page, code: &str) -> Page {
    let step = page.hidden("step");
    browser.submit(page, "/sign-in/code", &[("step", &step), ("code", code)]).await
}

on_both! {
    /// Password, then code, then where one was going; the tokens say how.
    async fn a_code_is_asked_for_after_the_password(app) {
        let alice = app.user("alice", &[]).await;
        let secret = app.authenticator(&alice).await;
        let client = app.client(&app.application("netbox").await);
        let mut browser = app.browser();
        let page = browser.sign_in(&client.authorize(&[]), "alice", PASSWORD).await;
        assert!(page.status == 200 && asks_for_code(&page), "{}", page.body);
        // The password alone is nothing yet.
        assert!(browser.clone().get("/if/user/").await.body.contains("id=\"sign-in\""));
        let code = app.code(&secret);
        let page = give(&mut browser, &page, &format!(" {} {} ", &code[..3], &code[3..])).await;
        let code = page.redirect_parameter("code").expect("a code for the application");
        let answer = client.exchange(&code).await;
        assert_eq!(answer.claims("id_token")["amr"], serde_json::json!(["pwd", "otp", "mfa"]));
    }

    /// A wrong password is answered as ever, and nobody learns from it who has an app.
    async fn the_first_step_tells_nothing(app) {
        let alice = app.user("alice", &[]).await;
        app.user("bob", &[]).await;
        app.authenticator(&alice).await;
        for name in ["alice", "bob"] {
            let page = app.browser().sign_in("/if/user/", name, "wrong").await;
            assert!(page.status == 401 && !asks_for_code(&page));
        }
    }

    /// A code is good once: not for a second sign-in, not for an older step.
    async fn a_used_code_is_refused(app) {
        let alice = app.user("alice", &[]).await;
        let secret = app.authenticator(&alice).await;
        let code = app.code(&secret);
        let mut browser = app.browser();
        let page = browser.sign_in("/if/user/", "alice", PASSWORD).await;
        assert_eq!(give(&mut browser, &page, &code).await.status, 200);
        assert!(browser.get("/if/user/").await.body.contains("My applications"));
        let mut other = app.browser();
        let page = other.sign_in("/if/user/", "alice", PASSWORD).await;
        let page = give(&mut other, &page, &code).await;
        assert!(page.status == 401 && asks_for_code(&page) && page.body.contains("Reference"));
        app.clock.advance(SignedDuration::from_secs(30));
        let page = give(&mut other, &page, &code).await;
        assert!(page.status == 401);
        let later = app.code(&secret);
        assert!(!asks_for_code(&give(&mut other, &page, &later).await));
    }

    /// Fifty browsers with one code: one gets in.
    async fn a_code_is_good_for_one_of_fifty(app) {
        let alice = app.user("alice", &[]).await;
        let secret = app.authenticator(&alice).await;
        let code = app.code(&secret);
        let mut ready = Vec::new();
        for number in 0..50 {
            let mut browser = app.browser();
            // Nine from each network: the throttle is another test's.
            browser.peer = std::net::Ipv4Addr::new(198, 51, 100, number).into();
            ready.push((browser.sign_in("/if/user/", "alice", PASSWORD).await, browser));
        }
        let pages = join_all(ready.iter_mut().map(|(page, browser)| give(browser, page, &code))).await;
        assert_eq!(pages.iter().filter(|page| page.body.contains("My applications")).count(), 1);
    }

    /// Wrong codes count like wrong passwords, and giving the right password again does not begin anew.
    async fn codes_cannot_be_guessed(app) {
        let alice = app.user("alice", &[]).await;
        let secret = app.authenticator(&alice).await;
        let mut browser = app.browser();
        let mut codes = 0;
        let throttled = 'guessing: loop {
            let page = browser.sign_in("/if/user/", "alice", PASSWORD).await;
            if !asks_for_code(&page) {
                break page;
            }
            for _ in 0..3 {
                let page = give(&mut browser, &page, "000000").await;
                if page.status == 429 {
                    break 'guessing page;
                }
                codes += 1;
            }
        };
        assert_eq!(throttled.status, 429);
        assert!(codes < PER_ACCOUNT, "{codes}");
        app.clock.advance(SignedDuration::from_secs(300));
        let page = browser.sign_in("/if/user/", "alice", PASSWORD).await;
        assert!(!asks_for_code(&give(&mut browser, &page, &app.code(&secret)).await));
    }

    /// What counts is when a code is given: whoever passed the password step often enough beforehand gets no more tries by it,
    /// and a right code that comes after the last one is not looked at.
    async fn keycloak_cve_2026_16103_and_9798_steps_prepared_beforehand_are_no_tries(app) {
        let alice = app.user("alice", &[]).await;
        let secret = app.authenticator(&alice).await;
        let mut ready = Vec::new();
        for number in 0..=u8::try_from(CODES_PER_ACCOUNT + 10).unwrap() {
            let mut browser = app.browser();
            browser.peer = std::net::Ipv4Addr::new(198, 51, 100, number).into();
            ready.push((browser.sign_in("/if/user/", "alice", PASSWORD).await, browser));
        }
        let (page, mut last) = ready.pop().unwrap();
        let pages = join_all(ready.iter_mut().map(|(page, browser)| give(browser, page, "000000"))).await;
        let looked_at = pages.iter().filter(|page| page.status == 401).count();
        assert!(looked_at > 0 && looked_at <= usize::try_from(CODES_PER_ACCOUNT).unwrap(), "{looked_at}");
        assert!(pages.iter().all(|page| matches!(page.status, 401 | 429)));
        assert_eq!(give(&mut last, &page, &app.code(&secret)).await.status, 429);
    }

    /// Patience does not help either: twenty codes a day, wherever they are tried, and not one more is looked at.
    async fn codes_cannot_be_guessed_slowly(app) {
        let alice = app.user("alice", &[]).await;
        let secret = app.authenticator(&alice).await;
        let application: ApplicationId = app.application("netbox").await.application.id;
        let mut owner = app.browser();
        let page = owner.sign_in("/if/user/", "alice", PASSWORD).await;
        give(&mut owner, &page, &app.code(&secret)).await;
        let security = "/if/user/security/password/";
        let bind = async |code: &str| basic::verify(&app.app, BasicAttempt {
            who: Who::User(alice.id), password: format!("{PASSWORD};{code}").as_str().into(),
            address: std::net::Ipv4Addr::LOCALHOST.into(), place: Place::Server, application, code_in_password: true, how: "LDAP",
        }).await;
        for number in 0..CODES_PER_ACCOUNT {
            app.clock.advance(SignedDuration::from_mins(10));
            match number % 3 {
                0 => {
                    let mut browser = app.browser();
                    let page = browser.sign_in("/if/user/", "alice", PASSWORD).await;
                    assert_eq!(give(&mut browser, &page, "000000").await.status, 401);
                }
                1 => {
                    let page = owner.get(security).await;
                    let csrf = page.hidden("csrf");
                    let fields = [("csrf", csrf.as_str()), ("current_password", PASSWORD), ("code", "000000"), ("password", "new password 1"), ("password_repeat", "new password 1")];
                    assert!(owner.request("POST", security, Some(&fields)).await.body.contains("code is not right"));
                }
                _ => assert!(matches!(bind("000000").await, Err(SignInError::Wrong { .. }))),
            }
            // A right password, and cleaning up, reset nothing.
            assert!(asks_for_code(&app.browser().sign_in("/if/user/", "alice", PASSWORD).await));
            jobs::clean(&app.app).await.unwrap();
        }
        app.clock.advance(SignedDuration::from_mins(10));
        let mut browser = app.browser();
        let page = browser.sign_in("/if/user/", "alice", PASSWORD).await;
        let page = give(&mut browser, &page, &app.code(&secret)).await;
        assert!(page.status == 429 && page.body.contains("Try again in 21 hours."), "{}", page.body);
        let page = owner.get(security).await;
        let csrf = page.hidden("csrf");
        let fields = [("csrf", csrf.as_str()), ("current_password", PASSWORD), ("code", &app.code(&secret)), ("password", "new password 1"), ("password_repeat", "new password 1")];
        assert!(owner.request("POST", security, Some(&fields)).await.body.contains("Too many attempts"));
        // No word and no time that a wrong password would not have.
        let runs = app.app.hasher.runs();
        let refused = bind(&app.code(&secret)).await;
        assert!(matches!(refused, Err(SignInError::Wrong { .. })) && app.reason(&refused).await.contains("too many codes"));
        assert_eq!(app.app.hasher.runs() - runs, 1);
        app.clock.advance(SignedDuration::from_hours(24));
        bind(&app.code(&secret)).await.unwrap();
    }

    /// A right code begins the count anew, and so does a new password: whoever used the codes up does not know it.
    async fn the_count_of_codes_begins_anew(app) {
        let alice = app.user("alice", &[]).await;
        let secret = app.authenticator(&alice).await;
        let give_one = async |password: &str, code: &str| {
            app.clock.advance(SignedDuration::from_mins(10));
            let mut browser = app.browser();
            let page = browser.sign_in("/if/user/", "alice", password).await;
            let code = if code.is_empty() { app.code(&secret) } else { code.to_owned() };
            give(&mut browser, &page, &code).await.status
        };
        for _ in 1..CODES_PER_ACCOUNT {
            assert_eq!(give_one(PASSWORD, "000000").await, 401);
        }
        assert_eq!(give_one(PASSWORD, "").await, 200);
        for _ in 0..CODES_PER_ACCOUNT {
            assert_eq!(give_one(PASSWORD, "000000").await, 401);
        }
        assert_eq!(give_one(PASSWORD, "").await, 429);
        users::set_password(&app.app, &app.actor(), alice.id, "another password").await.unwrap();
        assert_eq!(give_one("another password", "").await, 200);
    }

    /// The step belongs to its browser, ends after five minutes, and does not outlive the password or the app.
    async fn the_step_is_bound(app) {
        let alice = app.user("alice", &[]).await;
        let secret = app.authenticator(&alice).await;
        let mut browser = app.browser();
        let page = browser.sign_in("/if/user/", "alice", PASSWORD).await;
        let step = page.hidden("step");
        // Another browser, with a request of its own.
        let mut other = app.browser();
        let form = other.get("/sign-in").await;
        let refused = other.submit(&form, "/sign-in/code", &[("step", &step), ("code", &app.code(&secret))]).await;
        assert!(refused.body.contains("id=\"sign-in\"") && other.get("/if/user/").await.body.contains("id=\"sign-in\""));
        // No step at all, or the request passed for one.
        let form = browser.get("/sign-in").await;
        for step in ["", &form.hidden("request")] {
            let refused = browser.submit(&form, "/sign-in/code", &[("step", step), ("code", &app.code(&secret))]).await;
            assert!(refused.body.contains("id=\"sign-in\""));
        }
        app.clock.advance(SignedDuration::from_secs(300));
        let late = give(&mut browser, &page, &app.code(&secret)).await;
        assert!(late.body.contains("More than five minutes"));
        let page = browser.sign_in("/if/user/", "alice", PASSWORD).await;
        users::set_password(&app.app, &app.actor(), alice.id, "another password").await.unwrap();
        assert!(give(&mut browser, &page, &app.code(&secret)).await.body.contains("changed meanwhile"));
        let page = browser.sign_in("/if/user/", "alice", "another password").await;
        authenticators::remove(&app.app, &app.actor(), alice.id).await.unwrap();
        assert!(give(&mut browser, &page, &app.code(&secret)).await.body.contains("changed meanwhile"));
        assert!(browser.sign_in("/if/user/", "alice", "another password").await.body.contains("My applications"));
    }

    /// Whoever is disabled between the steps stays out.
    async fn disabling_counts_between_the_steps(app) {
        let alice = app.user("alice", &[]).await;
        let secret = app.authenticator(&alice).await;
        let mut browser = app.browser();
        let page = browser.sign_in("/if/user/", "alice", PASSWORD).await;
        users::set_active(&app.app, &app.actor(), alice.id, false).await.unwrap();
        let page = give(&mut browser, &page, &app.code(&secret)).await;
        assert!(page.status == 401 && page.body.contains("disabled"));
    }

    /// What the form used up is used up for LDAP, too.
    async fn one_code_is_not_for_form_and_ldap(app) {
        let alice = app.user("alice", &[]).await;
        let secret = app.authenticator(&alice).await;
        let application: ApplicationId = app.application("netbox").await.application.id;
        let mut browser = app.browser();
        let page = browser.sign_in("/if/user/", "alice", PASSWORD).await;
        assert!(!asks_for_code(&give(&mut browser, &page, &app.code(&secret)).await));
        let attempt = BasicAttempt {
            who: Who::User(alice.id),
            password: format!("{PASSWORD};{}", app.code(&secret)).as_str().into(),
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            place: Place::Server,
            application,
            code_in_password: true,
            how: "LDAP",
        };
        assert!(basic::verify(&app.app, attempt).await.is_err());
    }
}
