//! The administration pages, driven through the router as a browser without scripts would drive them.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod activity;
mod applications;
mod browser;
mod clients;
mod credentials;
mod directory;
mod explain;
mod keys_and_mappings;
mod ldap;
#[path = "../flows/support/netbox.rs"]
mod netbox;
mod new_application;
mod protection;
mod provisioning;
mod proxy;
mod web_proxies;
