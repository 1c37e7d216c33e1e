//! Forward auth, asked as proxies ask.

mod checks;
mod domain;
mod header_auth;
mod hostile;
mod loops;
mod providers;
mod sign_in;
