//! What the specifications say: parameters or bytes in, decisions out. Nothing here reads a clock, a disk or a network.

pub mod forward_auth;
pub mod jose;
pub mod ldap;
pub mod oauth;
pub mod oidc;
pub mod totp;
