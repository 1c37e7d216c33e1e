//! OpenID Connect endpoints. Each file is called what its address is called.

pub mod answer;
pub mod authorize;
pub mod consent;
pub mod device;
pub mod device_authorization;
pub mod device_decision;
pub mod device_limits;
pub mod device_pace;
pub mod discovery;
pub mod end_session;
pub mod grant;
pub mod issue;
mod refusal;
pub mod token;
pub mod trail;
pub mod userinfo;
