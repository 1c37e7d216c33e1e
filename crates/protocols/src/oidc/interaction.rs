//! Whether an authorization request can be answered at once, or what the person must do first
//! (OpenID Connect Core 1.0, section 3.1.2.3).

use doorward_core::application::ConsentMode;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

use crate::oauth::{authorize::AuthorizeRequest, error::ErrorCode};

/// What is known when the decision is made.
#[derive(Debug, Clone)]
pub struct Situation<'a> {
    /// When the signed-in person showed who they are; `None` if nobody is signed in.
    pub authenticated_at: Option<Timestamp>,
    /// Whether the person is the one of `id_token_hint`, and of a `sub` in `claims`; `None` without either.
    pub is_hinted: Option<bool>,
    /// When the request came first, if the person was sent away to sign in or to consent; `None` the first time.
    pub started_at: Option<Timestamp>,
    /// When the application asks for consent.
    pub consent_mode: ConsentMode,
    /// What was consented to before.
    pub consented: Option<&'a Consented>,
    /// Claims asked for by name that neither the scopes of this request nor those consented to before bring.
    pub claims: &'a BTreeSet<String>,
    /// What the person said to this very request.
    pub said: Said,
    /// Now.
    pub now: Timestamp,
}

/// A consent that was remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consented {
    /// Scopes.
    pub scopes: BTreeSet<String>,
    /// Claims that were asked for by name.
    pub claims: BTreeSet<String>,
}

/// What the person signed in said to a request when they were asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Said {
    /// Nothing yet.
    #[default]
    Nothing,
    /// That they want to go on as who they are.
    GoOn,
    /// That the application may know what it asked for; so they want to go on, too.
    Allow,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Answer with a code.
    Answer,
    /// Let somebody sign in.
    SignIn {
        /// Whether it is to confirm who is there: somebody is signed in, and it may be them.
        again: bool,
    },
    /// Let the person choose whether to go on as who they are or as somebody else.
    SelectAccount,
    /// Ask for consent.
    Consent,
    /// Tell the client no.
    Refuse(ErrorCode),
}

/// Decides. `prompt=none` never leads to a page.
pub fn next_step(request: &AuthorizeRequest, situation: &Situation<'_>) -> Step {
    let wanted = wanted_step(request, situation);
    match wanted {
        Step::SignIn { .. } if request.prompt.none => Step::Refuse(ErrorCode::LoginRequired),
        Step::SelectAccount if request.prompt.none => Step::Refuse(ErrorCode::AccountSelectionRequired),
        Step::Consent if request.prompt.none => Step::Refuse(ErrorCode::ConsentRequired),
        step => step,
    }
}

fn wanted_step(request: &AuthorizeRequest, situation: &Situation<'_>) -> Step {
    let Some(authenticated_at) = situation.authenticated_at else { return Step::SignIn { again: false } };
    // Only a sign-in after the request came in counts as one made for it.
    let is_fresh = situation.started_at.is_some_and(|started| authenticated_at >= started);
    let is_somebody_else = situation.is_hinted == Some(false);
    if is_fresh {
        if is_somebody_else {
            return Step::Refuse(ErrorCode::LoginRequired);
        }
    } else if is_somebody_else {
        return Step::SignIn { again: false };
    } else if request.prompt.login || is_too_old(request, situation.now.duration_since(authenticated_at)) {
        return Step::SignIn { again: true };
    } else if request.prompt.select_account && situation.said == Said::Nothing {
        return Step::SelectAccount;
    }
    if needs_consent(request, situation) { Step::Consent } else { Step::Answer }
}

/// Whether the sign-in is older than `max_age` allows. Nothing is young enough for `max_age=0`, which asks for the same as
/// `prompt=login`.
fn is_too_old(request: &AuthorizeRequest, age: SignedDuration) -> bool {
    request.max_age.is_some_and(|max_age| max_age == 0 || age > SignedDuration::from_secs(max_age))
}

