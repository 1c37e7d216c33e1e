//! Forward auth: proxies ask here about every request to a protected host.

pub mod client;
