//! What all HTTP handlers share: who is asking, what they sent, and how answers look.

pub mod cookies;
pub mod cors;
pub mod error_page;
pub mod form;
pub mod headers;
pub mod pending;
pub mod sealed;
pub mod slashes;
pub mod visitor;
