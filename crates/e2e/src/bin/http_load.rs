//! Load for an HTTP server: connections that are kept ask the same, wait for the whole answer, check its status and ask again.
//! Prints one line of JSON. `scripts/bench` runs it.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a tool for measuring waits and prints; nothing of it is shipped"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;

/// The kernel counts processor time in hundredths of a second (`USER_HZ`, see `man 5 proc`).
const TICK: Duration = Duration::from_millis(10);
const WARM_UP: u8 = 0;
const MEASURE: u8 = 1;
const STOP: u8 = 2;

#[derive(Debug, Parser)]
#[command(about = "Asks an HTTP server the same as fast as it answers, and checks every answer")]
struct Arguments {
    /// Address and port of the server.
    #[arg(long)]
    address: String,
    /// Path to ask for.
    #[arg(long)]
    path: String,
    /// More headers, such as "Cookie: a=b".
    #[arg(long = "header")]
    headers: Vec<String>,
    /// The status that must come.
    #[arg(long, default_value_t = 200)]
    status: u16,
    /// How long to measure.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// How long to ask before measuring.
    #[arg(long, default_value_t = 1.0)]
    warm_up: f64,
    /// Connections that ask side by side.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// The servers' processes, to count their processor time.
    #[arg(long = "server-pid", required = true)]
    server_pids: Vec<u32>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let headers: String = arguments.headers.iter().map(|header| format!("{header}\r\n")).collect();
    let request = format!("GET {} HTTP/1.1\r\n{headers}\r\n", arguments.path);
    let phase = AtomicU8::new(WARM_UP);
    let (elapsed, processor, latencies) = thread::scope(|scope| {
        let asking: Vec<_> = (0..arguments.connections)
            .map(|_| scope.spawn(|| repeat(&arguments.address, request.as_bytes(), arguments.status, &phase)))
            .collect();
        thread::sleep(Duration::from_secs_f64(arguments.warm_up));
        let (begin, used) = (Instant::now(), processor_time(&arguments.server_pids));
        phase.store(MEASURE, Ordering::Relaxed);
        thread::sleep(Duration::from_secs_f64(arguments.seconds));
        phase.store(STOP, Ordering::Relaxed);
        let (elapsed, end) = (begin.elapsed(), processor_time(&arguments.server_pids));
        let mut latencies = Vec::new();
        for one in asking {
            match one.join() {
                Ok(counted) => latencies.extend(counted?),
                Err(_) => bail!("a connection panicked"),
            }
        }
        Ok((elapsed, end?.saturating_sub(used?), latencies))
    })?;
    println!("{}", report(elapsed, processor, latencies)?);
    Ok(())
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

/// Asks until told to stop; gives how long each answer took.
fn repeat(address: &str, request: &[u8], status: u16, phase: &AtomicU8) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    let (mut buffer, mut latencies) = (Vec::new(), Vec::new());
    loop {
        let now = phase.load(Ordering::Relaxed);
        if now == STOP {
            return Ok(latencies);
        }
        let begin = Instant::now();
        stream.write_all(request)?;
        let came = receive(&mut stream, &mut buffer)?;
        ensure!(came == status, "{status} must come, but {came} came: {}", String::from_utf8_lossy(&buffer));
        if now == MEASURE {
            latencies.push(begin.elapsed());
        }
    }
}

/// Reads one answer to its end; gives its status.
fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<u16> {
    buffer.clear();
    let mut chunk = [0; 16 * 1024];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => bail!("the server closed the connection"),
            Ok(read) => buffer.extend_from_slice(chunk.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        }
        let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(buffer.get(..end).unwrap_or_default()).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.map_or(Ok(0), |length| length.trim().parse())?;
        if buffer.len() >= end + 4 + length {
            return head.split(' ').nth(1).context("no status")?.parse().context("no status");
        }
    }
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
