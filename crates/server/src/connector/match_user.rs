//! Which account of NetBox is a person's, when that is not known yet. Pure.
//!
//! NetBox keeps the identifier by which it knows people at sign-in to itself, so an account is found by its name. But a
//! name alone proves nothing: where `alice` was there before, NetBox calls the person who signs in `alice` with sixteen
//! hexadecimal digits behind it. So an account is linked only if something besides its name speaks for it, and only if
//! nothing speaks for another.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::BTreeSet;

use super::desired::Desired;
use crate::netbox::users::{NetBoxUser, is_suffixed};

/// By how much NetBox's clock may be behind.
pub const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(30);
/// How long after Doorward saw somebody NetBox may have taken to let them in. What happened later was somebody else's doing.
pub const ARRIVAL: SignedDuration = SignedDuration::from_mins(10);

/// Whose account it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// This one, perhaps with something an administrator should know.
    Link {
        /// The account's number.
        account: i64,
        /// Whether the person was seen signing in with it, so that it cannot be a local account of that name.
        is_seen: bool,
        /// What an administrator should know, or empty.
        warning: String,
    },
    /// None yet.
    None,
    /// There are accounts of that name, but nothing says whose they are.
    Unclear {
        /// Why, and what to do.
        why: String,
    },
}

/// How much speaks for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    Nothing,
    /// The address is the person's, and somebody has signed in with it; nobody was seen signing in.
    Address,
    /// The address is the person's, and it was signed in with when the person was seen.
    AddressAndTime,
    /// It was made when the person was seen.
    Made,
}

/// Decides whose account it is. `seen_at`: when Doorward last saw the person on their way to NetBox; `candidates`: the
/// accounts with their name, or with their name and digits behind it; `taken`: accounts that are other people's.
pub fn decide(
    desired: &Desired,
    seen_at: Option<Timestamp>,
    candidates: &[NetBoxUser],
    taken: &BTreeSet<i64>,
) -> Verdict {
    let candidates: Vec<&NetBoxUser> = candidates
        .iter()
        .filter(|account| account.username == desired.username || is_suffixed(&account.username, &desired.username))
        .collect();
    let free: Vec<&NetBoxUser> = candidates.iter().copied().filter(|account| !taken.contains(&account.id)).collect();
    let rated: Vec<(Evidence, &NetBoxUser)> =
        free.iter().map(|account| (evidence(desired, seen_at, account), *account)).collect();
    let best = rated.iter().map(|(evidence, _)| *evidence).max().unwrap_or(Evidence::Nothing);
    let mut winners = rated.iter().filter(|(evidence, _)| *evidence == best).map(|(_, account)| *account);
    match (best, winners.next(), winners.next()) {
        (_, None, _) => Verdict::None,
        (Evidence::Nothing, ..) => Verdict::Unclear { why: unclear(&free, seen_at) },
        // Without a sign-in to compare with, two of a name are one too many.
        (Evidence::Address, Some(_), _) if free.len() > 1 => Verdict::Unclear { why: unclear(&free, seen_at) },
        (_, Some(account), None) => Verdict::Link {
            account: account.id,
            is_seen: best >= Evidence::AddressAndTime,
            warning: duplicates(account, &candidates),
        },
        (_, Some(_), Some(_)) => Verdict::Unclear { why: unclear(&free, seen_at) },
    }
}

fn evidence(desired: &Desired, seen_at: Option<Timestamp>, account: &NetBoxUser) -> Evidence {
    let has_address = !desired.email.is_empty() && account.email.eq_ignore_ascii_case(&desired.email);
    let Some(seen_at) = seen_at else {
        return if has_address && account.last_login.is_some() { Evidence::Address } else { Evidence::Nothing };
    };
    let earliest = seen_at.saturating_sub(CLOCK_TOLERANCE).unwrap_or(seen_at);
    let latest = seen_at.saturating_add(ARRIVAL).unwrap_or(seen_at);
    let is_then = |time: Option<Timestamp>| time.is_some_and(|time| time >= earliest && time <= latest);
    if is_then(account.date_joined) && is_then(account.last_login) {
        Evidence::Made
    } else if has_address && is_then(account.last_login) {
        Evidence::AddressAndTime
    } else {
        Evidence::Nothing
    }
}

fn unclear(accounts: &[&NetBoxUser], seen_at: Option<Timestamp>) -> String {
    let names: Vec<&str> = accounts.iter().map(|account| account.username.as_str()).collect();
    let evidence = if seen_at.is_some() {
        "none was made at the sign-in that Doorward saw, or has the person's e-mail address and was signed in with then"
    } else {
        "nothing but the name, or more than one account, speaks for it"
    };
    format!("NetBox has {}, but {evidence}. Link the right one by hand.", names.join(" and "))
}

