//! OpenID Connect endpoints. Each file is called what its address is called.

pub mod asked_claims;
pub mod authorize;
pub mod check_session;
pub mod client;
pub mod consent;
pub mod device;
pub mod device_authorization;
pub mod device_decision;
pub mod device_limits;
pub mod device_pace;
pub mod discovery;
pub mod end_session;
pub mod grant;
pub mod introspect;
pub mod issue;
pub mod logout;
mod refusal;
pub mod response_mode;
pub mod revoke;
pub mod session_state;
pub mod token;
pub mod trail;
pub mod userinfo;
pub mod webfinger;
