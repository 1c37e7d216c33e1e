//! What claim mappings made lately. They can see nothing but the person and the application, so while both are what they were,
//! evaluating them again makes the same: an application that exchanges a code and then asks userinfo is served with one
//! evaluation.

use doorward_core::id::UserId;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use crate::directory::person::Person;

/// Users of whom something is remembered, for each application.
const USERS_MAX: usize = 256;
/// Sets of scopes for each user.
const SCOPES_MAX: usize = 4;

/// The claims that an application's mappings made lately. It lives and ends with the compiled mappings themselves.
#[derive(Debug, Default)]
pub struct ClaimsMade(Mutex<HashMap<UserId, Vec<Made>>>);

/// Claims, and all that they were made from beside the mappings.
#[derive(Debug)]
struct Made {
    /// Which groups there were, with their names and attributes: those of this revision of the snapshot.
    revision: i64,
    person: Person,
    scopes: BTreeSet<String>,
    claims: Map<String, Value>,
}

impl ClaimsMade {
    /// The claims, from memory if they were made from exactly the same. What fails is not remembered.
    ///
    /// # Errors
    /// What `make` says.
    pub fn get_or<E>(
        &self,
        revision: i64,
        person: &Person,
        scopes: &BTreeSet<String>,
        make: impl FnOnce() -> Result<Map<String, Value>, E>,
    ) -> Result<Map<String, Value>, E> {
        let is_same = |made: &Made| made.revision == revision && made.scopes == *scopes && made.person == *person;
        let user = person.user.id;
        let known = self
            .lock()
            .get(&user)
            .and_then(|all| all.iter().find(|made| is_same(made)).map(|made| made.claims.clone()));
        if let Some(claims) = known {
            return Ok(claims);
        }
        let claims = make()?;
        self.remember(user, Made { revision, person: person.clone(), scopes: scopes.clone(), claims: claims.clone() });
        Ok(claims)
    }

    fn remember(&self, user: UserId, made: Made) {
        let mut users = self.lock();
        if users.len() >= USERS_MAX && !users.contains_key(&user) {
            users.clear();
        }
        let all = users.entry(user).or_default();
        // What was made from something else is of no use any more.
        all.retain(|old| old.revision == made.revision && old.person == made.person && old.scopes != made.scopes);
        if all.len() >= SCOPES_MAX {
            all.remove(0);
        }
        all.push(made);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<UserId, Vec<Made>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::{
        clock::Clock,
        id::GroupId,
        user::{User, UserProfile},
    };
    use jiff::Timestamp;
    use serde_json::json;
    use std::{cell::Cell, convert::Infallible};

    fn person(clock: &Clock) -> Person {
        let user = User {
            id: UserId::new(clock),
            pk: 1,
            uid: "u".into(),
            profile: UserProfile::named("alice"),
            created_at: clock.now(),
            updated_at: clock.now(),
        };
        Person { user, groups: BTreeSet::new(), is_superuser: false }
    }

    /// Asks for claims and says whether they were made anew.
    fn is_made_anew(memory: &ClaimsMade, revision: i64, person: &Person, scopes: &[&str]) -> bool {
        let made = Cell::new(false);
        let scopes: BTreeSet<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let expected = json!({ "n": person.user.profile.name, "s": scopes, "r": revision, "g": person.groups.len() });
        let claims = memory.get_or(revision, person, &scopes, || {
            made.set(true);
            Ok::<_, Infallible>(expected.as_object().unwrap().clone())
        });
        assert_eq!(Value::Object(claims.unwrap()), expected);
        made.get()
    }

    #[test]
    fn whatever_changes_is_evaluated_anew() {
        let (memory, clock) = (ClaimsMade::default(), Clock::fixed(Timestamp::UNIX_EPOCH));
        let mut alice = person(&clock);
        assert!(is_made_anew(&memory, 1, &alice, &["openid"]));
        assert!(!is_made_anew(&memory, 1, &alice, &["openid"]));
        assert!(is_made_anew(&memory, 1, &alice, &["openid", "email"]));
        assert!(!is_made_anew(&memory, 1, &alice, &["openid"]));
        // Groups were renamed, say.
        assert!(is_made_anew(&memory, 2, &alice, &["openid"]));
        // In the same millisecond as the last change.
        alice.user.profile.name = "Alice".into();
        assert!(is_made_anew(&memory, 2, &alice, &["openid"]));
        alice.groups.insert(GroupId::new(&clock));
        assert!(is_made_anew(&memory, 2, &alice, &["openid"]));
        alice.is_superuser = true;
        assert!(is_made_anew(&memory, 2, &alice, &["openid"]));
        assert!(!is_made_anew(&memory, 2, &alice, &["openid"]));
    }

    #[test]
    fn a_failure_is_not_remembered() {
        let (memory, alice) = (ClaimsMade::default(), person(&Clock::system()));
        assert_eq!(memory.get_or(1, &alice, &BTreeSet::new(), || Err("broken")), Err("broken"));
        assert!(is_made_anew(&memory, 1, &alice, &[]));
    }

    #[test]
    fn memory_is_bounded() {
        let (memory, clock) = (ClaimsMade::default(), Clock::system());
        for _ in 0..3 * USERS_MAX {
            assert!(is_made_anew(&memory, 1, &person(&clock), &[]));
            assert!(memory.lock().len() <= USERS_MAX);
        }
        let alice = person(&clock);
        for scope in 0..3 * SCOPES_MAX {
            is_made_anew(&memory, 1, &alice, &[&scope.to_string()]);
        }
        assert_eq!(memory.lock()[&alice.user.id].len(), SCOPES_MAX);
    }
}
