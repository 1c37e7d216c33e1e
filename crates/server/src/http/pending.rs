//! An authorization request, or a page, that waits while somebody signs in. It travels with the browser, encrypted and
//! bound to it, so that nothing is kept for visitors who never come back.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_core::{
    clock::from_millis,
    id::{AttemptId, UserId},
    timeline::{AttemptMethod, Details},
};
use doorward_protocols::oauth::parameters::Parameters;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::visitor::Visitor;
use crate::{app::App, oidc, timeline::Trail};

/// How long somebody may take to sign in.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// Longest encoded form, in bytes.
const ENCODED_MAX: usize = 96 * 1024;

/// Longest sealed form that is put into an address, in bytes: the servers before Doorward take 8 KiB and more. What is longer
/// travels in forms.
pub const ADDRESS_MAX: usize = 6 * 1024;

/// What the sign-in form is shown for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Signing in, as whoever it may be.
    #[default]
    SignIn,
    /// That the person signed in shows again that it is them.
    Confirm,
    /// Going on as the person signed in, or as somebody else.
    Account,
    /// Nothing: it waits for the answer to the question for consent, which is another page.
    Consent,
}

/// What waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// An authorization request.
    Authorize(Parameters),
    /// One of our own pages.
    Page(String),
    /// Signing out, and where to go then.
    SignOut {
        /// Slug of the application it was asked for by.
        slug: Option<String>,
        /// Where to go then.
        return_to: Option<ReturnTo>,
    },
}

/// A checked address to go to after signing out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnTo {
    /// The address, `state` included.
    pub uri: String,
    /// Whether a valid `id_token_hint` stands behind it, so that the browser may be sent there. Else it is offered as a link
    /// (OpenID Connect RP-Initiated Logout 1.0, section 3).
    pub is_vouched: bool,
}

/// Something that waits, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// What.
    pub goal: Goal,
    started_at: i64,
    browser: String,
    /// Who was asked, where somebody was.
    user: Option<UserId>,
    /// The sign-in attempt that it is part of: written down once there is something about it to write.
    attempt: AttemptId,
    /// What the sign-in form is shown for.
    pub ask: Ask,
}

/// Why it cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Not ours, or damaged.
    Malformed,
    /// Begun in another browser.
    OtherBrowser,
    /// More than an hour old.
    Expired,
}

impl Lost {
    /// Why, for the log and the activity.
    pub fn why(self) -> &'static str {
        match self {
            Self::Malformed => "the address of the sign-in is damaged",
            Self::OtherBrowser => "the sign-in was begun in another browser, or cookies are blocked",
            Self::Expired => "the sign-in was begun more than an hour ago",
        }
    }
}

impl Pending {
    /// Lets something wait from now on.
    pub fn new(app: &App, visitor: &Visitor, goal: Goal) -> Self {
        Self {
            goal,
            started_at: app.clock.now().as_millisecond(),
            browser: visitor.browser.clone(),
            user: None,
            attempt: AttemptId::new(&app.clock),
            ask: Ask::default(),
        }
    }

    /// The same for another purpose of the sign-in form.
    #[must_use]
    pub fn asking(self, ask: Ask) -> Self {
        Self { ask, ..self }
    }

    /// The same as part of an attempt that began before.
    #[must_use]
    pub fn of(self, attempt: AttemptId) -> Self {
        Self { attempt, ..self }
    }

    /// The sign-in attempt that it is part of.
    pub fn attempt(&self) -> AttemptId {
        self.attempt
    }

    /// The same, ready to note steps on.
    pub fn trail(&self, app: &App, visitor: &Visitor) -> Trail {
        match &self.goal {
            Goal::Authorize(parameters) => oidc::trail::of_request(app, visitor, self.attempt, parameters),
            Goal::Page(path) => {
                let path = path.split('?').next().unwrap_or_default();
                let details = Details::from([("page".to_owned(), path.to_owned())]);
                let trail = Trail::of(self.attempt, AttemptMethod::Page).in_browser(visitor);
                trail.asked("Somebody wanted to see a page of Doorward's", details)
            }
            Goal::SignOut { .. } => Trail::of(self.attempt, AttemptMethod::Page).in_browser(visitor),
        }
    }

    /// The same for a question put to somebody: nobody else can answer it. It waits since the request first came, so that a
    /// sign-in made for the request still counts afterwards.
    #[must_use]
    pub fn for_consent(self, user: UserId, started_at: Option<Timestamp>) -> Self {
        let started_at = started_at.map_or(self.started_at, Timestamp::as_millisecond);
        Self { user: Some(user), started_at, ..self }
    }

    /// Whether this question was put to somebody: only they can answer it, and nothing else that waits is an answer to it.
    pub fn asks(&self, ask: Ask, user: UserId) -> bool {
        self.ask == ask && self.user == Some(user)
    }

    /// When it began to wait.
    pub fn started_at(&self) -> Timestamp {
        from_millis(self.started_at)
    }

    /// As a hidden field or a part of a query.
    pub fn seal(&self, app: &App) -> String {
        let plain = serde_json::to_vec(self).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(app.pending_cipher.seal("pending", &plain))
    }

    /// Reads what [`Pending::seal`] made, for the same browser.
    ///
    /// # Errors
    /// Why it cannot go on; with what waited if it is only too old or elsewhere, so that a way back can be shown.
    pub fn open(app: &App, visitor: &Visitor, sealed: &str) -> Result<Self, (Lost, Option<Box<Self>>)> {
        let malformed = (Lost::Malformed, None);
        if sealed.len() > ENCODED_MAX {
            return Err(malformed);
        }
        let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| malformed.clone())?;
        let plain = app.pending_cipher.open("pending", &bytes).map_err(|_| malformed.clone())?;
        let pending: Self = serde_json::from_slice(&plain).map_err(|_| malformed)?;
        if pending.browser != visitor.browser {
            return Err((Lost::OtherBrowser, Some(Box::new(pending))));
        }
        if app.clock.now().duration_since(pending.started_at()) > LIFETIME {
            return Err((Lost::Expired, Some(Box::new(pending))));
        }
        Ok(pending)
    }
}

/// Whether a text is the path of a page of ours: nothing that a browser could take for another host.
pub fn is_local_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 2000
        && path.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_paths_are_paths() {
        assert!(is_local_path("/if/user/?x=1"));
        for path in ["", "if/user", "//evil", "/\\evil", "https://evil", "/a b", "/\t/evil", "/é"] {
            assert!(!is_local_path(path), "{path}");
        }
    }
}
