//! Numbers that bound what a client can make the server do.

use std::time::Duration;

/// Connections at once, altogether.
pub const CONNECTIONS: usize = 8192;
/// Connections at once from one address.
pub const CONNECTIONS_PER_ADDRESS: usize = 1024;
/// Longest request of somebody who has not signed in, in bytes; a bind takes a few hundred.
pub const FRAME_ANONYMOUS: usize = 16 * 1024;
/// How long somebody who has not signed in may be silent.
pub const IDLE_ANONYMOUS: Duration = Duration::from_mins(1);
/// How long somebody who has signed in may be silent.
pub const IDLE_BOUND: Duration = Duration::from_mins(15);
/// How long the rest of a request may take once it has begun, and a TLS handshake.
pub const REQUEST: Duration = Duration::from_secs(20);
/// How long a client may take to read what was written.
pub const WRITE: Duration = Duration::from_secs(30);
/// How long a search may take at most.
pub const SEARCH: Duration = Duration::from_mins(1);
/// Answers are written whenever so many bytes have come together.
pub const CHUNK: usize = 64 * 1024;
/// Tests made before others get their turn: entries looked at, times parts of the filter.
pub const TESTS_AT_ONCE: usize = 20_000;
/// People gathered from indexes for one search at most. Where more could pass, everybody is looked at in turn.
pub const GATHERED: usize = 20_000;
/// Requests read ahead while a search is being written.
pub const READ_AHEAD: usize = 16;
