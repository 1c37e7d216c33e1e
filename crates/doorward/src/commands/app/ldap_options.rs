//! Options about the LDAP provider of an application.

use doorward_core::{
    application::ApplicationProfile,
    ldap_provider::{LdapProfile, UidSource},
};
use doorward_server::{
    applications::{ApplicationEdit, settings::choose_ldap_server},
    recipes::LdapServer,
};

use super::{
    super::{Work, switch},
    options::{choices, refuse, set},
};
use crate::lookup;

/// How the LDAP provider is.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
#[command(next_help_heading = "LDAP")]
pub struct LdapOptions {
    /// Root of its tree [default: dc=ldap,dc=goauthentik,dc=io; from the second application on with dc=SLUG before it]
    #[arg(long, value_name = "DN")]
    base_dn: Option<String>,
    /// What the attribute "uid" holds: hashed_user_id, as authentik has it, or username, as SSSD, Dovecot and most
    /// others expect it
    #[arg(long, value_name = "SOURCE", value_parser = uid_source)]
    uid_source: Option<UidSource>,
    /// Members of a group below count as members [default]
    #[arg(long, conflicts_with = "no_nested_groups")]
    nested_groups: bool,
    /// Only direct members count, as in authentik
    #[arg(long)]
    no_nested_groups: bool,
    /// Whether people with an authenticator app may write its code behind their password, password;123456; else they
    /// need an app password [default: true]
    #[arg(long, value_name = "true|false")]
    code_in_password: Option<bool>,
    /// Where the numbers of users start [default: 2000]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    uid_start: Option<i64>,
    /// Where the numbers of groups start [default: 4000]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    gid_start: Option<i64>,
    /// Address of the LDAP server in the settings of a recipe, such as ldaps://id.example.org:6636; without a port 636,
    /// or 389 for ldap:// [default: host of the public URL, port Doorward listens at]. Not for custom applications
    #[arg(long, value_name = "URI", value_parser = ldap_uri)]
    pub ldap_uri: Option<String>,
}

impl LdapOptions {
    /// Writes what is given into an application that is there or to be made.
    pub fn apply(&self, edit: &mut ApplicationEdit) -> anyhow::Result<()> {
        if let Some(provider) = &mut edit.ldap {
            self.apply_to(provider);
            let Some(uri) = &self.ldap_uri else { return Ok(()) };
            return Ok(choose_ldap_server(&mut edit.profile, Some(uri))?);
        }
        let ApplicationProfile { name, slug, .. } = &edit.profile;
        let advice = format!("is about LDAP, which {name} does not use; see: doorward app ldap add {slug}");
        refuse(&self.given(), &advice)
    }

    fn apply_to(&self, provider: &mut LdapProfile) {
        set(&mut provider.base_dn, self.base_dn.as_ref());
        set(&mut provider.uid_source, self.uid_source.as_ref());
        set(&mut provider.nested_groups, switch(self.nested_groups, self.no_nested_groups).as_ref());
        set(&mut provider.code_in_password, self.code_in_password.as_ref());
        set(&mut provider.uid_start_number, self.uid_start.as_ref());
        set(&mut provider.gid_start_number, self.gid_start.as_ref());
    }

    fn given(&self) -> [(&'static str, bool); 8] {
        [
            ("--base-dn", self.base_dn.is_some()),
            ("--uid-source", self.uid_source.is_some()),
            ("--nested-groups", self.nested_groups),
            ("--no-nested-groups", self.no_nested_groups),
            ("--code-in-password", self.code_in_password.is_some()),
            ("--uid-start", self.uid_start.is_some()),
            ("--gid-start", self.gid_start.is_some()),
            ("--ldap-uri", self.ldap_uri.is_some()),
        ]
    }
}

/// Who else may read the whole directory.
#[derive(Debug, Default, PartialEq, clap::Args)]
#[command(next_help_heading = "LDAP")]
pub struct Searchers {
    /// User who may read everybody through it, by username; may be given several times
    #[arg(long = "add-searcher", value_name = "USERNAME")]
    add: Vec<String>,
    /// User who may no longer; may be given several times
    #[arg(long = "remove-searcher", value_name = "USERNAME")]
    remove: Vec<String>,
}

impl Searchers {
    /// Writes what is given into an application.
    pub async fn apply(&self, work: &Work, edit: &mut ApplicationEdit) -> anyhow::Result<()> {
        let Some(provider) = &mut edit.ldap else {
            let given = [("--add-searcher", !self.add.is_empty()), ("--remove-searcher", !self.remove.is_empty())];
            return refuse(&given, &format!("is about LDAP, which {} does not use", edit.profile.name));
        };
        for username in &self.remove {
            provider.searchers.remove(&lookup::user(&work.app, username).await?.id);
        }
        for username in &self.add {
            provider.searchers.insert(lookup::user(&work.app, username).await?.id);
        }
        Ok(())
    }
}

fn uid_source(text: &str) -> Result<UidSource, String> {
    UidSource::parse(text).ok_or_else(|| choices(UidSource::ALL.iter().map(|(_, name, _)| *name)))
}

fn ldap_uri(text: &str) -> Result<String, String> {
    LdapServer::parse(text).map(|server| server.uri()).map_err(|error| error.to_string())
}
