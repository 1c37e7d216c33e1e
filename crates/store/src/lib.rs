//! How things are kept: SQL, migrations, encryption at rest.
//!
//! Every table has a module of its own with one function per statement. They take a [`db::Tx`] and never open a
//! transaction themselves: what belongs together is decided by the operation that calls them.

pub mod access_token;
pub mod app_password;
pub mod application;
pub mod attempt;
pub mod attempt_step;
pub mod authenticator;
pub mod authorization_code;
pub mod claim_mapping;
pub mod client_account;
pub mod connector;
pub mod connector_job;
pub mod connector_person;
pub mod consent;
pub mod credential;
pub mod db;
pub mod device_code;
pub mod directory_change;
mod error;
pub mod event;
pub mod grant;
pub mod group;
pub mod ldap_provider;
pub mod logout_notice;
pub mod migrate;
pub mod near_miss;
pub mod provider;
pub mod proxy_provider;
pub mod proxy_session;
pub mod refresh_token;
pub mod revision;
pub mod session;
pub mod session_client;
pub mod setting;
pub mod signing_key;
pub mod throttle;
pub mod user;

pub use error::{Error, Result};
