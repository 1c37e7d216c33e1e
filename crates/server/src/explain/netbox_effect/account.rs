//! Which account of NetBox a sign-in leads to, and what is written into it.

use doorward_core::method::Method;
use serde::Serialize;

use super::{FieldChange, Present, PresentAccount, Setup, Told};
use crate::netbox::users::is_suffixed;

/// Longest username of NetBox, in characters.
const USERNAME_MAX: usize = 150;

/// Which account it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AccountEffect {
    /// One that is there.
    Matched {
        /// Its name.
        username: String,
        /// NetBox's number for it.
        id: i64,
        /// How that is known.
        why: String,
    },
    /// A new one.
    Made {
        /// Its name.
        username: String,
    },
    /// A new one beside one of the same name, which stays as it is.
    Duplicated {
        /// What its name begins with; sixteen digits follow.
        username: String,
        /// NetBox's number for the one that has the name.
        beside: i64,
        /// How that is known.
        why: String,
    },
    /// One of two things, which only NetBox can tell apart.
    Unclear {
        /// The name.
        username: String,
        /// NetBox's number for the one that has the name.
        id: i64,
    },
    /// NetBox was not asked.
    Unknown {
        /// The name that it has or gets.
        username: String,
    },
    /// The sign-in fails.
    Fails {
        /// Why.
        why: String,
    },
}

impl AccountEffect {
    /// The account in words.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Matched { username, id, why } => format!("the account {username} (number {id}): {why}"),
            Self::Made { username } => format!("a new account {username} is made"),
            Self::Duplicated { username, why, .. } => {
                format!("a second account {username} with sixteen digits behind its name is made: {why}")
            }
            Self::Unclear { username, id } => format!(
                "there is an account {username} (number {id}); if an earlier sign-in made it, it is theirs, and if it was \
                 made by hand, a second one with sixteen digits behind its name is made"
            ),
            Self::Unknown { username } => {
                format!(
                    "the account {username}, made if it is not there; NetBox was not asked, for want of a connector"
                )
            }
            Self::Fails { why } => format!("the sign-in fails: {why}"),
        }
    }
}

/// The account, what NetBox has of it, and what should be looked at.
pub(super) struct Chosen<'p> {
    pub(super) effect: AccountEffect,
    pub(super) present: Option<&'p PresentAccount>,
    pub(super) warnings: Vec<String>,
}

/// A username as NetBox keeps it after a sign-in over OpenID Connect: ASCII letters and digits and `@ + . _ -`, in their
/// case; everything else is dropped without a word.
pub fn cleaned(username: &str) -> String {
    let kept = username.chars().take(USERNAME_MAX);
    kept.filter(|c| c.is_ascii_alphanumeric() || "@+._-".contains(*c)).collect()
}

pub(super) fn choose<'p>(method: Method, told: &Told, present: Option<&'p Present>) -> Chosen<'p> {
    match method {
        Method::Oidc => choose_by_subject(told, present),
        Method::Ldap | Method::Proxy => choose_by_name(method, told, present),
    }
}

/// Over OpenID Connect NetBox knows people by `sub` alone, and never takes an account by its name.
fn choose_by_subject<'p>(told: &Told, present: Option<&'p Present>) -> Chosen<'p> {
    let mut warnings = Vec::new();
    let given = told.username.as_deref().unwrap_or_default();
    let username = cleaned(given);
    if told.username.is_none() {
        warnings.push("there is no claim preferred_username, so that NetBox makes up a name of 32 digits".to_owned());
    } else if username != given {
        warnings.push(format!("NetBox makes \"{username}\" of the username \"{given}\""));
    }
    let shown = if username.is_empty() { "(digits that NetBox makes up)".to_owned() } else { username.clone() };
    let Some(present) = present else {
        return Chosen { effect: AccountEffect::Unknown { username: shown }, present: None, warnings };
    };
    let linked = present.linked.and_then(|id| present.accounts.iter().find(|account| account.user.id == id));
    if let Some(account) = linked {
        let effect = matched(account, "the connector knows it as theirs");
        return Chosen { effect, present: Some(account), warnings };
    }
    let exact = present.accounts.iter().find(|account| account.user.username == username);
    let suffixed: Vec<_> =
        present.accounts.iter().filter(|account| is_suffixed(&account.user.username, &username)).collect();
    let (effect, account) = match (exact, suffixed.as_slice()) {
        (None, []) => (AccountEffect::Made { username: shown }, None),
        (_, [only]) => {
            if exact.is_some() {
                warnings.push(format!("there are two accounts, {username} and {}", only.user.username));
            }
            (matched(only, "a sign-in made it, when the name was taken"), Some(*only))
        }
        (Some(exact), []) if exact.user.last_login.is_none() => {
            let why =
                format!("{username} is there already, and nobody ever signed in with it, so that it was made by hand");
            warnings.push(format!("rename the account {username} in NetBox, or delete it, before the first sign-in"));
            (AccountEffect::Duplicated { username, beside: exact.user.id, why }, None)
        }
        (Some(exact), []) => (AccountEffect::Unclear { username, id: exact.user.id }, Some(exact)),
        (_, several) => {
            warnings.push(format!(
                "there are {} accounts that begin with {username}; delete those nobody uses",
                several.len()
            ));
            let best = several.iter().copied().max_by_key(|account| account.user.last_login);
            let effect = best.map(|account| matched(account, "the one last used of several that sign-ins made"));
            (effect.unwrap_or(AccountEffect::Made { username: shown }), best)
        }
    };
    Chosen { effect, present: account, warnings }
}

