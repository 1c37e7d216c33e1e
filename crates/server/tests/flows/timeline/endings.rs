//! Every kind of ending, as it reads in the record.

use super::{concludes, kinds};
use crate::{
    on_both,
    support::{CALLBACK, OAuthClient, PASSWORD, TestApp, ldap::LdapTest},
};
use doorward_core::{
    access_rule::AccessRule,
    application::{ConsentMode, RecipeUse},
    id::ApplicationId,
    timeline::{
        AttemptMethod, Ending,
        StepKind::{self, *},
        detail,
    },
};
use doorward_protocols::oauth::pkce;
use doorward_server::{auth::basic, directory::users, oidc::grant::authorization_code, timeline};
use jiff::SignedDuration;
use serde_json::Value;

/// An application that is NetBox.
async fn netbox(app: &TestApp) -> OAuthClient {
    let registered = app.application_with("a", |profile, _| {
        profile.name = "NetBox".into();
        profile.recipe =
            Some(RecipeUse { id: "netbox".into(), url: "https://netbox.example.org".into(), options: Value::Null });
    });
    app.client(&registered.await)
}

async fn bind(app: &TestApp, application: ApplicationId, password: &str) -> Result<basic::Basic, basic::SignInError> {
    let attempt = basic::BasicAttempt {
        who: basic::Who::Named("alice".into()),
        password: password.into(),
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        place: doorward_core::network::Place::Server,
        application,
        code_in_password: false,
        how: "LDAP",
    };
    basic::verify(&app.app, attempt).await
}

