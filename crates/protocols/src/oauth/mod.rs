//! OAuth 2.0 (RFC 6749, RFC 7636, RFC 9207).

pub mod authorize;
pub mod client_authentication;
pub mod error;
pub mod parameters;
pub mod pkce;
mod redirect_difference;
pub mod redirect_uri;
pub mod response_mode;
pub mod response_type;
pub mod token;
