//! What came of an attempt, in words: only what can be known from its steps.

use jiff::Timestamp;
use serde::Serialize;

use super::{Attempt, AttemptMethod, PATIENCE, PEOPLES_PATIENCE, Standing, Step, StepKind, detail};

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It has not.
    Underway,
    /// Nobody went on with it: the person left.
    Left,
    /// It led where it should.
    Good,
    /// It failed.
    Failed,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conclusion {
    /// How it ended.
    pub ending: Ending,
    /// In words.
    pub text: String,
    /// What to do about it; may be empty.
    pub advice: String,
}

/// Concludes, from the steps in their order: the last one decides.
pub fn conclude(attempt: &Attempt, steps: &[Step], now: Timestamp) -> Conclusion {
    let names = Names::of(attempt);
    let last = match steps {
        [] => return ending(Ending::Underway, "Nothing is known of it yet.", ""),
        // That a code came twice says more than that it was refused for it.
        [.., replay, refused] if replay.kind == StepKind::Replay && !refused.ok => replay,
        [.., last] => last,
    };
    let age = now.duration_since(last.at);
    match last.standing(attempt.method) {
        Standing::Refused => refused(&names, last),
        Standing::Done => ending(Ending::Good, done(&names, attempt.method, last), ""),
        Standing::Waiting if age < PATIENCE => ending(Ending::Underway, waiting(&names, last.kind), ""),
        Standing::Waiting => silent(&names, last.kind),
        Standing::Open if age < PEOPLES_PATIENCE => ending(Ending::Underway, open(&names, last.kind), ""),
        Standing::Open => ending(Ending::Left, left(&names, last.kind), ""),
    }
}

fn ending(ending: Ending, text: impl Into<String>, advice: impl Into<String>) -> Conclusion {
    Conclusion { ending, text: text.into(), advice: advice.into() }
}

/// What an attempt's person and application are called in sentences.
struct Names<'a> {
    who: &'a str,
    application: &'a str,
}

impl<'a> Names<'a> {
    fn of(attempt: &'a Attempt) -> Self {
        let who = attempt.user.as_ref().map(|(_, name)| name.as_str()).filter(|name| !name.is_empty());
        let application = attempt.application.as_ref().map(|(_, name)| name.as_str());
        Self { who: who.unwrap_or("Somebody"), application: application.unwrap_or("An application") }
    }
}

fn done(names: &Names<'_>, method: AttemptMethod, last: &Step) -> String {
    let Names { who, application } = names;
    match (method, last.kind) {
        (AttemptMethod::Page, _) => format!("{who} signed in to Doorward."),
        (AttemptMethod::Ldap, _) => format!("{who} signed in to {application} by LDAP."),
        (AttemptMethod::Device, StepKind::Tokens) => format!("{who} signed in to {application} on a device."),
        (_, StepKind::Refreshed) => format!("{who} signed in to {application}, which has fetched new tokens since."),
        _ => format!("{who} signed in to {application}."),
    }
}

fn waiting(names: &Names<'_>, kind: StepKind) -> String {
    let Names { who, application } = names;
    match kind {
        StepKind::CodeSent => format!("{who} was sent back to {application} with a code, which is not exchanged yet."),
        StepKind::Consent => {
            format!("{who} allowed the device, which has not fetched its tokens for {application} yet.")
        }
        _ => format!("{application} has its tokens and has not asked userinfo yet."),
    }
}

/// The application did not do what comes next.
fn silent(names: &Names<'_>, kind: StepKind) -> Conclusion {
    let application = names.application;
    match kind {
        StepKind::CodeSent => ending(
            Ending::Failed,
            format!(
                "{application} never exchanged the code: it cannot reach Doorward, or the browser did not come back."
            ),
            format!(
                "Try from the machine of {application} whether it reaches Doorward's address, name and certificate."
            ),
        ),
        StepKind::Consent => ending(
            Ending::Failed,
            format!("{} allowed the device, and it never fetched its tokens for {application}.", names.who),
            "It was switched off, stopped asking, or cannot reach Doorward any more. Begin again at the device.",
        ),
        _ => ending(
            Ending::Failed,
            format!("{application} refused the ID token: it got its tokens and never asked userinfo."),
            format!(
                "Compare the clock of {application} with Doorward's, and the issuer and signing algorithm in its \
                 settings; the doctor looks at all of them."
            ),
        ),
    }
}

