//! What is asked, and what the answer must be. The names are those of `scripts/ldap_bench/directory.py`.

use clap::ValueEnum;

use crate::ber::{element, group, message, text};

/// Users whose password nobody checked before, with an Argon2id hash on both servers.
const COLD_USERS: u32 = 128;
/// Users who sign in again and again.
const WARM_USERS: u32 = 32;
/// Most requests prepared for one scenario.
const PREPARED_MAX: u32 = 65_536;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// `(uid=…)`, all attributes.
    Uid,
    /// `(mail=…)`, all attributes.
    Mail,
    /// `(&(objectClass=person)(uid=…))`, all attributes.
    PersonAndUid,
    /// `(&(uid=…)(memberOf=…))`, all attributes.
    UidAndMemberof,
    /// `(&(objectClass=groupOfNames)(member=…))`, names only.
    Groups,
    /// The same, all attributes: all members of each group come along.
    GroupsAll,
    /// `(memberOf=…)` of a group of 1,000, three attributes.
    Members,
    /// The same, all attributes.
    MembersAll,
    /// Binds of a few users, again and again.
    BindAgain,
    /// Binds, each of another user, once.
    BindCold,
}

/// A request, and how many entries its answer must have.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The whole message.
    pub(crate) bytes: Box<[u8]>,
    /// Entries in the answer.
    pub(crate) entries: u32,
}

/// Where the people are.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Base DN.
    pub(crate) base: String,
    /// How many users there are: a multiple of 1,000.
    pub(crate) users: u32,
    /// The password of them all.
    pub(crate) password: String,
}

impl Scenario {
    /// Whether every request may be made only once.
    pub(crate) fn is_once(self) -> bool {
        self == Self::BindCold
    }

    /// Whether every request must have been made before measuring.
    pub(crate) fn is_primed(self) -> bool {
        self == Self::BindAgain
    }

    /// Whether it searches, for which one has to be signed in.
    pub(crate) fn is_search(self) -> bool {
        !matches!(self, Self::BindAgain | Self::BindCold)
    }

    /// The requests, in an order of no order.
    pub(crate) fn requests(self, tree: &Tree) -> Vec<Prepared> {
        let step = tree.users / COLD_USERS;
        match self {
            Self::BindCold => (0..COLD_USERS).map(|k| tree.bind(k * step)).collect(),
            Self::BindAgain => (0..WARM_USERS).map(|k| tree.bind(k * step + 1)).collect(),
            Self::Members => vec![tree.members(&["uid", "cn", "mail"])],
            Self::MembersAll => vec![tree.members(&[])],
            _ => shuffled(tree.users).into_iter().map(|user| self.search(tree, user)).collect(),
        }
    }

    fn search(self, tree: &Tree, user: u32) -> Prepared {
        let name = username(user);
        let (uid, users) = (equals("uid", &name), format!("ou=users,{}", tree.base));
        let filter = match self {
            Self::Mail => equals("mail", &format!("{name}@example.org")),
            Self::PersonAndUid => group(0xa0, &[equals("objectClass", "person"), uid]),
            Self::UidAndMemberof => {
                let of = format!("cn=group-{:04},ou=groups,{}", user % (tree.users / 100), tree.base);
                group(0xa0, &[uid, equals("memberOf", &of)])
            }
            Self::Groups => return tree.groups(user, &["cn"]),
            Self::GroupsAll => return tree.groups(user, &[]),
            _ => uid,
        };
        Prepared { bytes: search(&users, filter, &[]), entries: 1 }
    }
}

impl Tree {
    fn dn(&self, user: u32) -> String {
        format!("cn={},ou=users,{}", username(user), self.base)
    }

    fn bind(&self, user: u32) -> Prepared {
        Prepared { bytes: bind(&self.dn(user), &self.password), entries: 0 }
    }

    fn members(&self, attributes: &[&str]) -> Prepared {
        let filter = equals("memberOf", &format!("cn=team-1000,ou=groups,{}", self.base));
        Prepared { bytes: search(&format!("ou=users,{}", self.base), filter, attributes), entries: 1000 }
    }

    fn groups(&self, user: u32, attributes: &[&str]) -> Prepared {
        let filter = group(0xa0, &[equals("objectClass", "groupOfNames"), equals("member", &self.dn(user))]);
        let in_team = user.is_multiple_of(self.users / 1000);
        let bytes = search(&format!("ou=groups,{}", self.base), filter, attributes);
        Prepared { bytes, entries: 3 + u32::from(in_team) }
    }
}

fn username(user: u32) -> String {
    format!("user{user:06}")
}

/// A bind request (RFC 4511, section 4.2) with a password.
pub(crate) fn bind(dn: &str, password: &str) -> Box<[u8]> {
    message(group(0x60, &[element(0x02, &[3]), text(dn), element(0x80, password.as_bytes())]))
}

/// A search request (RFC 4511, section 4.5.1): whole subtree, no limits.
fn search(base: &str, filter: Vec<u8>, attributes: &[&str]) -> Box<[u8]> {
    let number = || element(0x02, &[0]);
    let attributes: Vec<_> = attributes.iter().map(|name| text(name)).collect();
    message(group(
        0x63,
        &[
            text(base),
            element(0x0a, &[2]),
            element(0x0a, &[0]),
            number(),
            number(),
            element(0x01, &[0]),
            filter,
            group(0x30, &attributes),
        ],
    ))
}

fn equals(attribute: &str, value: &str) -> Vec<u8> {
    group(0xa3, &[text(attribute), text(value)])
}

/// Users drawn from all, each at most once, the same ones in every run.
fn shuffled(users: u32) -> Vec<u32> {
    let mut order: Vec<u32> = (0..users).collect();
    let mut state = 0x9e37_79b9_u32;
    for last in (1..order.len()).rev() {
        // Marsaglia's xorshift.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let other = usize::try_from(state).unwrap_or_default() % (last + 1);
        order.swap(last, other);
    }
    order.truncate(usize::try_from(PREPARED_MAX).unwrap_or(usize::MAX));
    order
}
