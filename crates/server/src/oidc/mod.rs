//! OpenID Connect endpoints. Each file is called what its address is called.

pub mod answer;
pub mod authorize;
pub mod client;
pub mod consent;
pub mod discovery;
pub mod end_session;
pub mod grant;
pub mod introspect;
pub mod issue;
mod refusal;
pub mod revoke;
pub mod token;
pub mod trail;
pub mod userinfo;
pub mod webfinger;
