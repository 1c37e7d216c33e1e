//! The sign-in timeline: every attempt to sign in, step by step, and what came of it in words.

mod conclusion;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use conclusion::{Conclusion, Ending, conclude};

use crate::id::{ApplicationId, AttemptId, UserId};

/// How long an application takes at most for its next request, as long as all is well: after that it will not come.
pub const PATIENCE: SignedDuration = SignedDuration::from_mins(1);
/// How long people may take.
pub const PEOPLES_PATIENCE: SignedDuration = SignedDuration::from_hours(1);

/// What a step is about, in more detail: short names and values, never a secret, a code or a token.
pub type Details = BTreeMap<String, String>;

/// Names of details that conclusions look at.
pub mod detail {
    /// The error code that the application was given.
    pub const ERROR: &str = "error";
    /// How the application said who it is: `client_secret_basic`, …
    pub const CLIENT_AUTHENTICATION: &str = "client_authentication";
    /// The redirect URI that came.
    pub const REDIRECT_URI: &str = "redirect_uri";
    /// `yes` if the application is known to ask userinfo after every sign-in.
    pub const ASKS_USERINFO: &str = "asks_userinfo";
}

/// Makes an enumeration whose values have names in the database.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $value:ident => $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$of])* $value),* }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$value),*];

            /// The name in the database and in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$value => $text),* }
            }

            /// The one of that name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text)
            }
        }
    };
}

named! {
    /// By which way somebody wanted in.
    AttemptMethod {
        /// To a page of Doorward's own.
        Page => "page",
        /// To an application, by OpenID Connect.
        Oidc => "oidc",
        /// To an application on a device, by OpenID Connect (RFC 8628).
        Device => "device",
        /// To an application, by LDAP.
        Ldap => "ldap",
        /// To an application behind forward auth.
        Proxy => "proxy",
    }
}

impl AttemptMethod {
    /// Whether it says more than the way by which a token request shows itself: forward auth and devices use OpenID Connect.
    fn is_exact(self) -> bool {
        matches!(self, Self::Proxy | Self::Device)
    }

    /// The words people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Page => "Doorward",
            Self::Oidc => "OpenID Connect",
            Self::Device => "OpenID Connect on a device",
            Self::Ldap => "LDAP",
            Self::Proxy => "Forward auth",
        }
    }
}

named! {
    /// What a step is.
    StepKind {
        /// Somebody, or an application, asked for a sign-in.
        Asked => "asked",
        /// A password was given.
        Password => "password",
        /// A code of an authenticator app was given.
        AuthenticatorCode => "authenticator_code",
        /// A session began.
        SignedIn => "signed_in",
        /// Somebody was signed in already.
        Session => "session",
        /// The access rule was looked at.
        Access => "access",
        /// The person was asked what the application may know.
        ConsentAsked => "consent_asked",
        /// The person answered.
        Consent => "consent",
        /// The application was given a code, by way of the browser.
        CodeSent => "code_sent",
        /// The application was given tokens, and maybe a code with them, by way of the browser.
        TokensSent => "tokens_sent",
        /// The request was refused, on a page or by an error to the application.
        Refused => "refused",
        /// The application asked for tokens.
        Tokens => "tokens",
        /// The application asked who it is.
        Userinfo => "userinfo",
        /// The application asked for new tokens.
        Refreshed => "refreshed",
        /// A code or refresh token came a second time.
        Replay => "replay",
        /// A name and a password were given, by LDAP or HTTP Basic.
        Bind => "bind",
        /// A session at a protected host began.
        ProxySession => "proxy_session",
    }
}

named! {
    /// How an attempt stands after a step. What the clock makes of it is for [`conclude`].
    Standing {
        /// The person's turn.
        Open => "open",
        /// The application's turn.
        Waiting => "waiting",
        /// It led where it should.
        Done => "done",
        /// It was refused.
        Refused => "refused",
    }
}

/// One attempt to sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Identifier; holds when it began, and its reference code.
    pub id: AttemptId,
    /// By which way.
    pub method: AttemptMethod,
    /// To which application, and what it was called then.
    pub application: Option<(ApplicationId, String)>,
    /// Who, as far as that is known, and what they were called then; the name may be empty.
    pub user: Option<(UserId, String)>,
    /// Whether the person showed who they are, or was signed in.
    pub proven: bool,
    /// Address of the browser or client; may be empty.
    pub address: String,
    /// What the browser calls itself; may be empty.
    pub user_agent: String,
    /// When the last step was.
    pub last_at: Timestamp,
    /// How it stands after that.
    pub standing: Standing,
}

