//! Slowing down guessing: counted per account and per address, before the password is looked at.

use doorward_core::{cipher::sha256_hex, id::UserId};
use doorward_store::{self as store, db::Tx};
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use std::net::{IpAddr, Ipv4Addr};

use crate::app::App;

/// The time in which attempts are counted.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(5);
/// Attempts per account and network in a window: whoever guesses shuts out nobody but their own network.
pub const PER_ACCOUNT: i64 = 10;
/// Attempts per account from everywhere in a window; more than one address alone can make.
pub const PER_ACCOUNT_OVERALL: i64 = 100;
/// Attempts per address in a window. Many people share an address.
pub const PER_ADDRESS: i64 = 60;
/// Attempts per address of an application that passes on its people's passwords, as NetBox does by LDAP: all of them come
/// from there, and nobody outside shall be able to shut all of them out by typing nonsense into its sign-in form.
pub const PER_APPLICATION_ADDRESS: i64 = 600;

/// The time in which codes after a right password are counted.
pub const CODE_WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// Codes per account in [`CODE_WINDOW`] without a right one among them. Whoever tries codes knows the password, and three
/// codes in a million are good at any time: five minutes at a time, somebody with patience would find one in a few weeks.
pub const CODES_PER_ACCOUNT: i64 = 20;

/// Whose attempts are counted.
#[derive(Debug, Clone)]
pub struct Counters {
    account: String,
    account_overall: String,
    address: String,
    address_limit: i64,
}

impl Counters {
    /// Counters for an attempt that comes by way of an application.
    pub fn of_application(user: Option<UserId>, typed: &str, address: IpAddr) -> Self {
        let address_name = format!("application:{}", network(address));
        Self { address: address_name, address_limit: PER_APPLICATION_ADDRESS, ..Self::new(user, typed, address) }
    }

    /// Counters for an attempt. A known account has one counter, whether its username or its address was typed
    /// (CVE-2025-24806).
    pub fn new(user: Option<UserId>, typed: &str, address: IpAddr) -> Self {
        let account = user.map_or_else(
            || format!("name:{}", sha256_hex(doorward_core::user::key(typed).as_bytes())),
            |id| format!("user:{id}"),
        );
        let network = network(address);
        Self {
            account: format!("{account}@{network}"),
            account_overall: account,
            address: format!("address:{network}"),
            address_limit: PER_ADDRESS,
        }
    }

    /// The counters with their limits, in the order in which they are moved.
    fn limits(&self) -> [(&str, i64); 3] {
        [
            (&self.address, self.address_limit),
            (&self.account, PER_ACCOUNT),
            (&self.account_overall, PER_ACCOUNT_OVERALL),
        ]
    }
}

/// An address as it is counted: IPv6 by its /64, which belongs to one customer.
pub(crate) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// The network around an address, by its first bits: what one customer may have of many networks, or one provider of many
/// customers. Whoever counts by [`network`] alone lets somebody with a /48 count 65,536 times.
pub(crate) fn around(address: IpAddr, bits_v4: u8, bits_v6: u8) -> String {
    let address = address.to_canonical();
    let bits = if address.is_ipv4() { bits_v4 } else { bits_v6 };
    IpNet::new(address, bits).map_or_else(|_| address.to_string(), |network| network.trunc().to_string())
}

/// The counter of an account's authenticator codes. A right code, another password or another app begin it anew.
pub(crate) fn codes_of(user: UserId) -> String {
    format!("{}{user}", store::throttle::CODES)
}

/// Counts a code that was given after the right password, before it is looked at.
///
/// # Errors
/// `Ok(Some(wait))` if there were too many and one has to wait; an error if the database cannot count.
pub(super) async fn count_code(app: &App, user: UserId) -> store::Result<Option<SignedDuration>> {
    count_code_of(app, codes_of(user)).await
}

/// Takes the time that [`count_code`] takes, and counts for nobody.
///
/// # Errors
/// What the database says.
pub(super) async fn waste_code(app: &App) -> store::Result<()> {
    count_code_of(app, format!("{}nobody", store::throttle::CODES)).await.map(drop)
}

async fn count_code_of(app: &App, name: String) -> store::Result<Option<SignedDuration>> {
    let now = app.clock.now();
    let window_start = now.saturating_sub(CODE_WINDOW).unwrap_or(now);
    let count =
        app.db.write(move |tx| Box::pin(async move { store::throttle::count(tx, &name, now, window_start).await }));
    let counted = count.await?;
    Ok((counted.count > CODES_PER_ACCOUNT).then(|| wait(CODE_WINDOW, counted.started_at, now)))
}

fn wait(window: SignedDuration, started_at: Timestamp, now: Timestamp) -> SignedDuration {
    (window - now.duration_since(started_at)).max(SignedDuration::from_secs(1))
}

/// How long to wait, as people say it.
pub fn in_words(wait: SignedDuration) -> String {
    if wait < SignedDuration::from_hours(2) {
        return format!("{} seconds", wait.as_secs());
    }
    format!("{} hours", wait.as_secs().saturating_add(3599) / 3600)
}

fn window_start(now: Timestamp) -> Timestamp {
    now.saturating_sub(WINDOW).unwrap_or(now)
}

