//! The addresses a browser may be sent to.

use serde::{Deserialize, Serialize};

/// How a registered URI is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchingMode {
    /// Byte for byte.
    Strict,
    /// A regular expression that must match the whole URI.
    Regex,
}

/// What the address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RedirectKind {
    /// Takes authorization answers (`redirect_uri`).
    Authorization,
    /// Where the browser may go after signing out (`post_logout_redirect_uri`).
    Logout,
}

/// One registered address of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedirectUri {
    /// The URI, or the expression when `matching_mode` is regex.
    pub url: String,
    /// How it is compared.
    pub matching_mode: MatchingMode,
    /// What it is for.
    #[serde(rename = "redirect_uri_type")]
    pub kind: RedirectKind,
}

impl RedirectUri {
    /// An exact address for authorization answers, the usual case.
    pub fn exact(url: impl Into<String>) -> Self {
        Self { url: url.into(), matching_mode: MatchingMode::Strict, kind: RedirectKind::Authorization }
    }

    /// An exact address to return to after signing out.
    pub fn logout(url: impl Into<String>) -> Self {
        Self { url: url.into(), matching_mode: MatchingMode::Strict, kind: RedirectKind::Logout }
    }
}