on_both! {
    /// From the request to userinfo, with a wrong password on the way: one record, one code.
    async fn a_sign_in_is_one_record(app) {
        app.user("alice", &[]).await;
        let client = netbox(&app).await;
        let mut browser = app.browser();
        let form = browser.get(&client.authorize(&[])).await;
        assert!(app.attempts().await.is_empty(), "nobody is known yet");
        app.clock.advance(SignedDuration::from_secs(7));
        let again = browser.submit(&form, "/sign-in", &[("username", "alice"), ("password", "wrong")]).await;
        let record = app.attempt_to("a").await;
        concludes(&record, Ending::Failed, "alice could not sign in: wrong password.");
        assert!(again.body.contains(&record.attempt.id.reference()));
        let back = browser.submit(&again, "/sign-in", &[("username", "alice"), ("password", PASSWORD)]).await;
        concludes(&app.attempt_to("a").await, Ending::Underway, "not exchanged yet");
        let tokens = client.exchange(&back.redirect_parameter("code").unwrap()).await;
        concludes(&app.attempt_to("a").await, Ending::Underway, "has not asked userinfo yet");
        for _ in 0..3 {
            assert_eq!(client.userinfo(&tokens.text("access_token")).await.status, 200);
        }
        let record = app.attempt_to("a").await;
        concludes(&record, Ending::Good, "alice signed in to NetBox.");
        assert_eq!(kinds(&record), [Asked, Password, SignedIn, Access, CodeSent, Tokens, Userinfo]);
        assert_eq!(record.steps[1].at.duration_since(record.steps[0].at).as_secs(), 7);
        let asked = &record.steps[0];
        assert_eq!((asked.detail("redirect_uri"), asked.detail("pkce")), (Some(CALLBACK), Some("none")));
        assert_eq!(record.steps[5].detail(detail::CLIENT_AUTHENTICATION), Some("client_secret_basic"));
        assert!(record.attempt.proven && record.attempt.user.as_ref().unwrap().1 == "alice");
        // The events of it carry its code.
        let reference = record.attempt.id.reference();
        let texts: Vec<_> = doorward_server::events::by_reference(&app.app, &reference).await.unwrap();
        assert_eq!(texts.len(), 3, "{texts:?}");
    }

    /// Scopes that are not given are no error, and nobody has to guess why a claim is missing.
    async fn scopes_that_were_left_out_are_named_with_what_to_change(app) {
        let client = netbox(&app).await;
        let mut browser = app.signed_in("admin").await;
        client.code(&mut browser, &[("scope", "openid roles email billing")]).await;
        let record = app.attempt_to("a").await;
        let sent = record.steps.last().unwrap();
        assert_eq!((sent.kind, sent.ok, sent.detail("scopes")), (CodeSent, true, Some("email openid")));
        let left_out = sent.detail("scopes_left_out").unwrap();
        let expected = ["billing, roles: no claim mapping of NetBox has these scopes", "doorward app edit a --add-mapping"];
        assert!(expected.iter().all(|words| left_out.contains(words)), "{left_out}");
    }

    async fn where_all_scopes_are_given_nothing_is_said(app) {
        let client = netbox(&app).await;
        let mut browser = app.signed_in("admin").await;
        client.code(&mut browser, &[("scope", "")]).await;
        assert_eq!(app.attempt_to("a").await.steps.last().unwrap().detail("scopes_left_out"), None);
        let again = app.application_with("b", |_, provider| {
            provider.grant_types.insert(doorward_core::grant_type::GrantType::Implicit);
        });
        let client = app.client(&again.await);
        let asked = [("response_type", "id_token"), ("scope", "openid offline_access")];
        browser.get(&client.authorize(&asked)).await;
        let record = app.attempt_to("b").await;
        let left_out = record.steps.last().unwrap().detail("scopes_left_out").unwrap().to_owned();
        assert!(left_out.starts_with("offline_access: given with a code only"), "{left_out}");
    }

    /// Whoever is signed in already sees no page, and has a record all the same.
    async fn a_session_is_a_step(app) {
        let client = netbox(&app).await;
        let mut browser = app.signed_in("admin").await;
        app.clock.advance(SignedDuration::from_secs(60));
        client.code(&mut browser, &[]).await;
        let record = app.attempt_to("a").await;
        assert_eq!(kinds(&record), [Asked, Session, Access, CodeSent]);
        app.clock.advance(SignedDuration::from_secs(60));
        concludes(&app.attempt_to("a").await, Ending::Failed, "NetBox never exchanged the code");
    }

    async fn tokens_without_userinfo_are_told_after_a_minute(app) {
        let client = netbox(&app).await;
        let mut browser = app.signed_in("admin").await;
        let code = client.code(&mut browser, &[]).await;
        assert_eq!(client.exchange(&code).await.status, 200);
        app.clock.advance(SignedDuration::from_secs(59));
        concludes(&app.attempt_to("a").await, Ending::Underway, "has not asked userinfo yet");
        app.clock.advance(SignedDuration::from_secs(1));
        let record = app.attempt_to("a").await;
        concludes(&record, Ending::Failed, "NetBox refused the ID token");
        assert!(record.conclusion.advice.contains("clock"));
    }

    /// Of applications that need not ask, nothing is concluded.
    async fn others_need_not_ask_userinfo(app) {
        let client = app.client(&app.application("a").await);
        let mut browser = app.signed_in("admin").await;
        let code = client.code(&mut browser, &[]).await;
        client.exchange(&code).await;
        app.clock.advance(SignedDuration::from_mins(10));
        concludes(&app.attempt_to("a").await, Ending::Good, "admin signed in to App a.");
    }

    async fn no_access_names_the_groups(app) {
        let staff = app.group("netbox-users", &[]).await;
        app.user("alice", &[]).await;
        let registered = app.application_with("a", |profile, _| {
            profile.access = AccessRule::Only { groups: [staff.id].into(), users: [].into() };
        }).await;
        let mut browser = app.signed_in("alice").await;
        let page = browser.get(&app.client(&registered).authorize(&[])).await;
        let record = app.attempt_to("a").await;
        concludes(&record, Ending::Failed, "alice is in none of the groups that the access rule names (netbox-users)");
        assert!(page.body.contains(&record.attempt.id.reference()));
        assert_eq!(kinds(&record), [Asked, Access]);
    }

    async fn consent_is_asked_given_and_denied(app) {
        let registered = app.application_with("a", |profile, _| profile.consent = ConsentMode::Always).await;
        let client = app.client(&registered);
        let mut browser = app.signed_in("admin").await;
        app.clock.advance(SignedDuration::from_secs(1));
        let page = browser.get(&client.authorize(&[])).await;
        concludes(&app.attempt_to("a").await, Ending::Underway, "has not answered yet");
        let back = browser.submit(&page, "/consent", &[("decision", "deny")]).await;
        let record = app.attempt_to("a").await;
        concludes(&record, Ending::Failed, "admin did not allow App a");
        assert_eq!(kinds(&record), [Asked, ConsentAsked, Consent]);
        assert!(back.redirect_parameter("error_description").unwrap().contains(&record.attempt.id.reference()));
        let back = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        assert!(back.redirect_parameter("code").is_some());
        assert_eq!(kinds(&app.attempt_to("a").await)[3..], [Consent, Session, Access, CodeSent]);
    }

    /// The code that came with it leads to the attempt, although the client is not who it says.
    async fn a_wrong_secret_is_told(app) {
        let client = netbox(&app).await;
        let mut browser = app.signed_in("admin").await;
        let code = client.code(&mut browser, &[]).await;
        let wrong = OAuthClient { secret: "wrong-secret".into(), ..client.clone() };
        let answer = wrong.exchange(&code).await;
        assert_eq!((answer.status, answer.error()), (401, "invalid_client"));
        let record = app.attempt_to("a").await;
        concludes(&record, Ending::Failed, "wrong: the token request with client_secret_basic was refused");
        assert!(answer.text("error_description").contains(&record.attempt.id.reference()));
        // Put right, the same code is still good.
        assert_eq!(client.exchange(&code).await.status, 200);
        concludes(&app.attempt_to("a").await, Ending::Underway, "has its tokens");
        // Without a code it is a record of its own.
        wrong.token(&[("grant_type", "authorization_code")]).await;
        let alone = app.attempts().await.into_iter().find(|record| kinds(record) == [Tokens]).unwrap();
        concludes(&alone, Ending::Failed, "client_secret_basic");
    }

    async fn codes_that_are_refused_are_told(app) {
        let client = netbox(&app).await;
        let mut browser = app.signed_in("admin").await;
        let challenge = pkce::s256(&"v".repeat(43));
        let with_pkce = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
        let verifier = "w".repeat(43);
        for (asked, sent, advance, words) in [
            (&[][..], vec![("redirect_uri", "https://netbox.example.org/other/")], 0, "expected redirect_uri"),
            (&with_pkce[..], vec![("redirect_uri", CALLBACK), ("code_verifier", verifier.as_str())], 0, "code_verifier does not match"),
            (&[][..], vec![("redirect_uri", CALLBACK)], 3600, "the code expired at"),
        ] {
            app.clock.advance(SignedDuration::from_secs(1));
            let code = client.code(&mut browser, asked).await;
            app.clock.advance(SignedDuration::from_secs(advance));
            let fields = [sent, vec![("grant_type", "authorization_code"), ("code", code.as_str())]].concat();
            let answer = client.token(&fields).await;
            assert_eq!(answer.error(), "invalid_grant");
            let record = app.attempts().await.swap_remove(0);
            concludes(&record, Ending::Failed, words);
            assert_eq!(record.steps.last().unwrap().detail(detail::ERROR), Some("invalid_grant"));
            assert!(answer.text("error_description").contains(&record.attempt.id.reference()));
        }
    }

    async fn a_replay_is_told(app) {
        let client = netbox(&app).await;
        let mut browser = app.signed_in("admin").await;
        app.clock.advance(SignedDuration::from_secs(1));
        let code = client.code(&mut browser, &[]).await;
        assert_eq!(client.exchange(&code).await.status, 200);
        assert_eq!(client.exchange(&code).await.status, 400);
        let record = app.attempt_to("a").await;
        concludes(&record, Ending::Failed, "NetBox sent a code a second time");
        assert_eq!(kinds(&record)[4..], [Tokens, Replay, Tokens]);
        // From where the thief came is what one wants to know.
        let events = app.app.db.read(|tx| Box::pin(doorward_store::event::newest(tx, 20))).await.unwrap();
        let replay = events.iter().find(|event| event.kind == "replay").unwrap();
        assert_eq!(replay.address, "127.0.0.1");
    }

    async fn a_disabled_user_is_told(app) {
        let alice = app.user("alice", &[]).await;
        let client = netbox(&app).await;
        let mut browser = app.browser();
        let form = browser.get(&client.authorize(&[])).await;
        users::set_active(&app.app, &app.actor(), alice.id, false).await.unwrap();
        browser.submit(&form, "/sign-in", &[("username", "alice"), ("password", PASSWORD)]).await;
        concludes(&app.attempt_to("a").await, Ending::Failed, "alice could not sign in: the account is disabled.");
    }

    async fn an_authenticator_app_adds_steps(app) {
        let alice = app.user("alice", &[]).await;
        let secret = app.authenticator(&alice).await;
        let client = netbox(&app).await;
        let mut browser = app.browser();
        let page = browser.sign_in(&client.authorize(&[]), "alice", PASSWORD).await;
        concludes(&app.attempt_to("a").await, Ending::Underway, "the code of the authenticator app is missing");
        let step = page.hidden("step");
        let page = browser.submit(&page, "/sign-in/code", &[("step", step.as_str()), ("code", "000000")]).await;
        concludes(&app.attempt_to("a").await, Ending::Failed, "wrong or used code");
        let (step, code) = (page.hidden("step"), app.code(&secret));
        browser.submit(&page, "/sign-in/code", &[("step", step.as_str()), ("code", code.as_str())]).await;
        let record = app.attempt_to("a").await;
        assert_eq!(kinds(&record)[..4], [Asked, Password, AuthenticatorCode, SignedIn]);
        assert_eq!(record.steps[3].detail("by"), Some("pwd, otp, mfa"));
    }

    /// To Doorward's own pages, too; and requests that nobody can answer have a record without application.
    async fn pages_and_requests_of_nobody_are_attempts(app) {
        app.signed_in("admin").await;
        let record = app.attempts().await.swap_remove(0);
        assert_eq!((record.attempt.method, kinds(&record)), (AttemptMethod::Page, vec![Asked, SignedIn]));
        concludes(&record, Ending::Good, "admin signed in to Doorward.");
        app.clock.advance(SignedDuration::from_secs(1));
        let page = app.browser().get("/application/o/authorize/?client_id=unknown").await;
        let record = app.attempts().await.swap_remove(0);
        concludes(&record, Ending::Failed, "no application has the client ID");
        assert!(page.body.contains(&record.attempt.id.reference()) && record.attempt.application.is_none());
    }

    async fn refreshing_is_noted_once_an_hour(app) {
        let client = netbox(&app).await;
        let mut browser = app.signed_in("admin").await;
        let code = client.code(&mut browser, &[("scope", "openid offline_access")]).await;
        let mut tokens = client.exchange(&code).await;
        for _ in 0..3 {
            tokens = client.refresh(&tokens.text("refresh_token")).await;
        }
        let record = app.attempt_to("a").await;
        concludes(&record, Ending::Good, "fetched new tokens");
        assert_eq!(kinds(&record).iter().filter(|kind| **kind == StepKind::Refreshed).count(), 1);
    }

    /// A browser without its cookie, and one that comes back late.
    async fn a_sign_in_that_is_lost_on_the_way_is_told(app) {
        let client = netbox(&app).await;
        let mut browser = app.browser();
        let form = browser.get(&client.authorize(&[])).await;
        let target = format!("/sign-in?request={}", form.hidden("request"));
        let page = app.browser().get(&target).await;
        let record = app.attempt_to("a").await;
        concludes(&record, Ending::Failed, "begun in another browser, or cookies are blocked.");
        assert!(page.status == 400 && page.body.contains(&record.attempt.id.reference()));
        app.clock.advance(SignedDuration::from_mins(61));
        browser.get(&target).await;
        concludes(&app.attempt_to("a").await, Ending::Failed, "begun more than an hour ago.");
        // What is damaged is nobody's, and leaves nothing.
        browser.get("/sign-in?request=damaged").await;
        assert_eq!(app.attempts().await.len(), 1);
    }

    /// Forward auth exchanges its code within Doorward, and its session ends the record.
    async fn a_session_at_a_protected_host_ends_the_record(app) {
        let client = netbox(&app).await;
        let mut browser = app.signed_in("admin").await;
        let verifier = "v".repeat(43);
        let challenge = [("code_challenge", &*pkce::s256(&verifier)), ("code_challenge_method", "S256")];
        let code = client.code(&mut browser, &challenge).await;
        let registered = app.app.snapshot().by_slug("a").unwrap().clone();
        let granted = authorization_code::redeem(&app.app, &registered, &code, CALLBACK, &verifier).await.unwrap();
        timeline::note_proxy_session(&app.app, &registered, &granted.grant, "wiki.example.org");
        app.clock.advance(SignedDuration::from_mins(10));
        let record = app.attempt_to("a").await;
        concludes(&record, Ending::Good, "admin signed in to NetBox.");
        assert_eq!((record.attempt.method, kinds(&record).pop()), (AttemptMethod::Proxy, Some(ProxySession)));
    }

    /// A bind is an attempt by itself: failures all, successes once an hour.
    async fn binds_are_attempts(app) {
        app.user("alice", &[]).await;
        let application = app.application("a").await.application.id;
        let error = bind(&app, application, "wrong").await.unwrap_err();
        let record = app.attempt_to("a").await;
        concludes(&record, Ending::Failed, "alice could not sign in: wrong password.");
        assert_eq!(Some(record.attempt.id.reference().as_str()), error.reference());
        assert_eq!((record.attempt.method, kinds(&record)), (AttemptMethod::Ldap, vec![Bind]));
        for _ in 0..3 {
            app.clock.advance(SignedDuration::from_secs(1));
            bind(&app, application, PASSWORD).await.unwrap();
        }
        let all = app.attempts().await;
        assert_eq!(all.len(), 2);
        concludes(&all[0], Ending::Good, "alice signed in to App a by LDAP.");
    }

    /// What is refused before anybody is looked at.
    async fn binds_that_cannot_be_read_are_attempts(app) {
        let ldap = LdapTest::new(&app).await;
        let mut connection = ldap.connect().await;
        let answer = connection.simple_bind("cn=nobody,dc=elsewhere", "x").await.unwrap();
        let record = app.attempts().await.swap_remove(0);
        concludes(&record, Ending::Failed, "cn=nobody,dc=elsewhere");
        assert!(answer.text.contains(&record.attempt.id.reference()), "{}", answer.text);
    }
}
