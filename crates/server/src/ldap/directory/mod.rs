//! Everybody in memory, with indexes: what LDAP searches are answered from.
//!
//! The directory follows the trail of changes in the database. Changes of this process count with the next search, those
//! of others within a second.

pub mod custom;
pub mod group_tree;
pub mod index;
pub mod person;

use doorward_core::id::{GroupId, UserId};
use doorward_store as store;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use super::members::Prepared;
use crate::app::App;
use index::Index;
use person::Person;

/// Everybody. Empty until it is first asked for, so that who has no LDAP application pays nothing.
#[derive(Debug, Default)]
pub struct Directory {
    people: RwLock<People>,
    /// The members of groups as they are written.
    pub members: Prepared,
    /// One reads changes at a time; the others find them read.
    turn: tokio::sync::Mutex<()>,
}

/// The people of a directory at one moment.
#[derive(Debug, Default)]
pub struct People {
    /// Revision it shows; `None` before it was first read.
    revision: Option<i64>,
    /// How many commits this process had made when it was last looked at.
    commits: u64,
    by_pk: BTreeMap<i64, Arc<Person>>,
    by_id: HashMap<UserId, i64>,
    index: Index,
}

impl Directory {
    /// The people as they are now. Held for a moment only: never across an await, never while much is written.
    pub fn people(&self) -> RwLockReadGuard<'_, People> {
        self.people.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the directory up to date if this process has committed anything since, or if nothing was read yet.
    ///
    /// # Errors
    /// What the database says; what was known stays.
    pub async fn keep_current(&self, app: &App) -> store::Result<()> {
        if self.is_current(app) {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        // Who waited for a turn finds the work done.
        if self.is_current(app) { Ok(()) } else { self.refresh(app).await }
    }

    fn is_current(&self, app: &App) -> bool {
        let people = self.people();
        people.revision.is_some() && people.commits == app.db.commits()
    }

    /// Follows other processes, unless nobody ever asked for the directory.
    ///
    /// # Errors
    /// What the database says; what was known stays.
    pub async fn follow(&self, app: &App) -> store::Result<()> {
        if self.people().revision.is_none() {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        self.refresh(app).await
    }

    /// To be called by whoever has the turn.
    async fn refresh(&self, app: &App) -> store::Result<()> {
        // Before the revision is read: a commit that comes between is looked for again.
        let commits = app.db.commits();
        let known = self.people().revision;
        let current = app.db.read(|tx| Box::pin(store::directory_change::revision(tx))).await?;
        if known == Some(current) {
            self.people.write().unwrap_or_else(PoisonError::into_inner).commits = commits;
            return Ok(());
        }
        let changes = match known {
            Some(known) => app.db.read(move |tx| Box::pin(store::directory_change::since(tx, known, current))).await?,
            None => None,
        };
        if let Some(changed) = changes {
            self.apply(app, changed, current).await?;
        } else {
            let loaded = load(app, current).await?;
            let old = std::mem::replace(&mut *self.people.write().unwrap_or_else(PoisonError::into_inner), loaded);
            // Not dropped while others wait for the lock.
            drop(old);
        }
        self.people.write().unwrap_or_else(PoisonError::into_inner).commits = commits;
        Ok(())
    }

    /// A directory of these people, for tests.
    #[cfg(test)]
    pub(crate) fn of(people: impl IntoIterator<Item = Person>) -> Self {
        let directory = Self::default();
        let mut all = directory.people.write().unwrap_or_else(PoisonError::into_inner);
        people.into_iter().for_each(|person| all.insert(person));
        drop(all);
        directory
    }

    async fn apply(&self, app: &App, changed: Vec<UserId>, revision: i64) -> store::Result<()> {
        let read = changed.clone();
        let present: Vec<Person> = app
            .db
            .read(move |tx| {
                Box::pin(async move {
                    let mut present = Vec::new();
                    for id in read {
                        if let Some(user) = store::user::find(tx, id).await? {
                            let direct = store::group::of_user(tx, id).await?;
                            present.push(Person::new(user, direct.into_iter().collect(), revision));
                        }
                    }
                    Ok(present)
                })
            })
            .await?;
        let mut people = self.people.write().unwrap_or_else(PoisonError::into_inner);
        for id in changed {
            people.remove(id, revision);
        }
        for person in present {
            people.insert(person);
        }
        people.revision = Some(revision);
        Ok(())
    }
}

async fn load(app: &App, revision: i64) -> store::Result<People> {
    let (users, memberships) = app
        .db
        .read(|tx| Box::pin(async move { Ok((store::user::all(tx).await?, store::group::memberships(tx).await?)) }))
        .await?;
    let mut direct: HashMap<UserId, Vec<GroupId>> = HashMap::new();
    for (user, group) in memberships {
        direct.entry(user).or_default().push(group);
    }
    // A second of work for a hundred thousand: not on a thread that answers others.
    let built = tokio::task::spawn_blocking(move || {
        let mut people = People { revision: Some(revision), ..People::default() };
        for user in users {
            let groups = direct.remove(&user.id).unwrap_or_default();
            people.insert(Person::new(user, groups, revision));
        }
        people
    });
    built.await.map_err(|error| store::Error::Query(error.to_string()))
}

impl People {
    fn insert(&mut self, person: Person) {
        self.index.insert(&person);
        self.by_id.insert(person.id, person.pk);
        self.by_pk.insert(person.pk, Arc::new(person));
    }

    fn remove(&mut self, id: UserId, revision: i64) {
        let Some(pk) = self.by_id.remove(&id) else { return };
        if let Some(person) = self.by_pk.remove(&pk) {
            self.index.remove(&person, revision);
        }
    }

    /// A person by identifier.
    pub fn by_id(&self, id: UserId) -> Option<&Arc<Person>> {
        self.by_id.get(&id).and_then(|pk| self.get(*pk))
    }

    /// A person by number.
    pub fn get(&self, pk: i64) -> Option<&Arc<Person>> {
        self.by_pk.get(&pk)
    }

    /// A person by login name, in the form that is compared.
    pub fn by_username(&self, prepared: &str) -> Option<&Arc<Person>> {
        self.index.equal(&index::Field::Username, prepared).next().and_then(|pk| self.get(pk))
    }

    /// All people after a number, by number.
    pub fn after(&self, pk: i64) -> impl Iterator<Item = &Arc<Person>> {
        self.by_pk.range(pk.saturating_add(1)..).map(|(_, person)| person)
    }

    /// The indexes.
    pub fn index(&self) -> &Index {
        &self.index
    }
}
