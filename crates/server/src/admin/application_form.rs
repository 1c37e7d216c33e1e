//! The form of an application and its providers, between text and profiles.

use doorward_core::{
    application::{ApplicationProfile, ConsentMode},
    problem::Problems,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

use super::{
    access::{self, AccessDraft},
    fields,
    ldap_form::LdapDraft,
    oauth_form::OauthDraft,
    proxy_form::ProxyDraft,
};
use crate::{
    app::App,
    applications::{ApplicationEdit, settings},
    error::{OperationError, OperationResult},
    http::form::Fields,
    snapshot::ApplicationEntry,
};

/// Fields that hold one text each.
const TEXTS: [&str; 8] =
    ["name", "slug", "launch_url", "icon_url", "group_heading", "description", "consent", "ldap_uri"];

/// The form as typed. It has the parts of the providers that the application has.
#[derive(Debug, Clone)]
pub(super) struct ApplicationDraft {
    texts: BTreeMap<&'static str, String>,
    access: AccessDraft,
    oauth: Option<OauthDraft>,
    ldap: Option<LdapDraft>,
    proxy: Option<ProxyDraft>,
}

impl ApplicationDraft {
    /// An application as kept.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn from_entry(app: &App, entry: &ApplicationEntry) -> OperationResult<Self> {
        let ApplicationEdit { profile, oauth, ldap, proxy } = ApplicationEdit::of(entry);
        let access = AccessDraft::from_profile(app, &profile).await?;
        let consent = profile.consent.as_str().to_owned();
        let ldap_uri = settings::chosen_ldap_server(&profile).to_owned();
        let ApplicationProfile { name, slug, launch_url, icon_url, group_heading, description, .. } = profile;
        let values = [name, slug, launch_url, icon_url, group_heading, description, consent, ldap_uri];
        Ok(Self {
            texts: TEXTS.into_iter().zip(values).collect(),
            access,
            oauth: oauth.as_ref().map(OauthDraft::from_profile),
            ldap: match &ldap {
                Some(profile) => Some(LdapDraft::from_profile(app, profile).await?),
                None => None,
            },
            proxy: proxy.as_ref().map(ProxyDraft::from_profile),
        })
    }

    /// What was sent for an application.
    pub(super) fn from_fields(form: &Fields, entry: &ApplicationEntry) -> Self {
        Self {
            texts: TEXTS.into_iter().map(|name| (name, form.get(name).trim().to_owned())).collect(),
            access: AccessDraft {
                access: form.get("access").to_owned(),
                groups: form.all("allow_groups").map(str::to_owned).collect(),
                users: form.get("allow_users").to_owned(),
                networks: form.get("networks").to_owned(),
            },
            oauth: entry.oauth.as_ref().map(|_| OauthDraft::from_fields(form)),
            ldap: entry.ldap.as_ref().map(|_| LdapDraft::from_fields(form)),
            proxy: entry.proxy.as_ref().map(|_| ProxyDraft::from_fields(form)),
        }
    }

    /// What was typed; what the form does not hold stays as it is.
    ///
    /// # Errors
    /// What is wrong, or what the database says.
    pub(super) async fn read(&self, app: &App, before: &ApplicationEntry) -> OperationResult<ApplicationEdit> {
        let mut problems = Problems::default();
        let mut edit = ApplicationEdit::of(before);
        if let Some((draft, profile)) = self.oauth.as_ref().zip(edit.oauth.as_mut()) {
            *profile = draft.read(profile, &mut problems);
            match ConsentMode::parse(self.text("consent")) {
                Some(consent) => edit.profile.consent = consent,
                None => problems.add("consent", "Choose one of the entries."),
            }
        }
        if let Some((draft, profile)) = self.ldap.as_ref().zip(edit.ldap.as_mut()) {
            *profile = draft.read(app, &mut problems).await?;
            let uri = Some(self.text("ldap_uri")).filter(|uri| !uri.is_empty());
            match settings::choose_ldap_server(&mut edit.profile, uri) {
                Err(OperationError::Invalid(found)) => problems.0.extend(found.0),
                other => other?,
            }
        }
        if let Some((draft, profile)) = self.proxy.as_ref().zip(edit.proxy.as_mut()) {
            *profile = draft.read(&mut problems);
        }
        edit.profile = ApplicationProfile {
            slug: self.text("slug").to_owned(),
            name: self.text("name").to_owned(),
            launch_url: self.text("launch_url").to_owned(),
            icon_url: self.text("icon_url").to_owned(),
            group_heading: self.text("group_heading").to_owned(),
            description: self.text("description").to_owned(),
            access: self.access.read(app, &mut problems).await?,
            networks: access::networks(&self.access.networks, &mut problems),
            ..edit.profile
        };
        Ok(problems.or(edit)?)
    }

    /// What the template shows of it.
    pub(super) fn context(&self, app: &App) -> Map<String, Value> {
        let mut form: Map<String, Value> =
            self.texts.iter().map(|(name, text)| ((*name).to_owned(), json!(text))).collect();
        form.insert("access".to_owned(), json!(self.access.access));
        form.insert("allow_users".to_owned(), json!(self.access.users));
        form.insert("networks".to_owned(), json!(self.access.networks));
        let consents = ConsentMode::ALL.iter().map(|(_, value, label)| (*value, *label));
        let mut context = Map::new();
        context.insert(
            "choices".to_owned(),
            json!({
                "access": fields::choices(access::CHOICES, &self.access.access),
                "consent": fields::choices(consents, self.text("consent")),
            }),
        );
        let groups = fields::group_ticks(&app.snapshot(), &self.access.groups, None);
        context.insert("all_groups".to_owned(), groups);
        if let Some(oauth) = &self.oauth {
            oauth.show(app, &mut context, &mut form);
        }
        if let Some(ldap) = &self.ldap {
            ldap.show(&mut context, &mut form);
        }
        if let Some(proxy) = &self.proxy {
            proxy.show(&mut context, &mut form);
        }
        context.insert("form".to_owned(), Value::Object(form));
        context
    }

    fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }
}
