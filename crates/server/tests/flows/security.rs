//! The pages about one's own account: password, authenticator app, app passwords.

use crate::{
    on_both,
    support::{Browser, PASSWORD, Page, TestApp},
};
use doorward_core::secret::Secret;
use doorward_server::{
    actor::Actor,
    auth::authenticator as apps,
    directory::{
        app_passwords::{self, NewAppPassword},
        authenticators,
    },
    error::OperationError,
};
use jiff::SignedDuration;

const SECURITY: &str = "/if/user/security/";
const AUTHENTICATOR: &str = "/if/user/security/authenticator/";
const CHANGE: &str = "/if/user/security/password/";

/// Sends a form of a page with its token.
async fn send(browser: &mut Browser, page: &Page, action: &str, fields: &[(&str, &str)]) -> Page {
    let csrf = page.hidden("csrf");
    let mut all = vec![("csrf", csrf.as_str())];
    all.extend_from_slice(fields);
    let page = browser.request("POST", action, Some(&all)).await;
    if page.location().is_empty() { page } else { browser.get(page.location()).await }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let start = text.find(before).unwrap_or_else(|| panic!("no {before} in {text}")) + before.len();
    &text[start..start + text[start..].find(after).unwrap()]
}

/// The secret that a page shows for typing.
fn shown_secret(page: &Page) -> Secret<Vec<u8>> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for character in between(&page.body, "id=\"secret\">", "<").bytes().filter(|byte| *byte != b' ') {
        bits = bits << 5 | u32::try_from(alphabet.iter().position(|known| *known == character).unwrap()).unwrap();
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    Secret::new(bytes)
}

/// A browser of somebody who set an app up by the pages, and its secret.
async fn with_app(app: &TestApp, username: &str) -> (Browser, Secret<Vec<u8>>) {
    let mut browser = app.signed_in(username).await;
    let page = browser.get(AUTHENTICATOR).await;
    let (secret, set_up) = (shown_secret(&page), page.hidden("set_up"));
    let fields = [("set_up", set_up.as_str()), ("code", &app.code(&secret)), ("current_password", PASSWORD)];
    let page = send(&mut browser, &page, AUTHENTICATOR, &fields).await;
    assert!(page.body.contains("The authenticator app is set up."), "{}", page.body);
    (browser, secret)
}

