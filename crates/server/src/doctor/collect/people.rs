//! The people who may use an application, and what it would be told about them.

use doorward_core::{
    access_rule::AccessRule,
    network::Place,
    user::{User, UserType},
};
use doorward_store as store;
use std::collections::{BTreeMap, BTreeSet};

use super::PEOPLE_MAX;
use crate::{
    app::App,
    applications::{access, preview},
    directory::person::Person,
    doctor::evidence::{People, PersonSeen},
    error::OperationResult,
    snapshot::{ApplicationEntry, Snapshot},
};

/// Reads everybody, once.
///
/// # Errors
/// What the database says.
pub(super) async fn people(app: &App, snapshot: &Snapshot, entry: &ApplicationEntry) -> OperationResult<People> {
    let application = entry.application.id;
    let (users, memberships, authorized) = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let users = store::user::all(tx).await?;
                let memberships = store::group::memberships(tx).await?;
                Ok((users, memberships, store::event::authorized_users(tx, application).await?))
            })
        })
        .await?;
    let mut direct: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (user, group) in memberships {
        direct.entry(user).or_default().insert(group);
    }
    let mail = addresses(&users);
    // Machines do not sign in.
    let people = users.into_iter().filter(|user| user.profile.user_type != UserType::ServiceAccount);
    let persons = people.map(|user| {
        let groups = direct.remove(&user.id).unwrap_or_default();
        Person::new(user, groups, snapshot)
    });
    let allowed: Vec<Person> =
        persons.filter(|person| access::is_allowed(&entry.application, person, Place::Server)).collect();
    let names: BTreeSet<&str> = allowed.iter().map(|person| person.user.profile.username.as_str()).collect();
    let shared = mail.into_iter().filter(|(_, owners)| owners.len() > 1);
    let shared_mail = shared.filter(|(_, owners)| owners.iter().any(|owner| names.contains(owner.as_str()))).collect();
    let rule = &entry.application.profile.access;
    Ok(People {
        is_everyone: *rule == AccessRule::Everyone,
        allowed_groups: allowed_groups(snapshot, rule),
        count: allowed.len(),
        shared_mail,
        examined: allowed
            .iter()
            .take(PEOPLE_MAX)
            .map(|person| person_seen(snapshot, entry, person, authorized.contains(&person.user.id)))
            .collect(),
    })
}

fn allowed_groups(snapshot: &Snapshot, rule: &AccessRule) -> Vec<String> {
    let AccessRule::Only { groups, .. } = rule else { return Vec::new() };
    groups.iter().filter_map(|id| snapshot.groups.get(*id)).map(|group| group.profile.name.clone()).collect()
}

/// Usernames of the active by e-mail address.
fn addresses(users: &[User]) -> BTreeMap<String, Vec<String>> {
    let mut addresses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for profile in users.iter().map(|user| &user.profile).filter(|profile| profile.is_active) {
        if !profile.email.is_empty() {
            let address = doorward_core::user::key(&profile.email);
            addresses.entry(address).or_default().push(profile.username.clone());
        }
    }
    addresses
}

fn person_seen(snapshot: &Snapshot, entry: &ApplicationEntry, person: &Person, has_signed_in: bool) -> PersonSeen {
    let profile = &person.user.profile;
    let userinfo = entry.oauth.as_ref().map(|client| preview::userinfo(snapshot, client, person));
    PersonSeen {
        username: profile.username.clone(),
        email: profile.email.clone(),
        email_verified: profile.email_verified,
        userinfo: userinfo.transpose().map(Option::unwrap_or_default).map_err(|error| error.to_string()),
        has_signed_in,
    }
}
