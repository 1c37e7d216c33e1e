//! The LDAP server: listeners, connections, and one file per operation.
//!
//! A request goes from [`connection`] to its operation: [`bind`], [`search_operation`], [`compare`], [`password_modify`].
//! Searches are answered from [`directory`], through [`names`] (what a DN means), [`prepared_filter`] (the filter), [`plan`] (where
//! to look), [`view`] (who may see what) and [`entry`] (what an entry holds).

mod answers;
pub mod attribute;
mod bind;
mod compare;
mod connection;
pub mod directory;
mod entry;
mod fixed;
mod found;
mod io;
pub mod limits;
mod listen;
mod members;
pub mod names;
mod password_modify;
mod plan;
mod prepared_filter;
mod proxy_protocol;
mod search;
mod search_operation;
mod selection;
mod session;
mod view;

pub use listen::{Security, Server};
