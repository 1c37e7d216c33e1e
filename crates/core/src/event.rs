//! Activity: the readable record of what happened.

use jiff::Timestamp;
use serde::Serialize;

use crate::id::{ApplicationId, EventId, UserId};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Somebody signed in.
    SignIn,
    /// A sign-in was refused.
    SignInFailed,
    /// Somebody signed out.
    SignOut,
    /// An application was given an authorization.
    Authorized,
    /// An authorization was refused.
    AuthorizationFailed,
    /// A token request was refused.
    TokenFailed,
    /// A code or refresh token came twice; what it had given was revoked.
    Replay,
    /// An administrator changed something.
    Changed,
    /// A connector changed an account.
    Pushed,
    /// A connector could not do its work.
    PushFailed,
    /// An application could not be told that somebody signed out.
    LogoutFailed,
}

impl EventKind {
    /// The name kept in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::SignInFailed => "sign_in_failed",
            Self::SignOut => "sign_out",
            Self::Authorized => "authorized",
            Self::AuthorizationFailed => "authorization_failed",
            Self::TokenFailed => "token_failed",
            Self::Replay => "replay",
            Self::Changed => "changed",
            Self::Pushed => "pushed",
            Self::PushFailed => "push_failed",
            Self::LogoutFailed => "logout_failed",
        }
    }

    /// Whether it is the record of something that went well.
    pub fn is_good(self) -> bool {
        matches!(self, Self::SignIn | Self::SignOut | Self::Authorized | Self::Changed | Self::Pushed)
    }
}

/// One entry.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// Identifier.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// What, as kept.
    pub kind: String,
    /// Whether it went well.
    pub ok: bool,
    /// The reference code that error pages and logs show.
    pub reference: String,
    /// About whom, if known.
    pub user: Option<UserId>,
    /// With which application, if any.
    pub application: Option<ApplicationId>,
    /// From which address.
    pub address: String,
    /// What happened, in words. Never holds a secret.
    pub text: String,
}