on_both! {
    /// Set up by its code and the password, asked for from then on, removed by password and code.
    async fn an_app_is_set_up_and_removed(app) {
        app.user("alice", &[]).await;
        let (mut browser, secret) = with_app(&app, "alice").await;
        assert!(browser.get(SECURITY).await.body.contains("Set up</strong> since 2026-01-02"));
        let page = app.browser().sign_in("/if/user/", "alice", PASSWORD).await;
        assert!(page.body.contains("id=\"code-form\""));
        let page = browser.get(AUTHENTICATOR).await;
        assert!(!page.body.contains("id=\"secret\""), "the secret is not shown again");
        let remove = format!("{AUTHENTICATOR}remove/");
        // The code that confirmed it is used up.
        let old = send(&mut browser, &page, &remove, &[("current_password", PASSWORD), ("code", &app.code(&secret))]).await;
        assert!(old.status == 422 && old.body.contains("used already"));
        app.clock.advance(SignedDuration::from_secs(30));
        for (password, code) in [("wrong", app.code(&secret)), (PASSWORD, "000000".to_owned()), (PASSWORD, String::new())] {
            let refused = send(&mut browser, &page, &remove, &[("current_password", password), ("code", &code)]).await;
            assert_eq!(refused.status, 422);
        }
        let done = send(&mut browser, &page, &remove, &[("current_password", PASSWORD), ("code", &app.code(&secret))]).await;
        assert!(done.body.contains("The authenticator app is removed."), "{}", done.body);
        assert!(app.signed_in("alice").await.get(SECURITY).await.body.contains("Not set up."));
        let texts = app.texts().await;
        assert!(texts.contains(&"alice set up the authenticator app of alice".to_owned()));
        assert!(texts.contains(&"alice removed the authenticator app of alice".to_owned()));
    }

    /// Nothing is kept until the right code and the right password came back in the same browser in time.
    async fn a_set_up_is_confirmed_or_nothing(app) {
        let alice = app.user("alice", &[]).await;
        app.user("bob", &[]).await;
        let mut browser = app.signed_in("alice").await;
        let page = browser.get(AUTHENTICATOR).await;
        let (secret, set_up) = (shown_secret(&page), page.hidden("set_up"));
        let code = app.code(&secret);
        for (set_up, code, password) in [
            (set_up.as_str(), "000000", PASSWORD), (&set_up, &code, "wrong"), (&set_up, "", PASSWORD), ("", &code, PASSWORD),
            ("nonsense", &code, PASSWORD),
        ] {
            let fields = [("set_up", set_up), ("code", code), ("current_password", password)];
            let refused = send(&mut browser, &page, AUTHENTICATOR, &fields).await;
            assert_eq!(refused.status, 422, "{}", refused.body);
        }
        // A refused form goes on with the same secret: it is in the phone already.
        let fields = [("set_up", set_up.as_str()), ("code", "000000"), ("current_password", PASSWORD)];
        let refused = send(&mut browser, &page, AUTHENTICATOR, &fields).await;
        assert_eq!(shown_secret(&refused).expose(), secret.expose());
        let mut bob = app.signed_in("bob").await;
        let own = bob.get(AUTHENTICATOR).await;
        let fields = [("set_up", set_up.as_str()), ("code", code.as_str()), ("current_password", PASSWORD)];
        assert_eq!(send(&mut bob, &own, AUTHENTICATOR, &fields).await.status, 422);
        app.clock.advance(SignedDuration::from_mins(30));
        let fields = [("set_up", set_up.as_str()), ("code", &app.code(&secret)), ("current_password", PASSWORD)];
        assert_eq!(send(&mut browser, &page, AUTHENTICATOR, &fields).await.status, 422);
        assert_eq!(authenticators::since(&app.app, alice.id).await.unwrap(), None);
    }

    /// A second app does not replace the first, not even when both are confirmed at once.
    async fn there_is_one_app(app) {
        let alice = app.user("alice", &[]).await;
        let visitor = app.visitor().await;
        let begun = [apps::begin(&app.app, &visitor, alice.id), apps::begin(&app.app, &visitor, alice.id)];
        let codes = [app.code(&begun[0].secret), app.code(&begun[1].secret)];
        let actor = app.actor();
        let (one, two) = tokio::join!(
            apps::confirm(&app.app, &actor, &alice, &begun[0], &codes[0]),
            apps::confirm(&app.app, &actor, &alice, &begun[1], &codes[1]),
        );
        assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1);
    }

    /// The secret is not in the database as it is, and does not work in another row.
    async fn secrets_are_sealed_to_their_row(app) {
        let (alice, bob) = (app.user("alice", &[]).await, app.user("bob", &[]).await);
        let secret = app.authenticator(&alice).await;
        let plain = secret.expose().clone();
        let in_plain = app.app.db.read(move |tx| Box::pin(async move {
            tx.fetch_one::<i64>("SELECT COUNT(*) FROM authenticators WHERE secret = $1", doorward_store::values![plain]).await
        }));
        assert_eq!(in_plain.await.unwrap(), 0);
        let id = bob.id.to_string();
        app.app.db.write(move |tx| Box::pin(async move {
            tx.execute("UPDATE authenticators SET user_id = $1", doorward_store::values![id]).await
        })).await.unwrap();
        assert!(authenticators::since(&app.app, bob.id).await.is_err());
        // A row that cannot be read keeps everybody out rather than let the password alone do.
        let page = app.browser().sign_in("/if/user/", "bob", PASSWORD).await;
        assert!(page.status >= 500 && !page.body.contains("My applications"));
    }

    /// An app password is shown once, listed without its secret, and removed by its owner only.
    async fn app_passwords_are_made_and_removed(app) {
        let alice = app.user("alice", &[]).await;
        app.user("mallory", &[]).await;
        let mut browser = app.signed_in("alice").await;
        let page = browser.get(SECURITY).await;
        let add = format!("{SECURITY}app-passwords/add/");
        let own = ("current_password", PASSWORD);
        for fields in [
            [("purpose", " "), ("application", ""), ("expires", "")], [("purpose", "mail"), ("application", "nothing"), ("expires", "")],
            [("purpose", "mail"), ("application", ""), ("expires", "soon")], [("purpose", "mail"), ("application", ""), ("expires", "0d")],
        ] {
            let fields = [fields[0], fields[1], fields[2], own];
            assert_eq!(send(&mut browser, &page, &add, &fields).await.status, 422, "{fields:?}");
        }
        let made = send(&mut browser, &page, &add, &[("purpose", "mail <laptop>"), ("application", ""), ("expires", "30d"), own]).await;
        let secret = between(&made.body, "id=\"new-secret\">", "<").to_owned();
        assert_eq!(secret.len(), 40);
        let page = browser.get(SECURITY).await;
        assert!(page.text().contains("mail <laptop>") && !page.body.contains(&secret));
        let kept = app_passwords::of_user(&app.app, alice.id).await.unwrap().pop().unwrap();
        assert_eq!(kept.expires_at, Some(app.clock.now().saturating_add(SignedDuration::from_hours(30 * 24)).unwrap()));
        let delete = format!("{SECURITY}app-passwords/{}/delete/", kept.id);
        let mut mallory = app.signed_in("mallory").await;
        let own = mallory.get(SECURITY).await;
        assert_eq!(send(&mut mallory, &own, &delete, &[]).await.status, 404);
        assert!(send(&mut browser, &page, &delete, &[]).await.body.contains("it is refused from now on"));
        assert_eq!(send(&mut browser, &page, &delete, &[]).await.status, 404);
        assert!(app_passwords::of_user(&app.app, alice.id).await.unwrap().is_empty());
    }

    /// A browser left alone or a stolen session gives no lasting secret: the password is asked for again, and the code.
    async fn an_app_password_needs_the_password_again(app) {
        let alice = app.user("alice", &[]).await;
        let mut browser = app.signed_in("alice").await;
        let page = browser.get(SECURITY).await;
        assert!(page.body.contains("id=\"current_password\"") && !page.body.contains("id=\"code\""));
        let add = format!("{SECURITY}app-passwords/add/");
        let purpose = ("purpose", "mail");
        for password in ["", "wrong"] {
            let refused = send(&mut browser, &page, &add, &[purpose, ("current_password", password)]).await;
            assert!(refused.status == 422 && refused.body.contains("not your password"), "{}", refused.body);
            assert!(refused.body.contains("value=\"mail\"") && !refused.body.contains("id=\"new-secret\""));
        }
        let secret = app.authenticator(&alice).await;
        assert!(browser.get(SECURITY).await.body.contains("id=\"code\""));
        let own = ("current_password", PASSWORD);
        for code in ["", "000000"] {
            assert_eq!(send(&mut browser, &page, &add, &[purpose, own, ("code", code)]).await.status, 422);
        }
        assert!(app_passwords::of_user(&app.app, alice.id).await.unwrap().is_empty());
        // What is wrong with the rest is said before the code is used up.
        let code = app.code(&secret);
        assert_eq!(send(&mut browser, &page, &add, &[("purpose", ""), own, ("code", &code)]).await.status, 422);
        let made = send(&mut browser, &page, &add, &[purpose, own, ("code", &code)]).await;
        assert!(made.body.contains("id=\"new-secret\""), "{}", made.body);
    }

    /// Whoever changes a password that leaked learns that app passwords are still good, and how many.
    async fn a_changed_password_names_the_app_passwords_that_remain(app) {
        let alice = app.user("alice", &[]).await;
        let mut browser = app.signed_in("alice").await;
        let mut change = async |old: &str, new: &str| {
            let page = browser.get(CHANGE).await;
            let fields = [("current_password", old), ("password", new), ("password_repeat", new)];
            send(&mut browser, &page, CHANGE, &fields).await.text()
        };
        let done = change(PASSWORD, "new password 1").await;
        assert!(done.contains("Your password is changed") && !done.contains("good"), "{done}");
        app.app_password(&alice, None).await;
        let end = app.clock.now().saturating_add(SignedDuration::from_mins(1)).unwrap();
        let new = NewAppPassword { user: alice.id, name: "short".into(), application: None, expires_at: Some(end) };
        app_passwords::create(&app.app, &app.actor(), new).await.unwrap();
        let done = change("new password 1", "new password 2").await;
        assert!(done.contains("2 app passwords remain good") && done.contains("under App passwords below"), "{done}");
        app.clock.advance(SignedDuration::from_mins(1));
        let done = change("new password 2", "new password 3").await;
        assert!(done.contains("1 app password remains good"), "{done}");
    }

    /// A new password needs the old one, keeps this browser signed in and ends every other session.
    async fn a_password_is_changed(app) {
        app.user("alice", &[]).await;
        let (mut browser, mut other) = (app.signed_in("alice").await, app.signed_in("alice").await);
        let page = browser.get(CHANGE).await;
        for (old, new, repeated) in [
            ("wrong", "new password 1", "new password 1"), (PASSWORD, "new password 1", "new password 2"), (PASSWORD, "short", "short"),
        ] {
            let fields = [("current_password", old), ("password", new), ("password_repeat", repeated)];
            assert_eq!(send(&mut browser, &page, CHANGE, &fields).await.status, 422);
        }
        let fields = [("current_password", PASSWORD), ("password", "new password 1"), ("password_repeat", "new password 1")];
        let done = send(&mut browser, &page, CHANGE, &fields).await;
        assert!(done.body.contains("Your password is changed"), "{}", done.body);
        assert!(other.get("/if/user/").await.body.contains("id=\"sign-in\""));
        assert_eq!(app.browser().sign_in("/if/user/", "alice", PASSWORD).await.status, 401);
        assert_eq!(app.browser().sign_in("/if/user/", "alice", "new password 1").await.status, 200);
    }

    /// With an app the password is changed only with a code.
    async fn a_password_is_changed_with_a_code(app) {
        app.user("alice", &[]).await;
        let (mut browser, secret) = with_app(&app, "alice").await;
        app.clock.advance(SignedDuration::from_secs(30));
        let page = browser.get(CHANGE).await;
        let new = [("current_password", PASSWORD), ("password", "new password 1"), ("password_repeat", "new password 1")];
        assert_eq!(send(&mut browser, &page, CHANGE, &new).await.status, 422);
        let code = app.code(&secret);
        let with_code = [new[0], new[1], new[2], ("code", code.as_str())];
        assert!(send(&mut browser, &page, CHANGE, &with_code).await.body.contains("Your password is changed"));
    }

    /// Guessing the password from an open browser is counted like guessing it at the door.
    async fn guessing_from_inside_is_throttled(app) {
        app.user("alice", &[]).await;
        let mut browser = app.signed_in("alice").await;
        let page = browser.get(CHANGE).await;
        let guess = [("current_password", "wrong"), ("password", "new password 1"), ("password_repeat", "new password 1")];
        for _ in 0..10 {
            assert!(send(&mut browser, &page, CHANGE, &guess).await.body.contains("not your password"));
        }
        let right = [("current_password", PASSWORD), guess[1], guess[2]];
        assert!(send(&mut browser, &page, CHANGE, &right).await.body.contains("Too many attempts"));
    }

    /// Helpers below the rank of administrator cannot take an administrator's app away.
    async fn only_administrators_touch_administrators(app) {
        let admin = doorward_server::directory::users::find_by_username(&app.app, "admin").await.unwrap();
        app.authenticator(&admin).await;
        let helper = Actor { user: None, name: "helper".into(), address: String::new(), is_superuser: false };
        let refused = authenticators::remove(&app.app, &helper, admin.id).await;
        assert!(matches!(refused, Err(OperationError::Denied(_))));
        authenticators::remove(&app.app, &app.actor(), admin.id).await.unwrap();
        assert!(matches!(authenticators::remove(&app.app, &app.actor(), admin.id).await, Err(OperationError::NotFound { .. })));
    }
}