fn needs_consent(request: &AuthorizeRequest, situation: &Situation<'_>) -> bool {
    if situation.said == Said::Allow {
        return false;
    }
    let remembered = situation
        .consented
        .is_some_and(|given| request.scopes.is_subset(&given.scopes) && situation.claims.is_subset(&given.claims));
    request.prompt.consent
        || match situation.consent_mode {
            ConsentMode::Never => false,
            ConsentMode::FirstTime => !remembered,
            ConsentMode::Always => true,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        oauth::{authorize::Prompt, response_mode::ResponseMode, response_type::ResponseType},
        oidc::claims_request::ClaimsRequest,
    };
    use doorward_core::clock::from_millis;

    fn request(prompt: Prompt, max_age: Option<i64>) -> AuthorizeRequest {
        AuthorizeRequest {
            redirect_uri: "https://a.example/".into(),
            response_type: ResponseType::Code,
            response_mode: ResponseMode::Query,
            scopes: ["openid".to_owned()].into(),
            state: None,
            nonce: None,
            prompt,
            max_age,
            login_hint: None,
            id_token_hint: None,
            code_challenge: None,
            claims: ClaimsRequest::default(),
        }
    }

    static NO_CLAIMS: BTreeSet<String> = BTreeSet::new();

    fn situation(authenticated_at: Option<i64>) -> Situation<'static> {
        Situation {
            authenticated_at: authenticated_at.map(|second| from_millis(second * 1000)),
            is_hinted: None,
            started_at: None,
            consent_mode: ConsentMode::Never,
            consented: None,
            claims: &NO_CLAIMS,
            said: Said::Nothing,
            now: from_millis(1_000_000),
        }
    }

    const NOTHING: Prompt = Prompt { none: false, login: false, consent: false, select_account: false };
    const NONE: Prompt = Prompt { none: true, ..NOTHING };
    const LOGIN: Prompt = Prompt { login: true, ..NOTHING };
    const CONSENT: Prompt = Prompt { consent: true, ..NOTHING };
    const SELECT: Prompt = Prompt { select_account: true, ..NOTHING };

    #[test]
    fn nobody_signed_in_leads_to_sign_in_or_login_required() {
        assert_eq!(next_step(&request(Prompt::default(), None), &situation(None)), Step::SignIn { again: false });
        assert_eq!(next_step(&request(NONE, None), &situation(None)), Step::Refuse(ErrorCode::LoginRequired));
        assert_eq!(next_step(&request(NONE, None), &situation(Some(0))), Step::Answer);
    }

    #[test]
    fn prompt_login_and_old_sessions_need_a_sign_in_made_for_this_request() {
        let mut here = situation(Some(990));
        assert_eq!(next_step(&request(LOGIN, None), &here), Step::SignIn { again: true });
        assert_eq!(next_step(&request(Prompt::default(), Some(10)), &here), Step::Answer);
        assert_eq!(next_step(&request(Prompt::default(), Some(9)), &here), Step::SignIn { again: true });
        assert_eq!(next_step(&request(NONE, Some(9)), &here), Step::Refuse(ErrorCode::LoginRequired));
        here.started_at = Some(from_millis(991_000));
        assert_eq!(next_step(&request(LOGIN, None), &here), Step::SignIn { again: true });
        here.started_at = Some(from_millis(989_000));
        assert_eq!(next_step(&request(LOGIN, Some(0)), &here), Step::Answer);
    }

    #[test]
    fn consent_is_asked_for_as_the_application_says() {
        let mut here = situation(Some(999));
        assert_eq!(next_step(&request(CONSENT, None), &here), Step::Consent);
        here.consent_mode = ConsentMode::FirstTime;
        assert_eq!(next_step(&request(Prompt::default(), None), &here), Step::Consent);
        assert_eq!(next_step(&request(NONE, None), &here), Step::Refuse(ErrorCode::ConsentRequired));
        let fewer = Consented::default();
        let enough = Consented { scopes: ["openid".to_owned(), "email".to_owned()].into(), ..Consented::default() };
        here.consented = Some(&fewer);
        assert_eq!(next_step(&request(Prompt::default(), None), &here), Step::Consent);
        here.consented = Some(&enough);
        assert_eq!(next_step(&request(Prompt::default(), None), &here), Step::Answer);
        here.consent_mode = ConsentMode::Always;
        assert_eq!(next_step(&request(Prompt::default(), None), &here), Step::Consent);
        here.said = Said::GoOn;
        assert_eq!(next_step(&request(CONSENT, None), &here), Step::Consent);
        here.said = Said::Allow;
        assert_eq!(next_step(&request(CONSENT, None), &here), Step::Answer);
    }

    #[test]
    fn consent_is_asked_for_again_when_more_claims_are_wanted() {
        let (name, both) = (BTreeSet::from(["name".to_owned()]), ["name", "email"].map(str::to_owned).into());
        let scopes: BTreeSet<String> = ["openid".to_owned()].into();
        let given = Consented { scopes: scopes.clone(), claims: name.clone() };
        let mut here = situation(Some(999));
        (here.consent_mode, here.consented, here.claims) = (ConsentMode::FirstTime, Some(&given), &name);
        assert_eq!(next_step(&request(Prompt::default(), None), &here), Step::Answer);
        here.claims = &both;
        assert_eq!(next_step(&request(Prompt::default(), None), &here), Step::Consent);
        assert_eq!(next_step(&request(NONE, None), &here), Step::Refuse(ErrorCode::ConsentRequired));
    }

    #[test]
    fn a_hint_for_somebody_else_is_never_answered_for_the_one_who_is_here() {
        let mut here = situation(Some(999));
        here.is_hinted = Some(false);
        assert_eq!(next_step(&request(Prompt::default(), None), &here), Step::SignIn { again: false });
        here.said = Said::GoOn;
        assert_eq!(next_step(&request(SELECT, None), &here), Step::SignIn { again: false });
        assert_eq!(next_step(&request(NONE, None), &here), Step::Refuse(ErrorCode::LoginRequired));
        here.started_at = Some(from_millis(998_000));
        assert_eq!(next_step(&request(Prompt::default(), None), &here), Step::Refuse(ErrorCode::LoginRequired));
    }

    #[test]
    fn max_age_counts_parts_of_seconds_and_zero_is_a_new_sign_in() {
        let mut here = situation(None);
        let age = |millis: i64| Some(from_millis(1_000_000 - millis));
        here.authenticated_at = age(1_000);
        assert_eq!(next_step(&request(NOTHING, Some(1)), &here), Step::Answer);
        here.authenticated_at = age(1_001);
        assert_eq!(next_step(&request(NOTHING, Some(1)), &here), Step::SignIn { again: true });
        assert_eq!(next_step(&request(NOTHING, Some(i64::MAX)), &here), Step::Answer);
        here.authenticated_at = age(0);
        assert_eq!(next_step(&request(NOTHING, Some(0)), &here), Step::SignIn { again: true });
        assert_eq!(next_step(&request(NONE, Some(0)), &here), Step::Refuse(ErrorCode::LoginRequired));
        here.started_at = age(10);
        assert_eq!(next_step(&request(NOTHING, Some(0)), &here), Step::Answer);
    }

    #[test]
    fn whoever_shall_choose_an_account_is_asked_once() {
        assert_eq!(next_step(&request(SELECT, None), &situation(None)), Step::SignIn { again: false });
        let mut here = situation(Some(900));
        assert_eq!(next_step(&request(SELECT, None), &here), Step::SelectAccount);
        assert_eq!(next_step(&request(SELECT, Some(10)), &here), Step::SignIn { again: true });
        let both = Prompt { login: true, ..SELECT };
        assert_eq!(next_step(&request(both, None), &here), Step::SignIn { again: true });
        here.started_at = Some(from_millis(900_000));
        assert_eq!(next_step(&request(SELECT, None), &here), Step::Answer);
        here.started_at = Some(from_millis(999_000));
        here.said = Said::GoOn;
        assert_eq!(next_step(&request(SELECT, None), &here), Step::Answer);
        here.consent_mode = ConsentMode::Always;
        assert_eq!(next_step(&request(SELECT, None), &here), Step::Consent);
        here.said = Said::Allow;
        assert_eq!(next_step(&request(SELECT, None), &here), Step::Answer);
    }
}
