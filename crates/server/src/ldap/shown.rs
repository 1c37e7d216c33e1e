//! An entry in words: what an application would read of a person.

use doorward_core::id::UserId;
use doorward_store as store;
use serde::Serialize;
use std::sync::Arc;

use super::{
    attribute::ALL,
    entry::Entry,
    selection,
    view::{Reader, View},
};
use crate::{app::App, snapshot::LdapClient};

/// A person's entry, as the service account of an application reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Its distinguished name.
    pub dn: String,
    /// Attributes with their values, without operational ones, in the order in which they are sent.
    pub attributes: Vec<(String, Vec<String>)>,
    /// Names of the groups that list the person as a member.
    pub groups: Vec<String>,
}

/// The entry of a person; `None` if they were just deleted.
///
/// # Errors
/// What the database says.
pub async fn person(app: &App, client: &Arc<LdapClient>, user: UserId) -> store::Result<Option<Shown>> {
    app.directory.keep_current(app).await?;
    let view = View::new(client.clone(), app.snapshot().group_tree(), Reader::Everything);
    let Some(person) = app.directory.people().by_id(user).cloned() else { return Ok(None) };
    let entry = Entry::User(&person);
    let mut dn = Vec::new();
    entry.write_dn(&view, &mut dn);
    let mut attributes: Vec<(String, Vec<String>)> = Vec::new();
    for (attribute, name) in ALL.iter().filter(|(attribute, _)| !attribute.is_operational()) {
        let mut values = Vec::new();
        entry.known_values(*attribute, &view, &mut |value| values.push(text(value)));
        if !values.is_empty() {
            attributes.push(((*name).to_owned(), values));
        }
    }
    for custom in selection::free(&entry) {
        attributes.push((custom.name.to_string(), custom.values.iter().map(ToString::to_string).collect()));
    }
    let groups = view.groups_of(&person);
    let groups = groups.iter().filter_map(|id| view.groups.get(*id)).map(|node| node.group.profile.name.clone());
    Ok(Some(Shown { dn: text(&dn), attributes, groups: groups.collect() }))
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

impl Shown {
    /// The first value of an attribute.
    pub fn first(&self, name: &str) -> Option<&str> {
        let (_, values) = self.attributes.iter().find(|(attribute, _)| attribute == name)?;
        values.first().map(String::as_str)
    }
}
