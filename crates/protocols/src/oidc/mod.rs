//! OpenID Connect: Core 1.0, Discovery 1.0, RP-Initiated Logout 1.0.

pub mod claims;
pub mod discovery;
pub mod id_token;
pub mod interaction;
pub mod subject;
pub mod webfinger;
