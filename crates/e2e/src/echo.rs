//! An application that answers with what it was asked: the only way to see what really passes a proxy.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::ports;

/// Longest request it reads, in bytes.
const REQUEST_MAX: u64 = 256 * 1024;

/// Its page begins with this; the head of the request follows.
pub const GREETING: &str = "the application was asked:\n";

/// The application. It lives as long as the process.
#[derive(Debug)]
pub struct Echo {
    port: u16,
    asked: Arc<AtomicUsize>,
}

impl Echo {
    /// Starts one.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn start() -> Result<Self> {
        let port = ports::free()?;
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counter = counter.clone();
                // A client that goes away in the middle is no fault.
                thread::spawn(move || serve(&stream, &counter));
            }
        });
        Ok(Self { port, asked })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many requests reached it.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn serve(stream: &TcpStream, asked: &AtomicUsize) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut head = String::from(GREETING);
    let mut reader = BufReader::new(stream.take(REQUEST_MAX));
    loop {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line)?;
        let line = String::from_utf8_lossy(&line);
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    if head.len() > GREETING.len() {
        asked.fetch_add(1, Ordering::SeqCst);
    }
    let mut out = stream;
    write!(
        out,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{head}",
        head.len()
    )?;
    Ok(())
}

/// The values of a header that the application was asked with, in order; the name as WSGI reads it: `-` and `_` are one.
#[must_use]
pub fn values<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let wsgi = |name: &str| name.to_ascii_uppercase().replace('-', "_");
    let lines = page.strip_prefix(GREETING).unwrap_or_default().lines().skip(1);
    let headers = lines.filter_map(|line| line.split_once(':'));
    headers.filter(|(known, _)| wsgi(known) == wsgi(name)).map(|(_, value)| value.trim()).collect()
}
