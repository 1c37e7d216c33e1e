//! NetBox's API tokens: whose they are, what is odd about them, and how to end them.

use doorward_core::connector::ConnectedPerson;
use doorward_store as store;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::{HashMap, HashSet};

use super::find;
use crate::{
    actor::Actor,
    app::App,
    error::{OperationError, OperationResult},
    events,
    netbox::{NetBoxError, tokens::ApiToken},
};

/// How long a token may be unused before that is odd.
pub const LONG_UNUSED: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How old a token may be without ever having been used before that is odd.
pub const NEVER_USED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What is odd about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// It was never used, and had the time to be.
    NeverUsed,
    /// It was not used for a long time.
    LongUnused,
    /// It never ends.
    NoExpiry,
    /// It has ended.
    Expired,
    /// Its owner is disabled, or may not use the application any more.
    OwnerCutOff,
    /// Its owner was deleted in Doorward.
    OwnerGone,
    /// Its owner is nobody of Doorward's.
    OwnerUnmanaged,
}

impl Flag {
    /// In words, as people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::NeverUsed => "never used",
            Self::LongUnused => "not used for 90 days",
            Self::NoExpiry => "never expires",
            Self::Expired => "expired",
            Self::OwnerCutOff => "its owner is cut off",
            Self::OwnerGone => "its owner was deleted in Doorward",
            Self::OwnerUnmanaged => "its owner is not linked to anybody in Doorward",
        }
    }
}

/// A token and what is known of its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenView {
    /// The token.
    #[serde(flatten)]
    pub token: ApiToken,
    /// Username in Doorward of its owner, if linked.
    pub person: Option<String>,
    /// What is odd, in a fixed order.
    pub flags: Vec<Flag>,
}

/// All API tokens that NetBox shows.
///
/// # Errors
/// That there is no such application or connector; what NetBox says.
pub async fn tokens(app: &App, slug: &str) -> OperationResult<Vec<TokenView>> {
    let connected = find(app, slug).await?;
    let tokens = connected.netbox(app)?.tokens().await?;
    let id = connected.connector.id;
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let people = store::connector_person::all(tx, id).await?;
            let mut gone = HashSet::new();
            for person in &people {
                if person.account.is_some() && store::user::find(tx, person.user).await?.is_none() {
                    gone.insert(person.user);
                }
            }
            Ok((people, gone))
        })
    });
    let (people, gone) = read.await?;
    let owners: HashMap<i64, &ConnectedPerson> =
        people.iter().filter_map(|person| Some((person.account.as_ref()?.id, person))).collect();
    let now = app.clock.now();
    let view = |token: ApiToken| {
        let owner = owners.get(&token.user.id).copied();
        let is_gone = owner.is_some_and(|owner| gone.contains(&owner.user));
        TokenView {
            flags: flags(&token, owner, is_gone, now),
            person: owner.map(|owner| owner.username.clone()),
            token,
        }
    };
    Ok(tokens.into_iter().map(view).collect())
}

fn flags(token: &ApiToken, owner: Option<&ConnectedPerson>, is_gone: bool, now: Timestamp) -> Vec<Flag> {
    let is_older =
        |time: Option<Timestamp>, than: SignedDuration| time.is_some_and(|time| now.duration_since(time) > than);
    let all = [
        (Flag::NeverUsed, token.last_used.is_none() && is_older(token.created, NEVER_USED)),
        (Flag::LongUnused, is_older(token.last_used, LONG_UNUSED)),
        (Flag::NoExpiry, token.expires.is_none()),
        (Flag::Expired, token.expires.is_some_and(|expires| expires <= now)),
        (Flag::OwnerCutOff, !is_gone && owner.is_some_and(|owner| owner.cut_off_at.is_some())),
        (Flag::OwnerGone, is_gone),
        (Flag::OwnerUnmanaged, owner.is_none()),
    ];
    all.into_iter().filter(|(_, holds)| *holds).map(|(flag, _)| flag).collect()
}

/// Makes an API token unusable; NetBox's administrators can enable it again.
///
/// # Errors
/// That there is no such connector or token; what NetBox says.
pub async fn disable(app: &App, actor: &Actor, slug: &str, token: i64) -> OperationResult<()> {
    let connected = find(app, slug).await?;
    let disabled = connected.netbox(app)?.disable_token(token).await.map_err(|error| no_token(error, token))?;
    let what = format!("disabled the API token {token} of {} in {}", disabled.user.name, connected.name());
    events::changed(app, actor, what).await;
    Ok(())
}

/// Deletes an API token for good.
///
/// # Errors
/// That there is no such connector or token; what NetBox says.
pub async fn revoke(app: &App, actor: &Actor, slug: &str, token: i64) -> OperationResult<()> {
    let connected = find(app, slug).await?;
    let netbox = connected.netbox(app)?;
    let owner = netbox.token(token).await.map_err(|error| no_token(error, token))?.user.name;
    if !netbox.delete_token(token).await? {
        return Err(OperationError::not_found("API token", token));
    }
    let what = format!("revoked the API token {token} of {owner} in {}", connected.name());
    events::changed(app, actor, what).await;
    Ok(())
}

fn no_token(error: NetBoxError, token: i64) -> OperationError {
    match error {
        NetBoxError::NotFound { .. } => OperationError::not_found("API token", token),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::{clock::Clock, connector::LinkedAccount, id::UserId};

    fn day(number: i64) -> Timestamp {
        Timestamp::from_second(1_767_000_000 + number * 86_400).unwrap()
    }

    fn token(created: i64, used: Option<i64>, expires: Option<i64>) -> ApiToken {
        let json = serde_json::json!({ "id": 1, "user": { "id": 7, "username": "alice" } });
        let token: ApiToken = serde_json::from_value(json).unwrap();
        ApiToken { created: Some(day(created)), last_used: used.map(day), expires: expires.map(day), ..token }
    }

    fn owner(cut_off: bool) -> ConnectedPerson {
        ConnectedPerson {
            user: UserId::new(&Clock::system()),
            username: "alice".into(),
            seen_at: None,
            account: Some(LinkedAccount { id: 7, name: "alice".into(), linked_at: day(0) }),
            cut_off_at: cut_off.then(|| day(0)),
            pushed: String::new(),
            pushed_at: None,
            warning: String::new(),
        }
    }

    #[test]
    fn a_token_in_use_by_somebody_known_is_not_odd() {
        assert!(flags(&token(0, Some(99), Some(200)), Some(&owner(false)), false, day(100)).is_empty());
    }

    #[test]
    fn what_is_odd_is_flagged() {
        let now = day(100);
        let of = |token: &ApiToken| flags(token, Some(&owner(false)), false, now);
        assert_eq!(of(&token(92, None, Some(200))), [Flag::NeverUsed]);
        assert_eq!(of(&token(93, None, Some(200))), []);
        assert_eq!(of(&token(0, Some(9), None)), [Flag::LongUnused, Flag::NoExpiry]);
        assert_eq!(of(&token(0, Some(10), Some(100))), [Flag::Expired]);
        let good = token(0, Some(99), Some(200));
        assert_eq!(flags(&good, None, false, now), [Flag::OwnerUnmanaged]);
        assert_eq!(flags(&good, Some(&owner(true)), false, now), [Flag::OwnerCutOff]);
        assert_eq!(flags(&good, Some(&owner(true)), true, now), [Flag::OwnerGone]);
    }
}
