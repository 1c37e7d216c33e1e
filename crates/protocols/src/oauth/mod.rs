//! OAuth 2.0 (RFC 6749, RFC 7636, RFC 8628, RFC 9207).

pub mod authorize;
pub mod client_authentication;
pub mod client_credentials;
pub mod device_code;
pub mod error;
pub mod introspection;
pub mod parameters;
pub mod pkce;
mod redirect_difference;
pub mod redirect_uri;
pub mod response_mode;
pub mod response_type;
pub mod token;
