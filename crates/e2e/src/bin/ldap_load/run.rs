//! Connections that ask, wait for the whole answer, and ask again.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::net::TcpStream;

use crate::ber;
use crate::scenario::Prepared;

/// Read at once; an answer with a thousand entries comes in many pieces.
const CHUNK: usize = 128 * 1024;

/// What all connections look at.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    phase: AtomicU8,
    next: AtomicUsize,
}

/// What the connections are to do with what they see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Ask, but do not count.
    WarmUp,
    /// Count.
    Measure,
    /// Stop after the answer that is under way.
    Stop,
}

impl Shared {
    /// Begins a phase.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    fn is_in(&self, phase: Phase) -> bool {
        self.phase.load(Ordering::Relaxed) == phase as u8
    }

    /// Lets requests that may be made only once begin with the first.
    pub(crate) fn take(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

/// What one connection counted.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    /// How long each answer took.
    pub(crate) latencies: Vec<Duration>,
    /// Bytes of the answers.
    pub(crate) bytes: u64,
}

/// A connection and what came on it.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer that was read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Answer {
    entries: u32,
    code: u8,
    bytes: usize,
}

impl Connection {
    /// Connects, without waiting for small packets to become big ones.
    ///
    /// # Errors
    /// When nobody listens.
    pub(crate) async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(CHUNK) })
    }

    /// One request and its answer; gives the bytes of the answer.
    ///
    /// # Errors
    /// When the answer is not success with as many entries as there must be.
    pub(crate) async fn ask(&mut self, request: &Prepared) -> Result<usize> {
        self.send(&request.bytes).await?;
        let answer = self.receive().await?;
        let wanted = (0, request.entries);
        ensure!((answer.code, answer.entries) == wanted, "(code, entries) must be {wanted:?}, but it is {answer:?}");
        Ok(answer.bytes)
    }

    async fn send(&self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<Answer> {
        let mut answer = Answer { entries: 0, code: 0, bytes: 0 };
        self.buffer.clear();
        let mut done = 0;
        loop {
            while let Some((whole, content)) = next_message(self.buffer.get(done..).unwrap_or_default()) {
                done += whole;
                answer.bytes += whole;
                if let Some(code) = last_of(content, &mut answer.entries)? {
                    answer.code = code;
                    ensure!(done == self.buffer.len(), "more came than was asked for");
                    return Ok(answer);
                }
            }
            self.buffer.drain(..done);
            done = 0;
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<()> {
        loop {
            self.buffer.reserve(CHUNK);
            match self.stream.try_read_buf(&mut self.buffer) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.stream.readable().await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Asks until told to stop, beginning somewhere in the list.
    ///
    /// # Errors
    /// When an answer is not what it must be.
    pub(crate) async fn repeat(mut self, requests: &[Prepared], begin: usize, shared: &Shared) -> Result<Counted> {
        let mut counted = Counted::default();
        for request in requests.iter().cycle().skip(begin % requests.len().max(1)) {
            if shared.is_in(Phase::Stop) {
                break;
            }
            self.count(request, shared, &mut counted).await?;
        }
        Ok(counted)
    }

    /// Asks what nobody asked yet, until there is nothing left.
    ///
    /// # Errors
    /// When an answer is not what it must be.
    pub(crate) async fn share_out(mut self, requests: &[Prepared], shared: &Shared) -> Result<Counted> {
        let mut counted = Counted::default();
        while let Some(request) = requests.get(shared.take()) {
            self.count(request, shared, &mut counted).await?;
        }
        Ok(counted)
    }

    async fn count(&mut self, request: &Prepared, shared: &Shared, counted: &mut Counted) -> Result<()> {
        let begin = Instant::now();
        let bytes = self.ask(request).await?;
        if shared.is_in(Phase::Measure) {
            counted.latencies.push(begin.elapsed());
            counted.bytes += u64::try_from(bytes)?;
        }
        Ok(())
    }
}

/// The first message, if it is there as a whole: its length and what stands in it.
fn next_message(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (_, content, rest) = ber::split(bytes)?;
    Some((bytes.len() - rest.len(), content))
}

/// Counts a search result entry; gives the result code of a message that ends an answer.
fn last_of(content: &[u8], entries: &mut u32) -> Result<Option<u8>> {
    let (_, _, operation) = ber::split(content).context("a message without id")?;
    match ber::split(operation).context("a message without operation")? {
        (0x64, ..) => {
            *entries += 1;
            Ok(None)
        }
        (0x61 | 0x65, result, _) => {
            let (_, code, _) = ber::split(result).context("a result without code")?;
            Ok(code.last().copied())
        }
        (tag, ..) => bail!("unexpected operation {tag:#04x} in an answer"),
    }
}
