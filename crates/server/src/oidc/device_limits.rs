//! What keeps devices and people who type codes within bounds (RFC 8628, sections 5.1 and 5.2).

use doorward_core::id::{ProviderId, UserId};
use doorward_store::{self as store, db::Tx, throttle::Throttle};
use jiff::{SignedDuration, Timestamp};
use std::net::IpAddr;

use crate::{
    app::App,
    auth::throttle::{around, network},
};

/// The time in which requests and wrong codes are counted.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// Requests of an address for a code in [`WINDOW`]. authentik has 20; a script that signs in anew at every start, or an office
/// behind one address, needs more.
pub const REQUESTS_PER_ADDRESS: i64 = 60;
/// The same for the network around it: an IPv4 /24, an IPv6 /48, which one customer may have.
pub const REQUESTS_PER_SITE: i64 = 600;
/// The same for what is around that: an IPv4 /16, an IPv6 /32, which one provider may have.
pub const REQUESTS_PER_REGION: i64 = 3000;
/// Devices of an address that wait for somebody at the same time.
pub const OPEN_PER_ADDRESS: i64 = 20;
/// Devices of a client that wait at the same time: anybody can make one wait, and each is a code that could be guessed.
pub const OPEN_PER_CLIENT: i64 = 1000;
/// Devices of one client and one site that wait: whoever has a site cannot shut everybody else out.
pub const OPEN_PER_SITE: i64 = 100;
/// Devices of one client and one region that wait.
pub const OPEN_PER_REGION: i64 = 300;
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

/// The network around an address that one customer may have.
pub(super) fn site(address: IpAddr) -> String {
    around(address, 24, 48)
}

/// The network around that, which one provider may have.
pub(super) fn region(address: IpAddr) -> String {
    around(address, 16, 32)
}

/// Whose requests are counted, from the smallest on: what is refused to an address is not counted against those around it.
fn requests_of(address: IpAddr) -> [(String, i64, &'static str); 3] {
    let prefix = store::throttle::CODES;
    [
        (format!("{prefix}device-request:{}", network(address)), REQUESTS_PER_ADDRESS, "requests from this address"),
        (
            format!("{prefix}device-site:{}", site(address)),
            REQUESTS_PER_SITE,
            "requests from the network around this address",
        ),
        (format!("{prefix}device-region:{}", region(address)), REQUESTS_PER_REGION, "requests from this region"),
    ]
}

/// Looks whether an address made too many requests already. Moves no counter, so that a flood costs no write.
///
/// # Errors
/// What the database says.
pub(super) async fn look(app: &App, address: IpAddr) -> store::Result<Option<TooMany>> {
    let (limits, now) = (requests_of(address), app.clock.now());
    let names = limits.clone().map(|(name, ..)| name);
    let found = app
        .db
        .read(move |tx| Box::pin(async move { store::throttle::find(tx, names.each_ref().map(String::as_str)).await }));
    let found = found.await?;
    let in_window = found.iter().filter(|counter| counter.started_at > window_start(now));
    let reached = in_window.filter_map(|counter| {
        let (_, limit, what) = limits.iter().find(|(name, ..)| *name == counter.name)?;
        (counter.count >= *limit).then(|| too_many(what, counter, now))
    });
    Ok(reached.max_by_key(|limit| limit.wait))
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
    for (name, limit, what) in requests_of(address) {
        let requests = store::throttle::count(tx, &name, now, window_start(now)).await?;
        if requests.count > limit {
            return Ok(Some(too_many(what, &requests, now)));
        }
    }
    let wait = SignedDuration::from_mins(1);
    if store::device_code::count_open_of_network(tx, &network(address), now).await? >= OPEN_PER_ADDRESS {
        return Ok(Some(TooMany { what: "devices of this address wait", wait }));
    }
    let client = format!("{}device-client:{provider}", store::throttle::CODES);
    store::throttle::count(tx, &client, now, window_start(now)).await?;
    let open =
        store::device_code::count_open_of_provider(tx, provider, (&site(address), &region(address)), now).await?;
    let limits = [
        (open.overall, OPEN_PER_CLIENT, "devices of this application wait"),
        (open.of_site, OPEN_PER_SITE, "devices of this application wait in the network around this address"),
        (open.of_region, OPEN_PER_REGION, "devices of this application wait in this region"),
    ];
    let reached = limits.into_iter().find(|(count, limit, _)| count >= limit);
    Ok(reached.map(|(.., what)| TooMany { what, wait }))
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
