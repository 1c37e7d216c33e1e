//! Whole flows against the whole application in process, on `SQLite` and on `PostgreSQL`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::type_complexity,
    clippy::unused_self,
    reason = "tests fail by panicking"
)]

mod access_tokens;
mod advisories_openid;
mod advisories_redirects;
mod authenticator;
mod authorization_code;
mod authorize_attacks;
mod authorize_errors;
mod authorize_post;
mod authorize_silent;
mod basic;
mod bounds;
mod claims_parameter;
mod client_credentials;
mod client_secret;
mod connector;
mod consent;
mod cors;
mod database;
mod default_mappings;
mod device;
mod directory;
mod disabled_while_issuing;
mod doctor;
mod end_session;
mod explain;
mod global_issuer;
mod guide;
mod interaction;
mod introspect;
mod key_rotation;
mod keys;
mod ldap;
mod ldap_applications;
mod logout;
mod metadata;
mod networks;
mod openid_attacks;
mod proxy;
mod refresh_token;
mod response_modes;
mod response_types;
mod revoke;
mod routes;
mod scopes;
mod security;
mod select_account;
mod setup;
mod sign_in;
mod support;
mod timeline;
mod token_attacks;
mod web_proxies;
