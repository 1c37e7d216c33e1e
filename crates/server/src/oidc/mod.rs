//! OpenID Connect endpoints. Each file is called what its address is called.

pub mod authorize;
pub mod consent;
pub mod discovery;
pub mod end_session;
pub mod grant;
pub mod issue;
mod refusal;
pub mod response_mode;
pub mod token;
pub mod trail;
pub mod userinfo;
