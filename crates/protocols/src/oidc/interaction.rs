//! Whether an authorization request can be answered at once, or what the person must do first
//! (OpenID Connect Core 1.0, section 3.1.2.3).

use doorward_core::application::ConsentMode;
use jiff::Timestamp;
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
    /// Whether the person pressed "allow" for this very request.
    pub just_allowed: bool,
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

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Answer with a code.
    Answer,
    /// Let somebody sign in; `again` if somebody is signed in already.
    SignIn {
        /// Whether it is to confirm who is there.
        again: bool,
    },
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
        Step::Consent if request.prompt.none => Step::Refuse(ErrorCode::ConsentRequired),
        step => step,
    }
}

fn wanted_step(request: &AuthorizeRequest, situation: &Situation<'_>) -> Step {
    let Some(authenticated_at) = situation.authenticated_at else { return Step::SignIn { again: false } };
    // Only a sign-in after the request came in counts as one made for it.
    let is_fresh = situation.started_at.is_some_and(|started| authenticated_at >= started);
    if !is_fresh {
        let age = situation.now.duration_since(authenticated_at).as_secs();
        let too_old = request.max_age.is_some_and(|max_age| age > max_age);
        if request.prompt.login || too_old || situation.is_hinted == Some(false) {
            return Step::SignIn { again: true };
        }
    } else if situation.is_hinted == Some(false) {
        return Step::Refuse(ErrorCode::LoginRequired);
    }
    if needs_consent(request, situation) { Step::Consent } else { Step::Answer }
}

fn needs_consent(request: &AuthorizeRequest, situation: &Situation<'_>) -> bool {
    if situation.just_allowed {
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
        oauth::authorize::{Prompt, ResponseMode},
        oidc::claims_request::ClaimsRequest,
    };
    use doorward_core::clock::from_millis;

    fn request(prompt: Prompt, max_age: Option<i64>) -> AuthorizeRequest {
        AuthorizeRequest {
            redirect_uri: "https://a.example/".into(),
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
            just_allowed: false,
            now: from_millis(1_000_000),
        }
    }

    const NONE: Prompt = Prompt { none: true, login: false, consent: false };
    const LOGIN: Prompt = Prompt { none: false, login: true, consent: false };
    const CONSENT: Prompt = Prompt { none: false, login: false, consent: true };

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
        here.just_allowed = true;
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
        assert_eq!(next_step(&request(Prompt::default(), None), &here), Step::SignIn { again: true });
        assert_eq!(next_step(&request(NONE, None), &here), Step::Refuse(ErrorCode::LoginRequired));
        here.started_at = Some(from_millis(998_000));
        assert_eq!(next_step(&request(Prompt::default(), None), &here), Step::Refuse(ErrorCode::LoginRequired));
    }
}
