//! Why NetBox did not do what it was asked.

use crate::outbound::OutboundError;

/// Why there is no useful answer, in words that say where to look.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetBoxError {
    /// No answer at all.
    #[error("NetBox cannot be reached: {0}")]
    Unreachable(#[from] OutboundError),
    /// NetBox does not accept the API token.
    #[error(
        "NetBox refuses the API token ({detail}); give a token that is enabled, has not expired, and may be used from \
         this machine"
    )]
    Unauthorized {
        /// What NetBox says.
        detail: String,
    },
    /// The token is good, but its account may not do this.
    #[error("the account of the API token may not {doing} ({detail}); give it the permission")]
    Forbidden {
        /// What was tried, to be read after "may not".
        doing: String,
        /// What NetBox says.
        detail: String,
    },
    /// There is no such thing, or the token's account may not see it.
    #[error("NetBox has no {what}, or does not show it to the account of the API token")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// NetBox says no to what was sent.
    #[error("NetBox refuses to {doing} ({status}): {detail}")]
    Refused {
        /// What was tried, to be read after "refuses to".
        doing: String,
        /// HTTP status.
        status: u16,
        /// What NetBox says.
        detail: String,
    },
    /// NetBox, or something in front of it, is not well.
    #[error("NetBox is not well at the moment: it answers {status}")]
    Unavailable {
        /// HTTP status.
        status: u16,
    },
    /// What answers there is not NetBox.
    #[error("what answers at {address} is not NetBox's REST API: {detail}")]
    NotNetBox {
        /// Where.
        address: String,
        /// How that shows.
        detail: String,
    },
    /// There are more entries than are read.
    #[error("NetBox has more than {max} {what}; that is more than Doorward reads")]
    TooMany {
        /// Of what.
        what: String,
        /// The bound.
        max: usize,
    },
}

/// The result of every call.
pub type NetBoxResult<T> = Result<T, NetBoxError>;

impl NetBoxError {
    /// Whether nothing can be done with this token until an administrator does something: trying again soon would only
    /// fill NetBox's log.
    pub fn concerns_token(&self) -> bool {
        matches!(self, Self::Unauthorized { .. })
    }

    /// Whether it may well pass by itself.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unavailable { .. } | Self::NotNetBox { .. })
    }
}
