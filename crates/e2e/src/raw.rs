//! Requests that no well-behaved client sends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};

/// Sends the lines of a request's head as they are to a server on this machine, and gives the whole answer.
/// One of the lines should ask the server to close the connection.
///
/// # Errors
/// When nobody answers within 20 s.
pub fn send(port: u16, lines: &[&str]) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).context("no whole answer")?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The status of an answer.
#[must_use]
pub fn status(answer: &str) -> Option<u16> {
    answer.split(' ').nth(1)?.parse().ok()
}