fn open(names: &Names<'_>, kind: StepKind) -> String {
    let Names { who, application } = names;
    match kind {
        StepKind::Asked => "Nobody has signed in yet.".to_owned(),
        StepKind::Password => format!("{who} gave the right password; the code of the authenticator app is missing."),
        StepKind::ConsentAsked => format!("{who} was asked what {application} may know, and has not answered yet."),
        _ => format!("{who} is signed in; {application} was not answered yet."),
    }
}

fn left(names: &Names<'_>, kind: StepKind) -> String {
    let Names { who, application } = names;
    match kind {
        StepKind::Asked => "Nobody signed in: the sign-in page was left.".to_owned(),
        StepKind::Password => format!("{who} gave the right password and never the code of the authenticator app."),
        StepKind::ConsentAsked => format!("{who} never answered what {application} may know."),
        _ => format!("{who} signed in, and the browser did not go on to {application}."),
    }
}

fn refused(names: &Names<'_>, last: &Step) -> Conclusion {
    let Names { who, application } = names;
    let why = last.text.trim_end_matches('.');
    let (text, advice) = match last.kind {
        StepKind::Password | StepKind::AuthenticatorCode | StepKind::Bind => {
            (format!("{who} could not sign in: {why}."), String::new())
        }
        StepKind::Access => (
            format!("{who} may not use {application}: {why}."),
            "Add the person to one of the groups, or name them in the access rule.".to_owned(),
        ),
        StepKind::Consent => (format!("{who} did not allow {application} to know who they are."), String::new()),
        StepKind::Tokens | StepKind::Refreshed => return token_refused(names, last, why),
        StepKind::Userinfo => (format!("{application} was refused userinfo: {why}."), String::new()),
        StepKind::Replay => (
            format!("{application} sent {why} a second time, so everything it had was taken back."),
            "Somebody may have copied it. If it happens at every sign-in, the application, or a proxy before it, sends \
             its request twice."
                .to_owned(),
        ),
        _ if last.detail(detail::REDIRECT_URI).is_some() => (
            format!("The request of {application} was refused: {why}."),
            "If the address is the application's own, allow it on the application's page; otherwise correct it in the \
             application's settings."
                .to_owned(),
        ),
        _ => (format!("The request of {} was refused: {why}.", lower(application)), String::new()),
    };
    ending(Ending::Failed, text, advice)
}

fn token_refused(names: &Names<'_>, last: &Step, why: &str) -> Conclusion {
    let application = names.application;
    let how = last.detail(detail::CLIENT_AUTHENTICATION);
    let with = match how {
        None => String::new(),
        Some("none") => " without a client secret".to_owned(),
        Some(how) => format!(" with {how}"),
    };
    if last.detail(detail::ERROR) == Some("invalid_client") {
        let secret = if how.is_none_or(|how| how == "none") { "missing" } else { "wrong" };
        return ending(
            Ending::Failed,
            format!("The client secret or client ID is {secret}: the token request{with} was refused ({why})."),
            format!("Paste client ID and client secret into the settings of {application} again."),
        );
    }
    let what = if last.kind == StepKind::Refreshed { "new tokens" } else { "tokens" };
    ending(Ending::Failed, format!("{application} asked for {what}{with} and was refused: {why}."), "")
}

/// "An application" within a sentence.
fn lower(application: &str) -> &str {
    if application == "An application" { "an application" } else { application }
}

#[cfg(test)]
mod tests;