fn matched(account: &PresentAccount, why: &str) -> AccountEffect {
    AccountEffect::Matched { username: account.user.username.clone(), id: account.user.id, why: why.to_owned() }
}

/// Over LDAP and behind a proxy NetBox goes by the name, and takes whatever account has it.
fn choose_by_name<'p>(method: Method, told: &Told, present: Option<&'p Present>) -> Chosen<'p> {
    let mut warnings = Vec::new();
    let given = told.username.as_deref().unwrap_or_default();
    // django-auth-ldap makes names small and compares them so; behind a proxy they are taken as they come.
    let username = if method == Method::Ldap { given.to_lowercase() } else { given.to_owned() };
    if username.is_empty() {
        let why = "no username reaches NetBox".to_owned();
        return Chosen { effect: AccountEffect::Fails { why }, present: None, warnings };
    }
    let Some(present) = present else {
        return Chosen { effect: AccountEffect::Unknown { username }, present: None, warnings };
    };
    let named: Vec<_> = present
        .accounts
        .iter()
        .filter(|account| {
            let name = &account.user.username;
            if method == Method::Ldap { name.to_lowercase() == username } else { *name == username }
        })
        .collect();
    match named.as_slice() {
        [] => Chosen { effect: AccountEffect::Made { username }, present: None, warnings },
        [account] => {
            if account.is_superuser == Some(true) && present.linked != Some(account.user.id) {
                warnings.push(format!(
                    "{username} is a superuser of NetBox: whoever signs in here under that name takes the account over"
                ));
            }
            let why = "it has the same name, however it was made";
            Chosen { effect: matched(account, why), present: Some(account), warnings }
        }
        several => {
            let usernames: Vec<_> = several.iter().map(|account| account.user.username.as_str()).collect();
            let why = format!("NetBox has several accounts that differ in case alone ({})", usernames.join(", "));
            Chosen { effect: AccountEffect::Fails { why }, present: None, warnings }
        }
    }
}

/// Fields that a sign-in writes. Of an account that is there, OpenID Connect leaves the username alone, and the e-mail
/// address too unless the superuser setting has lifted that.
pub(super) fn fields(
    setup: &Setup,
    told: &Told,
    present: Option<&PresentAccount>,
    effect: &AccountEffect,
) -> Vec<FieldChange> {
    if matches!(effect, AccountEffect::Fails { .. }) {
        return Vec::new();
    }
    let email_follows =
        setup.method != Method::Oidc || setup.has_superuser_setting() && !setup.superuser_groups.is_empty();
    let is_new = matches!(effect, AccountEffect::Made { .. } | AccountEffect::Duplicated { .. });
    let email = told.email.as_ref().filter(|_| email_follows || is_new);
    let user = present.map(|account| &account.user);
    [
        ("first name", &told.first_name.as_ref(), user.map(|user| &user.first_name)),
        ("last name", &told.last_name.as_ref(), user.map(|user| &user.last_name)),
        ("e-mail address", &email, user.map(|user| &user.email)),
    ]
    .into_iter()
    .filter_map(|(field, after, before)| {
        let after = (*after)?;
        let change = FieldChange { field, before: before.cloned(), after: after.clone() };
        (before != Some(after)).then_some(change)
    })
    .collect()
}
