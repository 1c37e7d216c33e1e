//! OpenID Connect: Core 1.0, Discovery 1.0, RP-Initiated, Back-Channel and Front-Channel Logout 1.0, Session Management 1.0.

pub mod claims;
pub mod claims_request;
pub mod discovery;
pub mod front_channel;
pub mod id_token;
pub mod interaction;
pub mod logout_token;
pub mod session_state;
pub mod subject;
pub mod webfinger;
