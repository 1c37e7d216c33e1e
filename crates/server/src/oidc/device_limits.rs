//! What keeps devices and people who type codes within bounds (RFC 8628, sections 5.1 and 5.2).

use doorward_core::id::{ProviderId, UserId};
use doorward_store::{self as store, db::Tx, throttle::Throttle};
use jiff::{SignedDuration, Timestamp};
use std::net::IpAddr;

use crate::{app::App, auth::throttle::network};

/// The time in which requests and wrong codes are counted.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// Requests of an address for a code in [`WINDOW`]. authentik has 20; a script that signs in anew at every start, or an office
/// behind one address, needs more.
pub const REQUESTS_PER_ADDRESS: i64 = 60;
/// Devices of an address that wait for somebody at the same time.
pub const OPEN_PER_ADDRESS: i64 = 20;
/// Devices of a client that wait at the same time: anybody can make one wait, and each is a code that could be guessed.
pub const OPEN_PER_CLIENT: i64 = 1000;
/// Wrong codes of an account in [`WINDOW`]. With as many devices of a client waiting as may, an account finds one in a hundred
/// thousand hours, and all it gains is a stranger's device signed in as itself.
pub const WRONG_PER_ACCOUNT: i64 = 10;
/// Wrong codes of an address in [`WINDOW`], whoever types them.
pub const WRONG_PER_ADDRESS: i64 = 60;

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// What there is too much of, to be read after "too many".
    pub what: &'static str,
    /// How long to wait.
    pub wait: SignedDuration,
}

fn window_start(now: Timestamp) -> Timestamp {
    now.saturating_sub(WINDOW).unwrap_or(now)
}

fn too_many(what: &'static str, counter: &Throttle, now: Timestamp) -> TooMany {
    TooMany { what, wait: (WINDOW - now.duration_since(counter.started_at)).max(SignedDuration::from_secs(1)) }
}

fn requests_of(address: IpAddr) -> String {
    format!("{}device-request:{}", store::throttle::CODES, network(address))
}

/// Looks whether an address made too many requests already. Moves no counter, so that a flood costs no write.
///
/// # Errors
/// What the database says.
pub(super) async fn look(app: &App, address: IpAddr) -> store::Result<Option<TooMany>> {
    let (name, now) = (requests_of(address), app.clock.now());
    let found = app.db.read(move |tx| Box::pin(async move { store::throttle::find(tx, [&name, &name, &name]).await }));
    let reached = found
        .await?
        .into_iter()
        .find(|counter| counter.started_at > window_start(now) && counter.count >= REQUESTS_PER_ADDRESS);
    Ok(reached.map(|counter| too_many("requests from this address", &counter, now)))
}

/// Counts a request of an address at a client, and looks whether another device may wait. In the transaction that adds it:
/// the rows of the counters stay locked until it ends, so that requests of one address and one client come one after the
/// other.
///
/// # Errors
/// What the database says.
pub(super) async fn count_request(
    tx: &mut Tx<'_>,
    address: IpAddr,
    provider: ProviderId,
    now: Timestamp,
) -> store::Result<Option<TooMany>> {
    let requests = store::throttle::count(tx, &requests_of(address), now, window_start(now)).await?;
    if requests.count > REQUESTS_PER_ADDRESS {
        return Ok(Some(too_many("requests from this address", &requests, now)));
    }
    let wait = SignedDuration::from_mins(1);
    if store::device_code::count_open_of_network(tx, &network(address), now).await? >= OPEN_PER_ADDRESS {
        return Ok(Some(TooMany { what: "devices of this address wait", wait }));
    }
    let client = format!("{}device-client:{provider}", store::throttle::CODES);
    store::throttle::count(tx, &client, now, window_start(now)).await?;
    if store::device_code::count_open_of_provider(tx, provider, now).await? >= OPEN_PER_CLIENT {
        return Ok(Some(TooMany { what: "devices of this application wait", wait }));
    }
    Ok(None)
}

/// Whose wrong codes are counted. Not by session: whoever signs in anew would begin anew.
fn wrong_of(user: UserId, address: IpAddr) -> [(String, i64, &'static str); 2] {
    let prefix = store::throttle::CODES;
    [
        // The account first: what is refused to it is not counted against those who share its address.
        (format!("{prefix}device-user:{user}"), WRONG_PER_ACCOUNT, "wrong codes for this account"),
        (format!("{prefix}device-address:{}", network(address)), WRONG_PER_ADDRESS, "wrong codes from this address"),
    ]
}

/// Counts a code that somebody typed as a wrong one, before it is looked at.
///
/// # Errors
/// `Ok(Some(…))` if there were too many; an error if the database cannot count.
pub(super) async fn count_typed(app: &App, user: UserId, address: IpAddr) -> store::Result<Option<TooMany>> {
    let now = app.clock.now();
    app.db
        .write(move |tx| {
            Box::pin(async move {
                for (name, limit, what) in wrong_of(user, address) {
                    let counted = store::throttle::count(tx, &name, now, window_start(now)).await?;
                    if counted.count > limit {
                        return Ok(Some(too_many(what, &counted, now)));
                    }
                }
                Ok(None)
            })
        })
        .await
}

/// Takes it back: the code was a right one. What was wrong before stays counted, or whoever has a device of their own could
/// begin anew between guesses.
///
/// # Errors
/// What the database says.
pub(super) async fn was_right(app: &App, user: UserId, address: IpAddr) -> store::Result<()> {
    app.db
        .write(move |tx| {
            Box::pin(async move {
                for (name, ..) in wrong_of(user, address) {
                    store::throttle::forgive(tx, &name).await?;
                }
                Ok(())
            })
        })
        .await
}