/// Whether the next attempt would be one too many. Moves no counter.
///
/// # Errors
/// What the database says.
pub(super) async fn is_reached(tx: &mut Tx<'_>, counters: &Counters, now: Timestamp) -> store::Result<bool> {
    let limits = counters.limits();
    let found = store::throttle::find(tx, limits.map(|(name, _)| name)).await?;
    Ok(found
        .iter()
        .filter(|throttle| throttle.started_at > window_start(now))
        .any(|throttle| limits.iter().any(|(name, limit)| *name == throttle.name && throttle.count >= *limit)))
}

/// A limit that is reached: the next attempt would be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Which, to be read after "too many".
    pub what: String,
    /// For how long still.
    pub wait: SignedDuration,
    /// Whether another address would help.
    pub is_by_address: bool,
}

/// The limits of the sign-in form that an account has reached; those that go by address only where one is given. Moves
/// no counter.
///
/// # Errors
/// What the database says.
pub async fn reached(
    tx: &mut Tx<'_>,
    user: UserId,
    address: Option<IpAddr>,
    now: Timestamp,
) -> store::Result<Vec<Reached>> {
    let counters = Counters::new(Some(user), "", address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
    let network = address.map(network);
    let from = |what: &str| network.as_ref().map(|network| format!("{what} from {network}"));
    let limits = [
        (&counters.address, PER_ADDRESS, from("attempts")),
        (&counters.account, PER_ACCOUNT, from("attempts for this account")),
        (&counters.account_overall, PER_ACCOUNT_OVERALL, Some("attempts for this account from everywhere".to_owned())),
    ];
    let found = store::throttle::find(tx, [limits[0].0, limits[1].0, limits[2].0]).await?;
    let in_window = found.iter().filter(|throttle| throttle.started_at > window_start(now));
    let mut reached: Vec<Reached> = in_window
        .filter_map(|throttle| {
            let (.., what) =
                limits.iter().find(|(name, limit, _)| **name == throttle.name && throttle.count >= *limit)?;
            let is_by_address = throttle.name != counters.account_overall;
            Some(Reached { what: what.clone()?, wait: wait(WINDOW, throttle.started_at, now), is_by_address })
        })
        .collect();
    let codes = codes_of(user);
    for throttle in store::throttle::find(tx, [&codes, &codes, &codes]).await? {
        if throttle.count >= CODES_PER_ACCOUNT && now.duration_since(throttle.started_at) < CODE_WINDOW {
            let what = "codes after the right password".to_owned();
            reached.push(Reached { what, wait: wait(CODE_WINDOW, throttle.started_at, now), is_by_address: false });
        }
    }
    Ok(reached)
}

/// Counts an attempt. An address that made too many is turned away before it can touch an account's counter.
///
/// # Errors
/// `Ok(Some(wait))` if there were too many and one has to wait; an error if the database cannot count.
pub async fn count(app: &App, counters: &Counters) -> store::Result<Option<SignedDuration>> {
    let now = app.clock.now();
    let window_start = window_start(now);
    let counters = counters.clone();
    let exceeded = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                for (name, limit) in counters.limits() {
                    let counted = store::throttle::count(tx, name, now, window_start).await?;
                    if counted.count > limit {
                        return Ok(Some(counted));
                    }
                }
                Ok(None)
            })
        })
        .await?;
    Ok(exceeded.map(|throttle| wait(WINDOW, throttle.started_at, now)))
}

/// Forgets an account's attempts after success, and does not hold this one against the address.
///
/// # Errors
/// What the database says.
pub async fn forget(app: &App, counters: &Counters) -> store::Result<()> {
    let counters = counters.clone();
    app.db
        .write(move |tx| {
            Box::pin(async move {
                // In the order in which they are counted, so that two sign-ins never wait for each other.
                store::throttle::forgive(tx, &counters.address).await?;
                store::throttle::reset(tx, &counters.account).await?;
                store::throttle::reset(tx, &counters.account_overall).await
            })
        })
        .await
}

/// Does not hold an attempt against the address: the password was right, only the code is still missing. The account's
/// counters stay, or a known password would give codes to guess without end.
///
/// # Errors
/// What the database says.
pub(super) async fn forgive_address(app: &App, counters: &Counters) -> store::Result<()> {
    let address = counters.address.clone();
    app.db.write(move |tx| Box::pin(async move { store::throttle::forgive(tx, &address).await })).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_counted_by_customer() {
        let network = |text: &str| network(text.parse().unwrap());
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    }

    #[test]
    fn what_is_around_an_address_is_counted_by_its_first_bits() {
        let around = |text: &str| around(text.parse().unwrap(), 24, 48);
        assert_eq!(around("198.51.100.7"), "198.51.100.0/24");
        assert_eq!(around("::ffff:198.51.100.7"), "198.51.100.0/24");
        assert_eq!(around("2001:db8:1:2::1"), "2001:db8:1::/48");
    }

    #[test]
    fn applications_have_counters_and_a_limit_of_their_own_for_their_address() {
        let address: IpAddr = "192.0.2.7".parse().unwrap();
        let (form, application) =
            (Counters::new(None, "alice", address), Counters::of_application(None, "alice", address));
        assert_eq!(form.limits()[1..], application.limits()[1..]);
        assert_eq!(form.limits()[0], ("address:192.0.2.7", 60));
        assert_eq!(application.limits()[0], ("application:192.0.2.7", 600));
    }
}