/// What an administrator should know of the other accounts of that name.
fn duplicates(linked: &NetBoxUser, candidates: &[&NetBoxUser]) -> String {
    let others: Vec<&str> =
        candidates.iter().filter(|account| account.id != linked.id).map(|account| account.username.as_str()).collect();
    if others.is_empty() {
        return String::new();
    }
    format!(
        "NetBox has {} beside {}, which this person signs in with. An account that was there before is never matched \
         at sign-in: NetBox makes another with digits behind the name. Delete or rename the one that nobody uses.",
        others.join(" and "),
        linked.username
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DIGITS: &str = "f683ea2d6f024ceb";

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_767_000_000 + minute * 60).unwrap()
    }

    fn alice() -> Desired {
        Desired { email: "alice@example.org".into(), ..Desired::deleted("alice") }
    }

    fn account(id: i64, username: &str, joined: i64, login: Option<i64>, email: &str) -> NetBoxUser {
        let json = serde_json::json!({ "id": id, "username": username, "email": email });
        let user: NetBoxUser = serde_json::from_value(json).unwrap();
        NetBoxUser { date_joined: Some(at(joined)), last_login: login.map(at), ..user }
    }

    fn linked(verdict: &Verdict) -> Option<i64> {
        match verdict {
            Verdict::Link { account, .. } => Some(*account),
            _ => None,
        }
    }

    fn look(seen: Option<i64>, accounts: &[NetBoxUser]) -> Verdict {
        decide(&alice(), seen.map(at), accounts, &BTreeSet::new())
    }

    #[test]
    fn the_account_that_the_sign_in_made_is_linked() {
        let made = account(1, "alice", 10, Some(10), "");
        assert_eq!(look(Some(10), &[made]), Verdict::Link { account: 1, is_seen: true, warning: String::new() });
        assert_eq!(look(Some(10), &[]), Verdict::None);
    }

    #[test]
    fn a_local_account_of_that_name_is_left_alone() {
        // Signed in with by password, at the same time, by somebody else.
        let local = account(1, "alice", 0, Some(10), "");
        assert!(matches!(look(Some(10), std::slice::from_ref(&local)), Verdict::Unclear { .. }));
        let made = account(2, &format!("alice{DIGITS}"), 10, Some(10), "");
        let Verdict::Link { account, warning, .. } = look(Some(10), &[local, made]) else { panic!() };
        assert_eq!(account, 2);
        assert!(warning.contains("alice beside"), "{warning}");
    }

    #[test]
    fn an_older_account_needs_address_and_time() {
        let older = account(1, "alice", 0, Some(11), "Alice@Example.org");
        assert_eq!(linked(&look(Some(10), &[older])), Some(1));
        let stale = account(1, "alice", 0, Some(5), "alice@example.org");
        assert!(matches!(look(Some(10), &[stale]), Verdict::Unclear { .. }));
        let never = account(1, "alice", 0, None, "alice@example.org");
        assert!(matches!(look(Some(10), &[never]), Verdict::Unclear { .. }));
    }

    #[test]
    fn what_happened_long_after_the_sign_in_says_nothing() {
        let late = 10 + ARRIVAL.as_secs() + 1;
        let local = account(1, "alice", late, Some(late), "alice@example.org");
        assert!(matches!(look(Some(10), &[local]), Verdict::Unclear { .. }));
        let older = account(1, "alice", 0, Some(late), "alice@example.org");
        assert!(matches!(look(Some(10), &[older]), Verdict::Unclear { .. }));
    }

    #[test]
    fn nobody_seen_needs_the_address_and_no_other_account() {
        let older = account(1, "alice", 0, Some(5), "alice@example.org");
        assert_eq!(linked(&look(None, std::slice::from_ref(&older))), Some(1));
        let other = account(2, &format!("alice{DIGITS}"), 0, Some(5), "");
        assert!(matches!(look(None, &[older, other]), Verdict::Unclear { .. }));
        for unproven in [account(1, "alice", 0, None, "alice@example.org"), account(1, "alice", 0, Some(5), "x@y.z")] {
            assert!(matches!(look(None, &[unproven]), Verdict::Unclear { .. }));
        }
    }

    #[test]
    fn two_that_are_equally_likely_are_nobodys() {
        let accounts = [account(1, "alice", 10, Some(10), ""), account(2, &format!("alice{DIGITS}"), 10, Some(10), "")];
        let Verdict::Unclear { why } = look(Some(10), &accounts) else { panic!() };
        assert!(why.contains("alice and alicef683"), "{why}");
    }

    #[test]
    fn what_is_somebody_elses_is_never_taken() {
        let made = account(1, "alice", 10, Some(10), "alice@example.org");
        assert_eq!(decide(&alice(), Some(at(10)), &[made], &[1].into()), Verdict::None);
    }

    #[test]
    fn names_must_be_the_same_to_the_letter() {
        for name in ["Alice", "alice2", "alicex", "bob"] {
            assert_eq!(look(Some(10), &[account(1, name, 10, Some(10), "alice@example.org")]), Verdict::None, "{name}");
        }
    }

    #[test]
    fn a_clock_a_little_behind_does_no_harm() {
        let mut made = account(1, "alice", 10, Some(10), "");
        made.date_joined = at(10).checked_sub(SignedDuration::from_secs(30)).ok();
        made.last_login = made.date_joined;
        assert_eq!(linked(&look(Some(10), std::slice::from_ref(&made))), Some(1));
        made.date_joined = at(10).checked_sub(SignedDuration::from_secs(31)).ok();
        assert_eq!(linked(&look(Some(10), &[made])), None);
    }

    proptest! {
        /// Whatever accounts there are: who is linked has the name, is free, and has been signed in with.
        #[test]
        fn nobody_is_linked_by_name_alone(
            accounts in prop::collection::vec(
                (1_i64..5, any::<bool>(), 0_i64..20, prop::option::of(0_i64..20), any::<bool>()), 0..4),
            seen in prop::option::of(5_i64..15),
            taken in prop::collection::btree_set(1_i64..5, 0..3),
        ) {
            let accounts: Vec<NetBoxUser> = accounts.into_iter().map(|(id, is_suffixed, joined, login, has_address)| {
                let name = if is_suffixed { format!("alice{DIGITS}") } else { "alice".to_owned() };
                account(id, &name, joined, login, if has_address { "alice@example.org" } else { "" })
            }).collect();
            if let Some(id) = linked(&decide(&alice(), seen.map(at), &accounts, &taken)) {
                prop_assert!(!taken.contains(&id));
                let account = accounts.iter().find(|account| account.id == id && account.last_login.is_some());
                prop_assert!(account.is_some());
            }
        }
    }
}
