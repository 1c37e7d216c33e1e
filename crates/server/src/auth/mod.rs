//! Showing who one is: passwords, sessions, throttling, and the pages for them.

mod account;
pub mod again;
mod attempt;
pub mod authenticator;
pub mod basic;
pub mod code_page;
pub mod noted;
pub mod password;
pub mod password_hash;
pub(crate) mod recent;
pub mod second_step;
pub mod session;
pub mod setup_page;
pub mod sign_in;
pub mod sign_out;
pub mod throttle;
pub mod warm;
