//! The modules of the OpenID certification plans, played in process by a relying party that does and checks what the one of the
//! official suite does. A test is called what the suite calls the module; the list is `conformance/modules.txt`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail by panicking"
)]

mod backchannel;
mod basic;
mod config;
mod form_post;
mod frontchannel;
mod hybrid;
mod implicit;
mod list;
mod modules;
mod rp;
mod rp_initiated_logout;
mod session_management;
#[expect(
    dead_code,
    unused_imports,
    clippy::expect_used,
    clippy::unused_self,
    reason = "made for the flows, which need all of it"
)]
#[path = "../flows/support/mod.rs"]
mod support;
mod variant;
