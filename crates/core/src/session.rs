//! A signed-in browser, and how the person showed who they are.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{SessionId, UserId};

/// How somebody signed in, as authentication method references (RFC 8176; authentik's values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// A password.
    #[serde(rename = "pwd")]
    Password,
    /// A code of an authenticator app.
    #[serde(rename = "otp")]
    Code,
    /// More than one factor.
    #[serde(rename = "mfa")]
    Multiple,
}

impl Method {
    /// The value that stands in `amr`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::Code => "otp",
            Self::Multiple => "mfa",
        }
    }
}

/// A session as kept.
#[derive(Debug, Clone)]
pub struct Session {
    /// Identifier.
    pub id: SessionId,
    /// Who is signed in.
    pub user: UserId,
    /// When the person last showed who they are.
    pub authenticated_at: Timestamp,
    /// How: space-separated `amr` values.
    pub methods: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// Address of the browser.
    pub address: String,
    /// What the browser calls itself, cut to 200 characters.
    pub user_agent: String,
}
