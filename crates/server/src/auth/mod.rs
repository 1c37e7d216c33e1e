//! Showing who one is: passwords, sessions, throttling, and the pages for them.

pub mod password;
pub mod password_hash;
pub mod session;
pub mod setup_page;
pub mod sign_in;
pub mod sign_out;
pub mod throttle;
