//! The protocols by which applications let people in.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A kind of provider, as recipes, commands and forms name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// OpenID Connect.
    Oidc,
    /// LDAP.
    Ldap,
    /// A proxy that asks Doorward about every request (forward auth).
    Proxy,
}

impl Method {
    /// All of them: value, name on the command line and in files, words people read.
    pub const ALL: [(Self, &'static str, &'static str); 3] =
        [(Self::Oidc, "oidc", "OpenID Connect"), (Self::Ldap, "ldap", "LDAP"), (Self::Proxy, "proxy", "Forward auth")];

    /// The name on the command line and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oidc => "oidc",
            Self::Ldap => "ldap",
            Self::Proxy => "proxy",
        }
    }

    /// The words people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Oidc => "OpenID Connect",
            Self::Ldap => "LDAP",
            Self::Proxy => "Forward auth",
        }
    }

    /// The method of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name, _)| *name == text).map(|(method, ..)| method)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
