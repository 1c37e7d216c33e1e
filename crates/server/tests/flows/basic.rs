//! Signing in with a name and a password alone, as LDAP binds do: throttled as the form, warm without a way around the
//! throttle, app passwords, codes behind the password.

use crate::{
    on_both,
    support::{PASSWORD, TestApp},
};
use doorward_core::{
    access_rule::AccessRule,
    id::{ApplicationId, LdapProviderId},
    ldap_provider::{LdapProfile, LdapProvider},
    network::Place,
    user::{User, UserProfile, UserType},
};
use doorward_server::{
    auth::{
        basic::{self, Basic, BasicAttempt, By, SignInError, Who},
        throttle::{PER_ACCOUNT, PER_ADDRESS},
    },
    directory::{
        app_passwords::{self, NewAppPassword},
        authenticators, users,
    },
};
use doorward_store as store;
use futures::future::join_all;
use jiff::SignedDuration;
use std::net::{IpAddr, Ipv4Addr};

/// An application and how it is signed in to.
struct Client<'a> {
    app: &'a TestApp,
    application: ApplicationId,
    code_in_password: bool,
    address: IpAddr,
}

impl<'a> Client<'a> {
    async fn new(app: &'a TestApp, slug: &str) -> Self {
        let application = app.application(slug).await.application.id;
        Self { app, application, code_in_password: true, address: Ipv4Addr::LOCALHOST.into() }
    }

    fn attempt(&self, who: Who, password: &str) -> BasicAttempt {
        BasicAttempt {
            who,
            password: password.into(),
            address: self.address,
            place: Place::Server,
            application: self.application,
            code_in_password: self.code_in_password,
            how: "LDAP",
        }
    }

    async fn bind(&self, username: &str, password: &str) -> Result<Basic, SignInError> {
        basic::verify(&self.app.app, self.attempt(Who::Named(username.to_owned()), password)).await
    }

    async fn bind_user(&self, user: &User, password: &str) -> Result<Basic, SignInError> {
        basic::verify(&self.app.app, self.attempt(Who::User(user.id), password)).await
    }
}

fn is_wrong(result: &Result<Basic, SignInError>) -> bool {
    matches!(result, Err(SignInError::Wrong { .. }))
}

fn is_throttled(result: &Result<Basic, SignInError>) -> bool {
    matches!(result, Err(SignInError::Throttled { .. }))
}

