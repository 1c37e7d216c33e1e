//! In how many ways a plan runs a module.

use crate::support::Backend;

/// What is asked of the authorization endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseType {
    Code,
    IdToken,
    IdTokenToken,
    CodeIdToken,
    CodeToken,
    CodeIdTokenToken,
}

impl ResponseType {
    /// The value of `response_type`.
    pub(crate) fn value(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::IdToken => "id_token",
            Self::IdTokenToken => "id_token token",
            Self::CodeIdToken => "code id_token",
            Self::CodeToken => "code token",
            Self::CodeIdTokenToken => "code id_token token",
        }
    }

    fn includes(self, word: &str) -> bool {
        self.value().split(' ').any(|part| part == word)
    }

    pub(crate) fn has_code(self) -> bool {
        self.includes("code")
    }

    pub(crate) fn has_id_token(self) -> bool {
        self.includes("id_token")
    }

    pub(crate) fn has_token(self) -> bool {
        self.includes("token")
    }
}

/// How the answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseMode {
    /// Nothing is said: query for a code, fragment for everything else.
    Default,
    FormPost,
}

/// One column of a plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Variant {
    pub response_type: ResponseType,
    pub mode: ResponseMode,
}

impl Variant {
    /// On which database it is played: the plans with form post, which repeat the others, on PostgreSQL.
    pub(crate) fn database(self) -> Backend {
        match self.mode {
            ResponseMode::Default => Backend::Sqlite,
            ResponseMode::FormPost => Backend::Postgres,
        }
    }
}
