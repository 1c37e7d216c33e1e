//! Who a connection is, and whether they still are.

use doorward_store as store;
use std::sync::Arc;

use super::{
    bind::{self, Bound, Good},
    directory::person::Person,
    view::{Reader, View},
};
use crate::app::App;

/// The signed-in side of a connection.
#[derive(Debug, Default)]
pub(super) struct Session {
    bound: Option<Bound>,
    /// The revisions of person and snapshot for which what they signed in with was found good.
    checked: Option<((i64, i64), Good)>,
}

/// Somebody as they are now.
#[derive(Debug, Clone)]
pub(super) struct Present {
    /// The person.
    pub person: Arc<Person>,
    /// What they may see.
    pub view: View,
}

impl Session {
    /// Becomes somebody, or nobody.
    pub(super) fn become_bound(&mut self, bound: Option<Bound>) {
        self.bound = bound;
        self.checked = None;
    }

    /// Who signed in, if anybody.
    pub(super) fn bound(&self) -> Option<&Bound> {
        self.bound.as_ref()
    }

    /// Who it is and what they see, looked at anew: whoever was disabled, lost access or got another password is nobody
    /// from now on.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn present(&mut self, app: &App) -> store::Result<Option<Present>> {
        let Some(bound) = &self.bound else { return Ok(None) };
        app.directory.keep_current(app).await?;
        let snapshot = app.snapshot();
        let client = snapshot.ldap.iter().find(|client| client.provider.id == bound.provider).map(Arc::clone);
        let person = app.directory.people().by_id(bound.user).cloned();
        let (Some(client), Some(person)) = (client, person) else {
            self.become_bound(None);
            return Ok(None);
        };
        let revisions = (person.revision, snapshot.revision);
        let known = self.checked.filter(|(of, _)| *of == revisions).map(|(_, good)| good);
        let good = match known {
            Some(good) => Some(good),
            None => bind::still_good(app, &snapshot, &client, bound).await?,
        };
        let now = app.clock.now();
        let Some(good) = good.filter(|good| good.until.is_none_or(|until| now < until)) else {
            self.become_bound(None);
            return Ok(None);
        };
        self.checked = Some((revisions, good));
        let is_searcher = client.provider.profile.searchers.contains(&person.id);
        let reader = if is_searcher { Reader::Everything } else { Reader::Only(person.clone()) };
        Ok(Some(Present { person, view: View::new(client, snapshot.group_tree(), reader) }))
    }
}
