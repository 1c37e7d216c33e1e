//! A user together with what their groups make of them.

use doorward_core::{
    group::Group,
    id::{GroupId, UserId},
    user::User,
};
use doorward_store::{self as store, db::Tx};
use std::collections::BTreeSet;

use crate::{app::App, snapshot::Snapshot};

/// A user with effective groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The user.
    pub user: User,
    /// Groups, direct and through parents.
    pub groups: BTreeSet<GroupId>,
    /// Whether one of them makes the user an administrator.
    pub is_superuser: bool,
}

impl Person {
    /// Joins a user with the groups they are a direct member of.
    pub fn new(user: User, direct: BTreeSet<GroupId>, snapshot: &Snapshot) -> Self {
        let groups = snapshot.groups.effective(direct);
        let is_superuser = snapshot.groups.confers_superuser(&groups);
        Self { user, groups, is_superuser }
    }

    /// The effective groups themselves.
    pub fn groups<'a>(&'a self, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a Group> {
        self.groups.iter().filter_map(|id| snapshot.groups.get(*id))
    }
}

/// A user and their direct groups, read together.
///
/// # Errors
/// What the database says.
pub async fn read(tx: &mut Tx<'_>, id: UserId) -> store::Result<Option<(User, BTreeSet<GroupId>)>> {
    let Some(user) = store::user::find(tx, id).await? else { return Ok(None) };
    let groups = store::group::of_user(tx, id).await?;
    Ok(Some((user, groups)))
}

/// A person by identifier.
///
/// # Errors
/// What the database says.
pub async fn find(app: &App, snapshot: &Snapshot, id: UserId) -> store::Result<Option<Person>> {
    let found = app.db.read(move |tx| Box::pin(read(tx, id))).await?;
    Ok(found.map(|(user, direct)| Person::new(user, direct, snapshot)))
}
