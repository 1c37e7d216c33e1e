//! Black-box tests: the real binary, real clients, a real browser and a real NetBox.
//!
//! Nothing here knows Doorward's code. Each test starts what it needs on free loopback ports, with data
//! directories and databases of its own, so that tests run side by side and leave nothing behind.
//! `make test` prepares the machine and sets the `DOORWARD_TEST_*` variables; a test whose variable is
//! missing fails and says so.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test harness waits, reads its environment and talks; nothing of it is shipped"
)]

pub mod accessibility;
pub mod apache;
pub mod application;
pub mod authenticator;
pub mod automation;
pub mod browser;
pub mod caddy;
pub mod client;
pub mod debian;
pub mod delivery;
pub mod doorward;
pub mod echo;
pub mod environment;
pub mod front;
pub mod html;
pub mod htmlunit;
pub mod ldap;
pub mod load;
pub mod netbox;
pub mod netbox_api;
pub mod nginx;
pub mod ports;
pub mod postgres;
pub mod prepared;
pub mod process;
pub mod raw;
pub mod relay;
pub mod scripted;
pub mod suite;
pub mod told;
pub mod visitor;
pub mod wait;
