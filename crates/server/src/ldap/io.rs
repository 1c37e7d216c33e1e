//! Reading requests off a connection and writing answers to it, with limits of size and time.

use bytes::{Bytes, BytesMut};
use doorward_protocols::ldap::{ber, message::FRAME_MAX};
use futures::FutureExt;
use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use super::limits;

/// Room for a usual request.
const READ: usize = 4096;
/// Larger buffers are given back when they are empty, so that idle connections cost little.
const KEPT: usize = 16 * 1024;

/// A connection, with or without TLS.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// A connection with its buffers.
pub(super) struct Wire {
    stream: Box<dyn Duplex>,
    input: BytesMut,
    /// Answers that wait to be written.
    pub output: Vec<u8>,
    /// Longest request that is taken now.
    frame_max: usize,
}

/// What came instead of a request.
#[derive(Debug)]
pub(super) enum End {
    /// The client went, was silent for too long, or began a request and did not finish it.
    Gone,
    /// What it sends is not LDAP, or too large.
    Garbled(ber::BerError),
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl Wire {
    /// Takes over a connection.
    pub(super) fn new(stream: Box<dyn Duplex>) -> Self {
        Self { stream, input: BytesMut::new(), output: Vec::new(), frame_max: limits::FRAME_ANONYMOUS }
    }

    /// Takes longer requests from those who have signed in.
    pub(super) fn trust(&mut self, is_bound: bool) {
        self.frame_max = if is_bound { FRAME_MAX } else { limits::FRAME_ANONYMOUS };
    }

    /// The next request as bytes. Waits `idle` for its beginning and [`limits::REQUEST`] for the rest.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn next(&mut self, idle: Duration) -> Result<Bytes, End> {
        // Whoever asks much at once takes the answers before the next is made.
        self.flush_if_full().await?;
        if let Some(frame) = self.buffered()? {
            return Ok(frame);
        }
        // Nothing more to answer at once: what was answered goes out in one piece.
        self.flush().await?;
        if self.input.is_empty() {
            self.shrink();
            self.fill(idle).await?;
        }
        let rest = async {
            loop {
                if let Some(frame) = self.buffered()? {
                    return Ok(frame);
                }
                self.read().await?;
            }
        };
        timeout(limits::REQUEST, rest).await.unwrap_or(Err(End::Gone))
    }

    /// A request that is there already as a whole.
    ///
    /// # Errors
    /// [`End::Garbled`].
    pub(super) fn buffered(&mut self) -> Result<Option<Bytes>, End> {
        match ber::frame_length(&self.input, self.frame_max).map_err(End::Garbled)? {
            Some(length) if length <= self.input.len() => Ok(Some(self.input.split_to(length).freeze())),
            _ => Ok(None),
        }
    }

    async fn fill(&mut self, idle: Duration) -> Result<(), End> {
        timeout(idle, self.read()).await.unwrap_or(Err(End::Gone))
    }

    async fn read(&mut self) -> Result<(), End> {
        self.input.reserve(READ);
        match self.stream.read_buf(&mut self.input).await? {
            0 => Err(End::Gone),
            _ => Ok(()),
        }
    }

    /// Takes what the client has sent meanwhile, without waiting. Whole requests are in `Ok`, to be looked at and
    /// answered later.
    ///
    /// # Errors
    /// That the client went or talks nonsense.
    pub(super) fn glance(&mut self) -> Result<Option<Bytes>, End> {
        if self.input.len() < FRAME_MAX
            && let Some(Err(end)) = self.read().now_or_never()
        {
            return Err(end);
        }
        self.buffered()
    }

    /// Writes what waits, if it is a piece ([`limits::CHUNK`]) or more.
    ///
    /// # Errors
    /// As [`Wire::flush`].
    pub(super) async fn flush_if_full(&mut self) -> Result<(), End> {
        if self.output.len() >= limits::CHUNK { self.flush().await } else { Ok(()) }
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// [`End::Gone`] if the client does not take the next piece of it within [`limits::WRITE`].
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        if self.output.is_empty() {
            return Ok(());
        }
        for piece in self.output.chunks(limits::CHUNK) {
            timeout(limits::WRITE, self.stream.write_all(piece)).await.map_err(|_| End::Gone)??;
        }
        timeout(limits::WRITE, self.stream.flush()).await.map_err(|_| End::Gone)??;
        self.output.clear();
        if self.output.capacity() > 2 * limits::CHUNK {
            self.output = Vec::new();
        }
        Ok(())
    }

    /// Whether the client has sent something that was not read as a request yet.
    pub(super) fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// Gives the connection away, for TLS to be put around it.
    pub(super) fn into_stream(self) -> Box<dyn Duplex> {
        self.stream
    }