on_both! {
    /// A name in any case, a verified address, or a user already found; and one entry in the log an hour.
    async fn names_addresses_and_users_are_let_in(app) {
        let alice = app.user("alice", &[]).await;
        let client = Client::new(&app, "netbox").await;
        for name in ["alice", " ALICE ", "Alice@Example.org"] {
            let basic = client.bind(name, PASSWORD).await.unwrap();
            assert_eq!((basic.user.id, basic.by), (alice.id, By::Password));
        }
        assert_eq!(client.bind_user(&alice, PASSWORD).await.unwrap().user.id, alice.id);
        let text = "alice signed in to App netbox by LDAP";
        let count = async || app.texts().await.iter().filter(|found| *found == text).count();
        assert_eq!(count().await, 1);
        app.clock.advance(SignedDuration::from_mins(59));
        client.bind("alice", PASSWORD).await.unwrap();
        assert_eq!(count().await, 1);
        app.clock.advance(SignedDuration::from_mins(1));
        client.bind("alice", PASSWORD).await.unwrap();
        assert_eq!(count().await, 2);
        let elsewhere = Client { address: "198.51.100.7".parse().unwrap(), ..Client::new(&app, "other").await };
        elsewhere.bind("alice", PASSWORD).await.unwrap();
        assert!(app.texts().await.contains(&"alice signed in to App other by LDAP".to_owned()));
    }

    /// Unknown name, unknown user, no password, wrong password, machine with a password: the same answer.
    async fn failures_are_not_told_apart(app) {
        let alice = app.user("alice", &[]).await;
        let gone = app.user("gone", &[]).await;
        users::delete(&app.app, &app.actor(), gone.id).await.unwrap();
        app.robot().await;
        let client = Client::new(&app, "netbox").await;
        let results = [
            client.bind("alice", "wrong").await, client.bind("nobody", "wrong").await, client.bind("robot", PASSWORD).await,
            client.bind("alice", "").await, client.bind("alice", &"x".repeat(2000)).await,
            client.bind_user(&gone, PASSWORD).await, client.bind_user(&alice, &"a".repeat(40)).await,
        ];
        assert!(results.iter().all(is_wrong));
    }

    /// Every refusal does the work of one slow hash, whatever the reason; what is warm does none.
    async fn refusals_cost_the_same(app) {
        let (alice, robot) = (app.user("alice", &[]).await, app.robot().await);
        app.user("bob", &[]).await;
        let secret = app.authenticator(&alice).await;
        let client = Client::new(&app, "netbox").await;
        let (_, elsewhere) = app.app_password(&robot, Some(Client::new(&app, "other").await.application)).await;
        let code = app.code(&secret);
        let cost = async |name: &str, password: &str| {
            let before = app.app.hasher.runs();
            let is_in = client.bind(name, password).await.is_ok();
            (is_in, app.app.hasher.runs() - before)
        };
        for (name, password) in [
            ("bob", "wrong"), ("nobody", "wrong"), ("robot", "wrong"), ("robot", PASSWORD), ("robot", elsewhere.expose()),
            ("alice", PASSWORD), ("alice", "wrong;123456"), ("alice", &format!("{PASSWORD};12345")),
        ] {
            assert_eq!(cost(name, password).await, (false, 1), "{name} {password}");
        }
        assert_eq!(cost("bob", PASSWORD).await, (true, 1));
        assert_eq!(cost("bob", PASSWORD).await, (true, 0));
        assert_eq!(cost("alice", &format!("{PASSWORD};{code}")).await, (true, 1));
        // Warm by now, but a wrong or used code is not refused any quicker than a wrong password.
        assert_eq!(cost("alice", &format!("{PASSWORD};{code}")).await, (false, 1));
        app.clock.advance(SignedDuration::from_secs(30));
        assert_eq!(cost("alice", &format!("{PASSWORD};{}", app.code(&secret))).await, (true, 0));
    }

    /// The form and LDAP count together, and a warm password is not let through when a limit is reached.
    async fn the_throttle_is_the_forms(app) {
        app.user("alice", &[]).await;
        let client = Client::new(&app, "netbox").await;
        client.bind("alice", PASSWORD).await.unwrap();
        for attempt in 0..PER_ACCOUNT {
            if attempt % 2 == 0 {
                assert_eq!(app.browser().sign_in("/if/user/", "alice", "wrong").await.status, 401);
            } else {
                assert!(is_wrong(&client.bind("alice@example.org", "wrong").await));
            }
        }
        assert!(is_throttled(&client.bind("alice", PASSWORD).await));
        assert_eq!(app.browser().sign_in("/if/user/", "alice", PASSWORD).await.status, 429);
        app.clock.advance(SignedDuration::from_secs(300));
        client.bind("alice", PASSWORD).await.unwrap();
    }

    /// A limit that is reached stops warm passwords, too: nothing can be tried around it. App passwords cannot be guessed,
    /// and nobody shuts out a service account by typing its name.
    async fn warm_passwords_respect_the_limits(app) {
        let alice = app.user("alice", &[]).await;
        let (_, secret) = app.app_password(&alice, None).await;
        let client = Client::new(&app, "netbox").await;
        client.bind("alice", PASSWORD).await.unwrap();
        for _ in 0..PER_ACCOUNT {
            assert!(is_wrong(&client.bind("alice", "wrong").await));
        }
        assert!(is_throttled(&client.bind("alice", PASSWORD).await));
        client.bind("alice", secret.expose()).await.unwrap();
        let elsewhere = Client { address: "198.51.100.7".parse().unwrap(), ..client };
        elsewhere.bind("alice", PASSWORD).await.unwrap();
        elsewhere.bind("alice", secret.expose()).await.unwrap();
    }

    /// Two hundred guesses at once against a warm account: ten are looked at, the rest are turned away, and what was warm
    /// is forgotten.
    async fn a_storm_of_guesses_does_not_pass_by_the_warm_way(app) {
        let alice = app.user("alice", &[]).await;
        let client = Client::new(&app, "netbox").await;
        client.bind("alice", PASSWORD).await.unwrap();
        let hash = app.hash_of(&alice).await;
        assert!(app.app.warm.matches(alice.id, &hash, &PASSWORD.into(), app.clock.now()));
        let before = app.app.hasher.runs();
        let guesses: Vec<String> = (0..200).map(|number| format!("guess{number}")).collect();
        let results = join_all(guesses.iter().map(|guess| client.bind("alice", guess))).await;
        assert_eq!(results.iter().filter(|result| is_wrong(result)).count(), usize::try_from(PER_ACCOUNT).unwrap());
        assert_eq!(results.iter().filter(|result| is_throttled(result)).count(), 190);
        assert_eq!(app.app.hasher.runs() - before, PER_ACCOUNT.unsigned_abs());
        assert!(!app.app.warm.matches(alice.id, &hash, &PASSWORD.into(), app.clock.now()));
        assert!(is_throttled(&client.bind("alice", PASSWORD).await));
    }

    /// A warm password moves no counter and makes no entry; a success by the slow way forgets the account's failures.
    async fn a_warm_password_writes_nothing(app) {
        app.user("alice", &[]).await;
        let client = Client::new(&app, "netbox").await;
        client.bind("alice", PASSWORD).await.unwrap();
        for _ in 0..2 {
            assert!(is_wrong(&client.bind("alice", "wrong").await));
        }
        let counters = || app.app.db.read(|tx| Box::pin(async move {
            tx.fetch_one::<i64>("SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) FROM throttles", &[]).await
        }));
        let (before, entries) = (counters().await.unwrap(), app.texts().await.len());
        for _ in 0..(PER_ADDRESS + PER_ACCOUNT) {
            client.bind("alice", PASSWORD).await.unwrap();
        }
        assert_eq!((counters().await.unwrap(), app.texts().await.len()), (before, entries));
    }

    /// A new password and a disabled account count at once, warm or not; also when another process changed them.
    async fn changes_count_at_once(app) {
        let alice = app.user("alice", &[]).await;
        let client = Client::new(&app, "netbox").await;
        let (_, secret) = app.app_password(&alice, None).await;
        client.bind("alice", PASSWORD).await.unwrap();
        let other = app.second_process().await;
        users::set_password(&other, &app.actor(), alice.id, "another password").await.unwrap();
        assert!(is_wrong(&client.bind("alice", PASSWORD).await));
        client.bind("alice", "another password").await.unwrap();
        app.authenticator(&alice).await;
        assert!(is_wrong(&client.bind("alice", "another password").await));
        authenticators::remove(&other, &app.actor(), alice.id).await.unwrap();
        client.bind("alice", "another password").await.unwrap();
        users::set_active(&other, &app.actor(), alice.id, false).await.unwrap();
        for password in ["another password", secret.expose()] {
            assert!(matches!(client.bind("alice", password).await, Err(SignInError::Disabled { .. })));
        }
        assert!(is_wrong(&client.bind("alice", "wrong").await));
        users::set_active(&other, &app.actor(), alice.id, true).await.unwrap();
        client.bind("alice", "another password").await.unwrap();
        let machine = UserProfile { user_type: UserType::ServiceAccount, ..alice.profile.clone() };
        users::update(&other, &app.actor(), alice.id, machine, None).await.unwrap();
        assert!(is_wrong(&client.bind("alice", "another password").await));
        client.bind("alice", secret.expose()).await.unwrap();
    }

    /// The access rule is looked at every time, after the right password only; whoever reads the directory for an
    /// application may always sign in to it.
    async fn the_access_rule_holds(app) {
        let parents = app.group("network", &[]).await;
        let staff = app.group("staff", &[&parents]).await;
        app.user("alice", &[&staff]).await;
        app.user("bob", &[]).await;
        let robot = app.robot().await;
        let (_, secret) = app.app_password(&robot, None).await;
        let rule = AccessRule::Only { groups: [parents.id].into(), users: [].into() };
        let application = app.application_with("netbox", |profile, _| profile.access = rule).await.application.id;
        let client = Client { application, ..Client::new(&app, "other").await };
        client.bind("alice", PASSWORD).await.unwrap();
        for _ in 0..2 {
            let refused = client.bind("bob", PASSWORD).await;
            assert!(matches!(refused, Err(SignInError::NotAllowed { .. })));
            let why = "bob signed in by LDAP but may not use the application: neither the user nor one of their groups";
            assert!(app.reason(&refused).await.starts_with(why));
        }
        assert!(is_wrong(&client.bind("bob", "wrong").await));
        assert!(matches!(client.bind("robot", secret.expose()).await, Err(SignInError::NotAllowed { .. })));
        let mut profile = LdapProfile::new("dc=example,dc=org");
        profile.searchers = [robot.id].into();
        let provider = LdapProvider { id: LdapProviderId::new(&app.clock), application, profile };
        app.app.change(move |tx| Box::pin(async move { store::ldap_provider::insert(tx, &provider, "dc=example,dc=org").await })).await.unwrap();
        client.bind("robot", secret.expose()).await.unwrap();
        let unknown = Client { application: ApplicationId::new(&app.clock), ..client };
        assert!(matches!(unknown.bind("alice", PASSWORD).await, Err(SignInError::NotAllowed { .. })));
    }

    /// App passwords: their owner's only, for their application only, until they end or are removed.
    async fn app_passwords_are_bound(app) {
        let (alice, bob, robot) = (app.user("alice", &[]).await, app.user("bob", &[]).await, app.robot().await);
        let (netbox, grafana) = (Client::new(&app, "netbox").await, Client::new(&app, "grafana").await);
        let (anywhere, everywhere) = app.app_password(&alice, None).await;
        let (_, only_netbox) = app.app_password(&alice, Some(netbox.application)).await;
        let (_, machine) = app.app_password(&robot, None).await;
        assert_eq!(grafana.bind("alice", everywhere.expose()).await.unwrap().by, By::AppPassword(anywhere.id));
        netbox.bind("alice", only_netbox.expose()).await.unwrap();
        netbox.bind("robot", machine.expose()).await.unwrap();
        assert!(app.texts().await.contains(&"robot signed in to App netbox by LDAP with the app password \"laptop\"".to_owned()));
        let elsewhere = grafana.bind("alice", only_netbox.expose()).await;
        assert!(is_wrong(&elsewhere) && app.reason(&elsewhere).await.contains("for another application"));
        assert!(is_wrong(&netbox.bind("bob", everywhere.expose()).await));
        assert!(is_wrong(&netbox.bind_user(&bob, machine.expose()).await));
        app_passwords::delete(&app.app, &app.actor(), alice.id, anywhere.id).await.unwrap();
        assert!(is_wrong(&grafana.bind("alice", everywhere.expose()).await));
        let end = app.clock.now().saturating_add(SignedDuration::from_secs(60)).unwrap();
        let new = NewAppPassword { user: robot.id, name: "short".into(), application: None, expires_at: Some(end) };
        let (_, short) = app_passwords::create(&app.app, &app.actor(), new).await.unwrap();
        netbox.bind("robot", short.expose()).await.unwrap();
        app.clock.advance(SignedDuration::from_secs(60));
        let expired = netbox.bind("robot", short.expose()).await;
        assert!(is_wrong(&expired) && app.reason(&expired).await.contains("expired"));
    }

    /// When an app password was used is known within an hour, at one write an hour.
    async fn the_use_of_an_app_password_is_written_once_an_hour(app) {
        let robot = app.robot().await;
        let (password, secret) = app.app_password(&robot, None).await;
        let client = Client::new(&app, "netbox").await;
        let used = async || {
            let all = app_passwords::of_user(&app.app, robot.id).await.unwrap();
            all.into_iter().find(|found| found.id == password.id).unwrap().last_used_at
        };
        let first = app.clock.now();
        for _ in 0..3 {
            client.bind("robot", secret.expose()).await.unwrap();
            assert_eq!(used().await, Some(first));
            app.clock.advance(SignedDuration::from_mins(25));
        }
        client.bind("robot", secret.expose()).await.unwrap();
        assert_eq!(used().await, Some(app.clock.now()));
    }

    /// Machines have no password in the form, not even their app password.
    async fn service_accounts_cannot_use_the_form(app) {
        let robot = app.robot().await;
        let (_, secret) = app.app_password(&robot, None).await;
        for password in [PASSWORD, secret.expose()] {
            assert_eq!(app.browser().sign_in("/if/user/", "robot", password).await.status, 401);
        }
        let alice = app.user("alice", &[]).await;
        let (_, secret) = app.app_password(&alice, None).await;
        assert_eq!(app.browser().sign_in("/if/user/", "alice", secret.expose()).await.status, 401);
    }

    /// Without an authenticator app a semicolon is a character like any other.
    async fn semicolons_belong_to_passwords(app) {
        let alice = app.user("alice", &[]).await;
        let client = Client::new(&app, "netbox").await;
        for password in ["semi;colon", "looks like;123456", ";;;;;;;;"] {
            users::set_password(&app.app, &app.actor(), alice.id, password).await.unwrap();
            client.bind("alice", password).await.unwrap();
            assert!(is_wrong(&client.bind("alice", &format!("{password};123456")).await));
        }
    }

    /// With an authenticator app: password and code, a password with semicolons too; never the password alone.
    async fn a_code_follows_the_password(app) {
        let alice = app.user("alice", &[]).await;
        users::set_password(&app.app, &app.actor(), alice.id, "pw;123456;x").await.unwrap();
        let secret = app.authenticator(&alice).await;
        let client = Client::new(&app, "netbox").await;
        let code = app.code(&secret);
        let alone = client.bind("alice", "pw;123456;x").await;
        assert!(is_wrong(&alone) && app.reason(&alone).await.contains("authenticator app"));
        let wrong = client.bind("alice", "pw;123456;x;000000").await;
        assert!(is_wrong(&wrong) && app.reason(&wrong).await.ends_with("wrong or used code"));
        assert!(is_wrong(&client.bind("alice", &format!("other;{code}")).await));
        // A wrong password with the right code does not use the code up.
        client.bind("alice", &format!("pw;123456;x;{code}")).await.unwrap();
        let replay = client.bind("alice", &format!("pw;123456;x;{code}")).await;
        assert!(is_wrong(&replay));
        // Warm by now: the code is asked for all the same.
        assert!(is_wrong(&client.bind("alice", "pw;123456;x").await));
        app.clock.advance(SignedDuration::from_secs(30));
        client.bind("alice", &format!("pw;123456;x;{}", app.code(&secret))).await.unwrap();
        let without = Client { code_in_password: false, ..client };
        app.clock.advance(SignedDuration::from_secs(30));
        let refused = without.bind("alice", &format!("pw;123456;x;{}", app.code(&secret))).await;
        assert!(is_wrong(&refused) && app.reason(&refused).await.contains("takes no codes"));
        let (_, app_password) = app.app_password(&alice, None).await;
        without.bind("alice", app_password.expose()).await.unwrap();
    }

    /// Wrong codes count, also behind a warm password, and a right password alone resets nothing.
    async fn codes_cannot_be_guessed(app) {
        let alice = app.user("alice", &[]).await;
        let secret = app.authenticator(&alice).await;
        let client = Client::new(&app, "netbox").await;
        client.bind("alice", &format!("{PASSWORD};{}", app.code(&secret))).await.unwrap();
        app.clock.advance(SignedDuration::from_secs(30));
        let right = app.code(&secret);
        let guesses: Vec<String> = (0..50).map(|number| format!("{PASSWORD};{number:06}")).filter(|guess| !guess.ends_with(&right)).collect();
        let results = join_all(guesses.iter().map(|guess| client.bind("alice", guess))).await;
        assert_eq!(results.iter().filter(|result| is_wrong(result)).count(), usize::try_from(PER_ACCOUNT).unwrap());
        assert!(is_throttled(&client.bind("alice", &format!("{PASSWORD};{right}")).await));
    }

    /// One code, many clients at once: one gets in.
    async fn a_code_is_good_once(app) {
        let alice = app.user("alice", &[]).await;
        let secret = app.authenticator(&alice).await;
        let clients: Vec<_> = join_all((0..5).map(|number| {
            let app = &app;
            async move {
                let mut client = Client::new(app, &format!("app{number}")).await;
                client.address = Ipv4Addr::new(198, 51, 100, number).into();
                client
            }
        })).await;
        let password = format!("{PASSWORD};{}", app.code(&secret));
        let results = join_all((0..50).map(|number| clients[number % 5].bind("alice", &password))).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    }
}
