//! What load generators share: connections that are kept, a closed loop over them, and the figures that come out.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

/// The kernel counts processor time in hundredths of a second (`USER_HZ`, see `man 5 proc`).
const TICK: Duration = Duration::from_millis(10);
const WARM_UP: u8 = 0;
const MEASURE: u8 = 1;
const STOP: u8 = 2;

/// How long is asked, and whose processor time counts.
#[derive(Debug, Args)]
pub struct Plan {
    /// How long to measure.
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
    /// How long to ask before measuring.
    #[arg(long, default_value_t = 1.0)]
    pub warm_up: f64,
    /// Connections that ask side by side.
    #[arg(long, default_value_t = 16)]
    pub connections: usize,
    /// The servers' processes, to count their processor time.
    #[arg(long = "server-pid", required = true)]
    pub server_pids: Vec<u32>,
}

impl Plan {
    /// Lets every worker do its operation again and again, side by side. Gives rate, latencies and processor time per operation.
    ///
    /// # Errors
    /// When an operation fails, or none was done in time.
    pub fn measure<W: FnMut() -> Result<()> + Send>(&self, workers: Vec<W>) -> Result<serde_json::Value> {
        let phase = AtomicU8::new(WARM_UP);
        thread::scope(|scope| {
            let asking: Vec<_> = workers.into_iter().map(|worker| scope.spawn(|| repeat(worker, &phase))).collect();
            thread::sleep(Duration::from_secs_f64(self.warm_up));
            let (begin, used) = (Instant::now(), processor_time(&self.server_pids));
            phase.store(MEASURE, Ordering::Relaxed);
            thread::sleep(Duration::from_secs_f64(self.seconds));
            phase.store(STOP, Ordering::Relaxed);
            let (elapsed, end) = (begin.elapsed(), processor_time(&self.server_pids));
            let mut latencies = Vec::new();
            for one in asking {
                match one.join() {
                    Ok(counted) => latencies.extend(counted?),
                    Err(_) => bail!("a connection panicked"),
                }
            }
            report(elapsed, end?.saturating_sub(used?), latencies)
        })
    }
}

/// Works until told to stop; gives how long each operation took.
fn repeat(mut work: impl FnMut() -> Result<()>, phase: &AtomicU8) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    loop {
        let now = phase.load(Ordering::Relaxed);
        if now == STOP {
            return Ok(latencies);
        }
        let begin = Instant::now();
        work()?;
        if now == MEASURE {
            latencies.push(begin.elapsed());
        }
    }
}

fn report(elapsed: Duration, processor: Duration, mut latencies: Vec<Duration>) -> Result<serde_json::Value> {
    ensure!(!latencies.is_empty(), "not one answer came in time");
    latencies.sort_unstable();
    let at = |hundredth: usize| {
        latencies.get(latencies.len() * hundredth / 100).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e6)
    };
    let count = f64::from(u32::try_from(latencies.len())?);
    Ok(serde_json::json!({
        "rate": count / elapsed.as_secs_f64(),
        "p50_us": at(50),
        "p99_us": at(99),
        "cpu_us": processor.as_secs_f64() * 1e6 / count,
    }))
}

/// A connection that is kept.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Answer<'a> {
    /// HTTP status.
    pub status: u16,
    head: &'a str,
    /// What stands below the head.
    pub body: &'a [u8],
}

impl Connection {
    /// Connects, without waiting for small packets to become big ones.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Sends a whole request, and reads the answer to its end.
    ///
    /// # Errors
    /// When the server closes the connection, or answers with something else than HTTP with a length.
    pub fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request)?;
        self.buffer.clear();
        let mut chunk = [0; 16 * 1024];
        let (head, body) = loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(read) => self.buffer.extend_from_slice(chunk.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            }
            let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let head = str::from_utf8(self.buffer.get(..end).unwrap_or_default())?;
            let length = header(head, "content-length").map_or(Ok(0), str::parse::<usize>)?;
            if self.buffer.len() >= end + 4 + length {
                break (end, end + 4..end + 4 + length);
            }
        };
        let head = str::from_utf8(self.buffer.get(..head).unwrap_or_default())?;
        let status = head.split(' ').nth(1).context("no status")?.parse().context("no status")?;
        Ok(Answer { status, head, body: self.buffer.get(body).unwrap_or_default() })
    }
}

impl Answer<'_> {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }

    /// The answer itself, if it has this status.
    ///
    /// # Errors
    /// When it has another.
    pub fn with_status(self, status: u16) -> Result<Self> {
        let (came, body) = (self.status, String::from_utf8_lossy(self.body));
        ensure!(came == status, "{status} must come, but {came} came:\n{}\n{body}", self.head);
        Ok(self)
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

/// What processes used of the processor so far, in user and kernel mode (fields 14 and 15 of `/proc/PID/stat`).
fn processor_time(pids: &[u32]) -> Result<Duration> {
    let mut ticks = 0;
    for pid in pids {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("the server's process has gone")?;
        // The name of the program, in parentheses, may hold spaces.
        let (_, fields) = text.rsplit_once(") ").context("/proc/PID/stat without a name")?;
        ticks += fields.split(' ').skip(11).take(2).map(str::parse::<u32>).sum::<Result<u32, _>>()?;
    }
    Ok(TICK * ticks)
}
