//! The form of a group, between text and profile.

use doorward_core::{
    group::{Group, GroupProfile},
    id::{GroupId, UserId},
    problem::Problems,
    user::User,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

use super::fields;
use crate::{app::App, error::OperationResult, http::form::Fields, snapshot::Snapshot};

/// The form as typed.
#[derive(Debug, Clone, Default)]
pub(super) struct GroupDraft {
    name: String,
    is_superuser: bool,
    parents: BTreeSet<String>,
    members: String,
    attributes: String,
}

impl GroupDraft {
    /// A group as kept, with the members to be shown in the form.
    pub(super) fn from_group(group: &Group, members: &[User], snapshot: &Snapshot) -> Self {
        let usernames: Vec<&str> = members.iter().map(|user| user.profile.username.as_str()).collect();
        Self {
            name: group.profile.name.clone(),
            is_superuser: group.profile.is_superuser,
            parents: fields::group_names(snapshot, &group.profile.parents),
            members: usernames.join("\n"),
            attributes: fields::attributes_text(&group.profile.attributes),
        }
    }

    /// What was sent.
    pub(super) fn from_fields(form: &Fields) -> Self {
        Self {
            name: form.get("name").to_owned(),
            is_superuser: form.is_ticked("is_superuser"),
            parents: form.all("parents").map(str::to_owned).collect(),
            members: form.get("members").to_owned(),
            attributes: form.get("attributes").to_owned(),
        }
    }

    /// The profile and the members that were typed.
    ///
    /// # Errors
    /// What is wrong, or what the database says.
    pub(super) async fn read(&self, app: &App) -> OperationResult<(GroupProfile, BTreeSet<UserId>)> {
        let mut problems = Problems::default();
        let profile = GroupProfile {
            name: self.name.trim().to_owned(),
            is_superuser: self.is_superuser,
            parents: fields::group_ids(&app.snapshot(), &self.parents, "parents", &mut problems),
            attributes: fields::attributes(&self.attributes, &mut problems),
        };
        problems.0.extend(profile.check().err().unwrap_or_default().0);
        let members = fields::user_ids(app, &fields::lines(&self.members), "members", &mut problems).await?;
        Ok(problems.or((profile, members))?)
    }

    /// What the template shows of it.
    pub(super) fn context(&self, snapshot: &Snapshot, except: Option<GroupId>) -> Value {
        json!({
            "form": {
                "name": self.name,
                "is_superuser": self.is_superuser,
                "members": self.members,
                "attributes": self.attributes,
            },
            "all_parents": fields::group_ticks(snapshot, &self.parents, except),
        })
    }
}
