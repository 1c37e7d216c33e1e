//! The part of an application's form that is about its LDAP provider.

use doorward_core::{
    ldap_provider::{LdapProfile, START_NUMBER, UidSource},
    problem::Problems,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

use super::fields;
use crate::{app::App, error::OperationResult, http::form::Fields};

/// Fields that hold one text each.
const TEXTS: [&str; 5] = ["base_dn", "uid_source", "uid_start_number", "gid_start_number", "searchers"];

/// The part as typed.
#[derive(Debug, Clone)]
pub(super) struct LdapDraft {
    texts: BTreeMap<&'static str, String>,
    nested_groups: bool,
    code_in_password: bool,
}

impl LdapDraft {
    /// A provider as kept.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn from_profile(app: &App, provider: &LdapProfile) -> OperationResult<Self> {
        let values = [
            provider.base_dn.clone(),
            provider.uid_source.as_str().to_owned(),
            provider.uid_start_number.to_string(),
            provider.gid_start_number.to_string(),
            fields::usernames(app, &provider.searchers).await?.join("\n"),
        ];
        Ok(Self {
            texts: TEXTS.into_iter().zip(values).collect(),
            nested_groups: provider.nested_groups,
            code_in_password: provider.code_in_password,
        })
    }

    /// What was sent.
    pub(super) fn from_fields(form: &Fields) -> Self {
        Self {
            texts: TEXTS.into_iter().map(|name| (name, form.get(name).trim().to_owned())).collect(),
            nested_groups: form.is_ticked("nested_groups"),
            code_in_password: form.is_ticked("code_in_password"),
        }
    }

    /// The profile that was typed.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn read(&self, app: &App, problems: &mut Problems) -> OperationResult<LdapProfile> {
        let mut profile = LdapProfile::new(self.text("base_dn"));
        match UidSource::parse(self.text("uid_source")) {
            Some(source) => profile.uid_source = source,
            None => problems.add("uid_source", "Choose one of the entries."),
        }
        for (field, place) in
            [("uid_start_number", &mut profile.uid_start_number), ("gid_start_number", &mut profile.gid_start_number)]
        {
            match self.text(field).parse() {
                Ok(number) => *place = number,
                Err(_) => problems.add(field, START_NUMBER),
            }
        }
        profile.nested_groups = self.nested_groups;
        profile.code_in_password = self.code_in_password;
        profile.searchers =
            fields::user_ids(app, &fields::lines(self.text("searchers")), "searchers", problems).await?;
        Ok(profile)
    }

    /// Adds what the template shows of it.
    pub(super) fn show(&self, context: &mut Map<String, Value>, form: &mut Map<String, Value>) {
        form.extend(self.texts.iter().map(|(name, text)| ((*name).to_owned(), json!(text))));
        form.insert("nested_groups".to_owned(), json!(self.nested_groups));
        form.insert("code_in_password".to_owned(), json!(self.code_in_password));
        let sources = UidSource::ALL.iter().map(|(_, value, label)| (*value, *label));
        context.insert("uid_sources".to_owned(), fields::choices(sources, self.text("uid_source")));
    }

    fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }
}
