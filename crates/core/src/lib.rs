//! What things are in Doorward, and the rules about them that need neither disk nor network.
//!
//! Everything here is a value or a pure function. Time comes in through [`clock::Clock`].

pub mod access_rule;
pub mod app_password;
pub mod application;
pub mod authenticator;
mod choice;
pub mod cipher;
pub mod claim_mapping;
pub mod clock;
pub mod connector;
pub mod event;
pub mod grant_type;
pub mod group;
pub mod id;
pub mod ldap_provider;
pub mod lifetime;
pub mod method;
pub mod network;
pub mod problem;
pub mod provider;
pub mod proxy_provider;
pub mod random;
pub mod redirect_uri;
pub mod secret;
pub mod session;
pub mod signing_key;
pub mod timeline;
pub mod user;
