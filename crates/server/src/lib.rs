//! Everything of Doorward that listens, renders or works in the background.
//!
//! Edges (HTTP handlers in `http`, `oidc`, `auth`, `portal`, `admin`; commands in the binary) call operations
//! (`directory`, `applications`, `keys`, `mappings`, `auth`, `oidc::grant`), and operations call the store.

pub mod actor;
pub mod admin;
pub mod app;
pub mod applications;
pub mod auth;
pub mod config;
pub mod connector;
mod default_mappings;
pub mod directory;
pub mod doctor;
pub mod error;
pub mod events;
pub mod explain;
pub mod http;
pub mod jobs;
pub mod keys;
pub mod ldap;
pub mod listen;
pub mod mappings;
pub mod netbox;
pub mod oidc;
pub mod outbound;
pub mod pages;
pub mod portal;
pub mod proxy;
pub mod public_url;
pub mod recipes;
pub mod router;
pub mod setup;
pub mod snapshot;
pub mod timeline;
pub mod web_address;
