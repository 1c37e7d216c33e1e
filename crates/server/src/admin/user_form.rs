//! The form of a person, between text and profile.

use doorward_core::{
    id::GroupId,
    problem::Problems,
    user::{User, UserProfile, UserType},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

use super::fields;
use crate::{directory::users, http::form::Fields, snapshot::Snapshot};

/// Fields that hold one text.
const TEXTS: [&str; 7] = ["username", "name", "given_name", "family_name", "email", "type", "attributes"];

/// The form as typed.
#[derive(Debug, Clone)]
pub(super) struct UserDraft {
    texts: BTreeMap<&'static str, String>,
    email_verified: bool,
    is_active: bool,
    groups: BTreeSet<String>,
}

impl UserDraft {
    /// An empty form.
    pub(super) fn empty() -> Self {
        let mut texts: BTreeMap<_, _> = TEXTS.into_iter().map(|name| (name, String::new())).collect();
        texts.insert("type", UserType::Internal.as_str().to_owned());
        Self { texts, email_verified: false, is_active: true, groups: BTreeSet::new() }
    }

    /// A user as kept.
    pub(super) fn from_user(user: &User, groups: &BTreeSet<GroupId>, snapshot: &Snapshot) -> Self {
        let profile = &user.profile;
        let attributes = fields::attributes_text(&profile.attributes);
        let values = [
            profile.username.as_str(),
            &profile.name,
            &profile.given_name,
            &profile.family_name,
            &profile.email,
            profile.user_type.as_str(),
            &attributes,
        ];
        Self {
            texts: TEXTS.into_iter().zip(values.map(str::to_owned)).collect(),
            email_verified: profile.email_verified,
            is_active: profile.is_active,
            groups: fields::group_names(snapshot, groups),
        }
    }

    /// What was sent.
    pub(super) fn from_fields(form: &Fields) -> Self {
        Self {
            texts: TEXTS.into_iter().map(|name| (name, form.get(name).to_owned())).collect(),
            email_verified: form.is_ticked("email_verified"),
            is_active: form.is_ticked("is_active"),
            groups: form.all("groups").map(str::to_owned).collect(),
        }
    }

    /// The profile and the groups that were typed.
    pub(super) fn read(&self, snapshot: &Snapshot, problems: &mut Problems) -> (UserProfile, BTreeSet<GroupId>) {
        let user_type = UserType::parse(self.text("type")).unwrap_or_else(|| {
            problems.add("type", "Choose what kind of account it is.");
            UserType::Internal
        });
        let profile = UserProfile {
            username: self.text("username").to_owned(),
            name: self.text("name").to_owned(),
            given_name: self.text("given_name").to_owned(),
            family_name: self.text("family_name").to_owned(),
            email: self.text("email").to_owned(),
            email_verified: self.email_verified,
            is_active: self.is_active,
            user_type,
            attributes: fields::attributes(self.text("attributes"), problems),
        };
        problems.0.extend(profile.clone().tidied().check().err().unwrap_or_default().0);
        (profile, fields::group_ids(snapshot, &self.groups, "groups", problems))
    }

    /// What the template shows: `form`, `choices`, `all_groups`.
    pub(super) fn context(&self, snapshot: &Snapshot) -> Value {
        let mut form = json!(self.texts);
        if let Value::Object(form) = &mut form {
            form.insert("email_verified".to_owned(), json!(self.email_verified));
            form.insert("is_active".to_owned(), json!(self.is_active));
        }
        let types = UserType::ALL.iter().map(|(_, value, label)| (*value, *label));
        json!({
            "form": form,
            "choices": { "type": fields::choices(types, self.text("type")) },
            "all_groups": fields::group_ticks(snapshot, &self.groups, None),
        })
    }

    fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }
}

/// The password that was typed, twice; none if both fields are empty.
pub(super) fn password(form: &Fields, problems: &mut Problems) -> Option<String> {
    let (password, repeated) = (form.get("password"), form.get("password_repeat"));
    if password.is_empty() && repeated.is_empty() {
        return None;
    }
    if password == repeated {
        problems.0.extend(users::check_new_password(password).err().unwrap_or_default().0);
    } else {
        problems.add("password_repeat", "The two passwords differ.");
    }
    Some(password.to_owned())
}
