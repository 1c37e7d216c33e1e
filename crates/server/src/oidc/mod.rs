//! OpenID Connect. A file per address; `grant`, `response_mode` and `logout` have a file per kind. Beside them: `client` (who
//! asks), `issue` (tokens), `refusal` (errors of the authorization endpoint), `trail` (the activity), `session_state`, `device_*` and
//! `asked_claims` (rules that addresses share).

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
pub mod refresh_family;
mod refusal;
pub mod response_mode;
pub mod revoke;
pub mod session_state;
pub mod token;
pub mod token_bounds;
pub mod trail;
pub mod userinfo;
pub mod webfinger;
