//! Ports to listen on.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};

/// Below the range from which the kernel takes the ports of outgoing connections: a server that is
/// killed and started again must find its port still free.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

/// A loopback port on which nobody listens. Tests run in processes of their own, so the choice is random.
///
/// # Errors
/// When a hundred tries found none.
pub fn free() -> Result<u16> {
    for attempt in 0..100_u32 {
        let offset = u16::try_from(RandomState::new().hash_one(attempt) % u64::from(COUNT))?;
        let port = FIRST + offset;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free loopback port found")
}
