//! Ports to listen on.

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};

/// Below the range from which the kernel takes the ports of outgoing connections: a server that is
/// killed and started again must find its port still free.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

/// A loopback port on which nobody listens, and which no other test is given while this one runs: tests are processes of
/// their own, so each port has a file that the process keeps locked until it ends.
///
/// # Errors
/// When a hundred tries found none.
pub fn free() -> Result<u16> {
    let directory = std::env::temp_dir().join("doorward-test-ports");
    fs::create_dir_all(&directory)?;
    for attempt in 0..100_u32 {
        let offset = u16::try_from(RandomState::new().hash_one(attempt) % u64::from(COUNT))?;
        let port = FIRST + offset;
        let file = File::options().create(true).append(true).open(directory.join(port.to_string()))?;
        if file.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            // Held until the process ends.
            std::mem::forget(file);
            return Ok(port);
        }
    }
    bail!("no free loopback port found")
}