    fn shrink(&mut self) {
        if self.input.capacity() > KEPT {
            self.input = BytesMut::new();
        }
        if self.output.capacity() > KEPT {
            self.output = Vec::new();
        }
    }

    /// Says goodbye in the way of the transport.
    pub(super) async fn close(mut self) {
        let _ = self.flush().await;
        let _ = timeout(limits::WRITE, self.stream.shutdown()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_protocols::ldap::ber::BerError;
    use tokio::{io::duplex, time::Instant};

    const WHO_AM_I: &[u8] = b"\x30\x1e\x02\x01\x01\x77\x19\x80\x171.3.6.1.4.1.4203.1.11.3";

    /// A wire, and the client's end of it, which holds `room` bytes at most.
    fn wire(room: usize) -> (Wire, tokio::io::DuplexStream) {
        let (server, client) = duplex(room);
        (Wire::new(Box::new(server)), client)
    }

    /// Seconds until something ends.
    async fn seconds<T>(work: impl Future<Output = Result<T, End>>) -> u64 {
        let start = Instant::now();
        assert!(matches!(work.await, Err(End::Gone)));
        start.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn the_silent_and_the_slow_are_not_waited_for() {
        let (mut silent, _client) = wire(1024);
        assert_eq!(seconds(silent.next(limits::IDLE_ANONYMOUS)).await, 60);
        assert_eq!(seconds(silent.next(limits::IDLE_BOUND)).await, 900);
        let (mut half, mut client) = wire(1024);
        client.write_all(&WHO_AM_I[..20]).await.unwrap();
        assert_eq!(seconds(half.next(limits::IDLE_BOUND)).await, 20);
        let (mut dripping, mut client) = wire(1024);
        let drip = async {
            for byte in WHO_AM_I {
                client.write_all(&[*byte]).await.unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let (waited, ()) = tokio::join!(seconds(dripping.next(limits::IDLE_BOUND)), drip);
        assert_eq!(waited, 20, "a byte a second is too slow");
        let (mut full, _client) = wire(1024);
        full.output = vec![0; 4096];
        assert_eq!(seconds(full.flush()).await, 30);
    }

    #[tokio::test]
    async fn requests_come_out_whole_and_in_order() {
        let (mut wire, mut client) = wire(1024);
        client.write_all(&[WHO_AM_I, WHO_AM_I, &WHO_AM_I[..7]].concat()).await.unwrap();
        for _ in 0..2 {
            assert_eq!(wire.next(limits::IDLE_BOUND).await.unwrap(), WHO_AM_I);
        }
        assert!(wire.has_input() && wire.glance().unwrap().is_none());
        client.write_all(&WHO_AM_I[7..]).await.unwrap();
        assert_eq!(wire.glance().unwrap().unwrap(), WHO_AM_I);
        drop(client);
        assert!(matches!(wire.glance(), Err(End::Gone)));
    }

    #[tokio::test]
    async fn what_is_too_large_is_seen_by_its_first_bytes() {
        let (mut wire, mut client) = wire(1024);
        client.write_all(&[0x30, 0x82, 0x40, 0x01]).await.unwrap();
        assert!(matches!(wire.next(limits::IDLE_BOUND).await, Err(End::Garbled(BerError::TooLarge))));
        wire.trust(true);
        assert!(wire.buffered().unwrap().is_none(), "they may, who have signed in");
        let (mut wire, mut client) = self::wire(1024);
        wire.trust(true);
        client.write_all(&[0x30, 0x83, 0x02, 0x00, 0x01]).await.unwrap();
        assert!(matches!(wire.next(limits::IDLE_BOUND).await, Err(End::Garbled(BerError::TooLarge))));
    }

    /// Who sends many requests and reads no answers keeps one piece of answers waiting, not all of them.
    #[tokio::test(start_paused = true)]
    async fn answers_that_nobody_reads_do_not_pile_up() {
        let (mut wire, mut client) = wire(64 * 1024);
        client.write_all(&WHO_AM_I.repeat(100)).await.unwrap();
        let mut answered = 0;
        while let Ok(_request) = wire.next(limits::IDLE_BOUND).await {
            wire.output.resize(wire.output.len() + 17_000, 0);
            answered += 1;
            assert!(wire.output.len() < 2 * limits::CHUNK, "{}", wire.output.len());
        }
        assert!(answered < 12, "{answered}");
    }

    #[tokio::test]
    async fn large_buffers_are_given_back() {
        let (mut wire, mut client) = wire(256 * 1024);
        wire.output = vec![0; 200 * 1024];
        client.write_all(WHO_AM_I).await.unwrap();
        wire.next(limits::IDLE_BOUND).await.unwrap();
        assert!(wire.output.capacity() <= KEPT && wire.input.capacity() <= KEPT);
    }
}
