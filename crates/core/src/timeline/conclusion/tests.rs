use super::*;
use crate::{
    clock::{Clock, from_millis},
    id::{ApplicationId, AttemptId, UserId},
    timeline::Details,
};

const BEGAN: i64 = 1_767_323_045_000;

fn attempt(method: AttemptMethod) -> Attempt {
    let clock = Clock::fixed(from_millis(BEGAN));
    Attempt {
        application: Some((ApplicationId::new(&clock), "NetBox".into())),
        user: Some((UserId::new(&clock), "alice".into())),
        ..Attempt::new(AttemptId::new(&clock), method)
    }
}

fn step(second: i64, kind: StepKind, ok: bool, text: &str, details: &[(&str, &str)]) -> Step {
    let details: Details = details.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Step { at: from_millis(BEGAN + second * 1000), seq: second, kind, ok, text: text.to_owned(), details }
}

fn good(second: i64, kind: StepKind) -> Step {
    step(second, kind, true, "", &[])
}

fn bad(kind: StepKind, text: &str, details: &[(&str, &str)]) -> Step {
    step(1, kind, false, text, details)
}

/// Ending and words, some seconds after the attempt began.
fn after(second: i64, method: AttemptMethod, steps: &[Step]) -> (Ending, String) {
    let concluded = conclude(&attempt(method), steps, from_millis(BEGAN + second * 1000));
    (concluded.ending, concluded.text)
}

#[track_caller]
fn says(steps: &[Step], second: i64, ending: Ending, words: &str) {
    let (found, text) = after(second, AttemptMethod::Oidc, steps);
    assert!(found == ending && text.contains(words), "{found:?} {text:?}, expected {ending:?} {words:?}");
}

fn tokens(second: i64, asks_userinfo: bool) -> Step {
    let details: &[_] = if asks_userinfo { &[(detail::ASKS_USERINFO, "yes")] } else { &[] };
    step(second, StepKind::Tokens, true, "", details)
}

#[test]
fn nothing_is_said_of_nothing() {
    assert_eq!(after(0, AttemptMethod::Oidc, &[]).0, Ending::Underway);
}

#[test]
fn a_person_takes_their_time_and_is_gone_after_an_hour() {
    let asked = [good(0, StepKind::Asked)];
    says(&asked, 3599, Ending::Underway, "Nobody has signed in yet");
    says(&asked, 3600, Ending::Left, "the sign-in page was left");
    let half = [good(0, StepKind::Asked), good(5, StepKind::Password)];
    says(&half, 60, Ending::Underway, "authenticator app is missing");
    says(&half, 4000, Ending::Left, "never the code of the authenticator app");
    let consent = [good(0, StepKind::SignedIn), good(5, StepKind::ConsentAsked)];
    says(&consent, 60, Ending::Underway, "alice was asked what NetBox may know");
    says(&consent, 4000, Ending::Left, "never answered");
    says(&[good(0, StepKind::SignedIn)], 1, Ending::Underway, "alice is signed in");
    says(&[good(0, StepKind::SignedIn)], 3600, Ending::Left, "did not go on to NetBox");
}

#[test]
fn a_code_that_is_not_exchanged_within_a_minute_is_lost() {
    let sent = [good(0, StepKind::Asked), good(10, StepKind::CodeSent)];
    says(&sent, 69, Ending::Underway, "not exchanged yet");
    says(&sent, 70, Ending::Failed, "NetBox never exchanged the code");
}

#[test]
fn tokens_by_way_of_the_browser_are_enough() {
    let sent = [good(0, StepKind::Asked), good(10, StepKind::TokensSent)];
    says(&sent, 11, Ending::Good, "alice signed in to NetBox.");
    says(&sent, 4000, Ending::Good, "alice signed in to NetBox.");
    let refused = step(12, StepKind::Tokens, false, "wrong secret", &[]);
    assert_eq!(after(600, AttemptMethod::Oidc, &[good(10, StepKind::TokensSent), refused]).0, Ending::Failed);
}

#[test]
fn tokens_without_userinfo_mean_refusal_only_where_userinfo_is_known_to_follow() {
    says(&[good(0, StepKind::CodeSent), tokens(1, false)], 600, Ending::Good, "alice signed in to NetBox.");
    let known = [good(0, StepKind::CodeSent), tokens(1, true)];
    says(&known, 60, Ending::Underway, "has not asked userinfo yet");
    says(&known, 61, Ending::Failed, "NetBox refused the ID token");
    let asked = [tokens(1, true), good(2, StepKind::Userinfo)];
    says(&asked, 600, Ending::Good, "alice signed in to NetBox.");
    let refreshed = [tokens(1, false), good(900, StepKind::Refreshed)];
    says(&refreshed, 1000, Ending::Good, "fetched new tokens");
}

#[test]
fn the_last_step_decides() {
    let second_try = [bad(StepKind::Password, "wrong password", &[]), good(9, StepKind::SignedIn)];
    says(&second_try[..1], 2, Ending::Failed, "alice could not sign in: wrong password.");
    says(&second_try, 10, Ending::Underway, "alice is signed in");
    assert_eq!(after(10, AttemptMethod::Page, &second_try), (Ending::Good, "alice signed in to Doorward.".into()));
}

