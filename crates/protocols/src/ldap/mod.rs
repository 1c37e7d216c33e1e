//! LDAP version 3 (RFC 4511): frames in, requests out; answers appended to a buffer. No sockets, no directory.

pub mod answer;
pub mod ber;
pub mod control;
pub mod dn;
pub mod extended;
pub mod filter;
pub mod matching;
pub mod message;
pub mod result;
pub mod schema;
pub mod search;

#[cfg(test)]
mod tests;