impl Attempt {
    /// One that has just begun.
    pub fn new(id: AttemptId, method: AttemptMethod) -> Self {
        Self {
            id,
            method,
            application: None,
            user: None,
            proven: false,
            address: String::new(),
            user_agent: String::new(),
            last_at: id.began_at(),
            standing: Standing::Open,
        }
    }

    /// What is known of an attempt from two sides, the later one second: whoever it was about last, by the way that was
    /// named more exactly. The database merges by the same rule.
    #[must_use]
    pub fn merged(self, later: Self) -> Self {
        let is_later = later.last_at >= self.last_at;
        let user = match (self.user, later.user) {
            // A token request knows the person's identifier, not the name.
            (Some((id, name)), Some((same, unnamed))) if id == same && unnamed.is_empty() => Some((id, name)),
            (known, None) => known,
            (_, latest) => latest,
        };
        Self {
            id: self.id,
            method: if later.method.is_exact() { later.method } else { self.method },
            application: self.application.or(later.application),
            user,
            proven: self.proven || later.proven,
            address: if self.address.is_empty() { later.address } else { self.address },
            user_agent: if self.user_agent.is_empty() { later.user_agent } else { self.user_agent },
            last_at: self.last_at.max(later.last_at),
            standing: if is_later { later.standing } else { self.standing },
        }
    }
}

/// One step of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// Orders steps of one moment.
    pub seq: i64,
    /// What.
    pub kind: StepKind,
    /// Whether it went well.
    pub ok: bool,
    /// In words.
    pub text: String,
    /// In detail.
    pub details: Details,
}

impl Step {
    /// How an attempt stands after this step.
    pub fn standing(&self, method: AttemptMethod) -> Standing {
        if !self.ok {
            return Standing::Refused;
        }
        match self.kind {
            StepKind::SignedIn if method == AttemptMethod::Page => Standing::Done,
            StepKind::Tokens if self.detail(detail::ASKS_USERINFO).is_none() => Standing::Done,
            // Whether an application that was sent tokens asks for more is its own affair.
            StepKind::TokensSent
            | StepKind::Userinfo
            | StepKind::Refreshed
            | StepKind::Bind
            | StepKind::ProxySession => Standing::Done,
            StepKind::CodeSent | StepKind::Tokens => Standing::Waiting,
            // Nothing goes by way of the browser: the device asks again by itself.
            StepKind::Consent if method == AttemptMethod::Device => Standing::Waiting,
            _ => Standing::Open,
        }
    }

    /// Whether it shows that the person is who they say they are.
    pub fn proves(&self) -> bool {
        self.ok && !matches!(self.kind, StepKind::Asked)
    }

    /// A detail.
    pub fn detail(&self, name: &str) -> Option<&str> {
        self.details.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_millis};

    #[test]
    fn names_lead_back_to_what_they_name() {
        assert!(StepKind::ALL.iter().all(|kind| StepKind::parse(kind.as_str()) == Some(*kind)));
        assert!(Standing::ALL.iter().all(|one| Standing::parse(one.as_str()) == Some(*one)));
        assert!(AttemptMethod::ALL.iter().all(|one| AttemptMethod::parse(one.as_str()) == Some(*one)));
        assert_eq!(StepKind::parse("nothing"), None);
    }

    #[test]
    fn two_sides_of_an_attempt_make_one() {
        let clock = Clock::fixed(from_millis(1_000_000));
        let alice = UserId::new(&clock);
        let seen = Attempt {
            user: Some((alice, "alice".into())),
            address: "192.0.2.1".into(),
            proven: true,
            standing: Standing::Waiting,
            ..Attempt::new(AttemptId::new(&clock), AttemptMethod::Oidc)
        };
        clock.advance(SignedDuration::from_secs(1));
        let by_token = Attempt {
            user: Some((alice, String::new())),
            address: "192.0.2.99".into(),
            last_at: clock.now(),
            standing: Standing::Done,
            method: AttemptMethod::Proxy,
            ..Attempt::new(seen.id, AttemptMethod::Oidc)
        };
        let merged = seen.clone().merged(by_token.clone());
        assert_eq!(merged.user, Some((alice, "alice".into())));
        assert_eq!((merged.address.as_str(), merged.proven), ("192.0.2.1", true));
        assert_eq!((merged.standing, merged.method), (Standing::Done, AttemptMethod::Proxy));
        // What comes late does not turn the standing back.
        let late = by_token.merged(Attempt { standing: Standing::Open, ..seen });
        assert_eq!((late.standing, late.last_at), (Standing::Done, clock.now()));
    }
}