#[test]
fn refusals_say_whose_matter_it_is() {
    let fails = |kind, text, details: &[_], words| says(&[bad(kind, text, details)], 2, Ending::Failed, words);
    fails(
        StepKind::Access,
        "alice is in none of the groups that the access rule names (netbox-users)",
        &[],
        "may not use NetBox",
    );
    fails(StepKind::Consent, "denied", &[], "did not allow NetBox");
    fails(StepKind::Replay, "a code", &[], "sent a code a second time");
    let twice = [bad(StepKind::Replay, "a code", &[]), bad(StepKind::Tokens, "the code was used before", &[])];
    says(&twice, 2, Ending::Failed, "sent a code a second time");
    fails(StepKind::Userinfo, "the token has expired", &[], "refused userinfo: the token has expired.");
    fails(StepKind::Refused, "login_required", &[], "The request of NetBox was refused: login_required.");
    let wrong = [(detail::REDIRECT_URI, "http://x/")];
    fails(
        StepKind::Refused,
        "the redirect URI is not registered",
        &wrong,
        "was refused: the redirect URI is not registered.",
    );
    let refused = conclude(&attempt(AttemptMethod::Oidc), &[bad(StepKind::Refused, "x", &wrong)], from_millis(BEGAN));
    assert!(refused.advice.contains("allow it on the application's page"));
    let basic = [(detail::ERROR, "invalid_client"), (detail::CLIENT_AUTHENTICATION, "client_secret_basic")];
    fails(
        StepKind::Tokens,
        "the client secret is wrong",
        &basic,
        "is wrong: the token request with client_secret_basic",
    );
    let none = [(detail::ERROR, "invalid_client"), (detail::CLIENT_AUTHENTICATION, "none")];
    fails(StepKind::Tokens, "no secret came", &none, "client ID is missing");
    let expired = [(detail::ERROR, "invalid_grant")];
    fails(
        StepKind::Tokens,
        "the code has expired",
        &expired,
        "asked for tokens and was refused: the code has expired.",
    );
    fails(StepKind::Refreshed, "revoked", &expired, "asked for new tokens and was refused: revoked.");
}

#[test]
fn binds_and_protected_hosts_end_with_one_step() {
    let bound = [good(0, StepKind::Bind)];
    assert_eq!(after(1, AttemptMethod::Ldap, &bound), (Ending::Good, "alice signed in to NetBox by LDAP.".into()));
    let (ending, text) = after(1, AttemptMethod::Ldap, &[bad(StepKind::Bind, "wrong password", &[])]);
    assert_eq!((ending, text.as_str()), (Ending::Failed, "alice could not sign in: wrong password."));
    let proxied = [good(0, StepKind::CodeSent), good(1, StepKind::ProxySession)];
    assert_eq!(after(600, AttemptMethod::Proxy, &proxied), (Ending::Good, "alice signed in to NetBox.".into()));
}

#[test]
fn unknown_people_and_applications_are_spoken_of_all_the_same() {
    let clock = Clock::fixed(from_millis(BEGAN));
    let nobody = Attempt::new(AttemptId::new(&clock), AttemptMethod::Oidc);
    let concluded = conclude(&nobody, &[bad(StepKind::Refused, "client_id is missing", &[])], clock.now());
    assert_eq!(concluded.text, "The request of an application was refused: client_id is missing.");
    let concluded = conclude(&nobody, &[bad(StepKind::Password, "unknown user", &[])], clock.now());
    assert_eq!(concluded.text, "Somebody could not sign in: unknown user.");
}

/// Nothing that steps can hold makes it fail, and there is always something to read.
#[test]
fn every_step_has_a_conclusion_for_every_way_and_time() {
    for method in AttemptMethod::ALL {
        for kind in StepKind::ALL {
            for ok in [true, false] {
                for second in [0, 30, 90, 10_000] {
                    let (_, text) = after(second, *method, &[step(0, *kind, ok, "x", &[])]);
                    assert!(text.ends_with('.') && text.len() > 10, "{method:?} {kind:?} {ok} {second}: {text}");
                }
            }
        }
    }
}

#[test]
fn a_device_waits_for_the_person_and_then_fetches_its_tokens_by_itself() {
    let allowed = [good(0, StepKind::Asked), good(5, StepKind::ConsentAsked), good(9, StepKind::Consent)];
    let at = |second, steps: &[Step]| after(second, AttemptMethod::Device, steps);
    let (ending, text) = at(60, &allowed);
    assert!(ending == Ending::Underway && text.contains("has not fetched its tokens"), "{text}");
    let (ending, text) = at(69, &allowed);
    assert!(ending == Ending::Failed && text.contains("alice allowed the device, and it never fetched"), "{text}");
    let fetched = [&allowed[..], &[tokens(12, false)]].concat();
    assert_eq!(at(999, &fetched), (Ending::Good, "alice signed in to NetBox on a device.".to_owned()));
}
