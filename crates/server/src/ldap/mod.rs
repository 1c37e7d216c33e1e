//! The LDAP server: listeners, connections, and one file per operation.
//!
//! A client is let in by [`listen`] (and [`proxy_protocol`]), its bytes go through [`io`], and [`connection`] hands each
//! request to its operation: [`bind`], [`search_operation`], [`compare`], [`password_modify`]. Who it is stands in
//! [`session`]. Searches are answered from [`directory`]: [`names`] says what a DN means, [`prepared_filter`] is the filter
//! made ready, [`plan`] says where to look, [`search`] goes through it, [`view`] decides who may see what, [`selection`]
//! writes what is wanted of an [`entry`] with its [`attribute`]s and [`members`]. The root DSE and the schema are [`fixed`].
//! Every number that bounds a client stands in [`limits`].

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
pub mod shown;
mod view;

pub use listen::{Security, Server};
