//! `doorward app edit`.

use doorward_core::provider::{ClientType, ProviderProfile};
use doorward_server::applications::{
    self, ApplicationEdit,
    changes::{self, Change},
};
use serde_json::json;

use super::{
    super::Work,
    ldap,
    ldap_options::{LdapOptions, Searchers},
    options::{Access, Details, redirect_uris, refuse},
    proxy_options::ProxyOptions,
    view,
};
use crate::{exit, lookup};

const EXAMPLES: &str = "\
Examples:
  doorward app edit wiki --name \"Team wiki\" --allow staff --allow-user guest
  doorward app edit wiki --network 10.0.0.0/8 --network 2001:db8::/32
  doorward app edit wiki --add-redirect-uri https://wiki2.example.org/callback
  doorward app edit wiki --access-token-lifetime minutes=15 --consent first_time
  doorward app edit wiki --add-mapping \"Wiki roles\"
  doorward app edit linux --base-dn dc=example,dc=org --no-nested-groups
  doorward app edit linux --ldap-uri ldaps://ldap.example.org:636
  doorward app edit wiki --header groups=X-Groups --skip-path ^/static/ --skip-path ^/favicon.ico$

--allow and --allow-user together replace the rule that says who may use it; --network replaces all its networks.";

/// Options of `doorward app edit`.
#[derive(Debug, Default, PartialEq, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Slug of the application
    #[arg(value_name = "SLUG")]
    application: String,
    /// New name
    #[arg(long)]
    name: Option<String>,
    /// New slug; changes the issuer and all addresses of the application
    #[arg(long)]
    slug: Option<String>,
    /// Who may use it.
    #[command(flatten)]
    access: Access,
    /// Address that takes the answer to a sign-in, exact; may be given several times
    #[arg(long = "add-redirect-uri", value_name = "URI")]
    add_redirect_uris: Vec<String>,
    /// The same as a regular expression that matches the whole address
    #[arg(long = "add-redirect-uri-regex", value_name = "REGEX")]
    add_redirect_regexes: Vec<String>,
    /// Address to return to after signing out, exact; may be given several times
    #[arg(long = "add-logout-uri", value_name = "URI")]
    add_logout_uris: Vec<String>,
    /// Redirect URI, expression or logout URI to take away; may be given several times
    #[arg(long = "remove-redirect-uri", visible_alias = "remove-logout-uri", value_name = "URI")]
    remove_uris: Vec<String>,
    /// Claim mapping to give it, by name; may be given several times
    #[arg(long = "add-mapping", value_name = "NAME")]
    add_mappings: Vec<String>,
    /// Claim mapping to take away, by name; may be given several times
    #[arg(long = "remove-mapping", value_name = "NAME")]
    remove_mappings: Vec<String>,
    /// Details.
    #[command(flatten)]
    details: Details,
    /// The client keeps a secret (a server)
    #[arg(long, conflicts_with = "public")]
    confidential: bool,
    /// Check, and say what would be done, without doing it
    #[arg(long)]
    dry_run: bool,
    /// The LDAP provider.
    #[command(flatten)]
    ldap: LdapOptions,
    /// Who reads everybody.
    #[command(flatten)]
    searchers: Searchers,
    /// The proxy provider.
    #[command(flatten)]
    proxy: ProxyOptions,
}

/// Changes an application.
pub async fn run(work: &Work, args: Args) -> anyhow::Result<()> {
    let entry = lookup::application(&work.app, &args.application)?;
    let before = ApplicationEdit::of(&entry);
    let mut edit = before.clone();
    args.apply(work, &mut edit).await?;
    if args.asks_nothing() {
        return Err(exit::usage("nothing to change; \"doorward app edit --help\" lists the options"));
    }
    if edit == before {
        let sentence = format!("The application {} is so already; nothing was changed.", before.profile.name);
        return work.output.done(&sentence, &view::full_json(work, &entry).await?);
    }
    edit.check(&work.app.snapshot(), Some(entry.application.id))?;
    let name = edit.profile.name.clone();
    let changes = changes::between(&work.app, &before, &edit).await?;
    if args.dry_run {
        let sentence = format!("Would change the application {name}. Nothing was changed.{}", in_words(&changes));
        let would = format!("change the application {name}");
        return work.output.done(&sentence, &json!({ "dry_run": true, "would": would, "changes": changes }));
    }
    let written = applications::update(&work.app, &work.actor, &args.application, edit).await?;
    if written.ldap.as_ref().map(|client| &client.provider) != entry.ldap.as_ref().map(|client| &client.provider) {
        ldap::warn(work, &written).await?;
    }
    let mut value = view::full_json(work, &written).await?;
    view::extend(&mut value, json!({ "changes": changes }));
    work.output.done(&format!("Changed the application {name}.{}", in_words(&changes)), &value)
}

/// What is different, a line each. Options that replace lists take away what they do not name: that is said last and alone.
fn in_words(changes: &[Change]) -> String {
    let or_dash = |values: &[String]| if values.is_empty() { "-".to_owned() } else { values.join(", ") };
    let words = |change: &Change| {
        let line = format!("\n  {}: {} → {}", change.label, or_dash(&change.before), or_dash(&change.after));
        let taken_away = change.taken_away();
        if change.before.len().max(change.after.len()) > 1 && !taken_away.is_empty() {
            line + "\n    taken away: " + &taken_away.join(", ")
        } else {
            line
        }
    };
    changes.iter().map(words).collect()
}

impl Args {
    /// Whether no option says what to change.
    fn asks_nothing(&self) -> bool {
        let bare = Self { application: self.application.clone(), dry_run: self.dry_run, ..Self::default() };
        *self == bare
    }

    async fn apply(&self, work: &Work, edit: &mut ApplicationEdit) -> anyhow::Result<()> {
        if let Some(name) = &self.name {
            edit.profile.name.clone_from(name);
        }
        if let Some(slug) = &self.slug {
            edit.profile.slug.clone_from(slug);
        }
        if let Some(rule) = self.access.rule(work).await? {
            edit.profile.access = rule;
        }
        if let Some(networks) = self.access.networks()? {
            edit.profile.networks = networks;
        }
        self.details.apply(work, edit)?;
        self.ldap.apply(edit)?;
        self.searchers.apply(work, edit).await?;
        self.proxy.apply(edit)?;
        match &mut edit.oauth {
            Some(provider) => self.change_provider(work, provider),
            None => self.refuse_oidc(&edit.profile.name),
        }
    }

    fn change_provider(&self, work: &Work, provider: &mut ProviderProfile) -> anyhow::Result<()> {
        if self.confidential {
            provider.client_type = ClientType::Confidential;
        }
        self.change_uris(provider)?;
        for name in &self.remove_mappings {
            provider.mappings.remove(&lookup::mapping(&work.app, name)?.id);
        }
        for name in &self.add_mappings {
            provider.mappings.insert(lookup::mapping(&work.app, name)?.id);
        }
        Ok(())
    }

    fn refuse_oidc(&self, name: &str) -> anyhow::Result<()> {
        let given = [
            ("--add-redirect-uri", !self.add_redirect_uris.is_empty()),
            ("--add-redirect-uri-regex", !self.add_redirect_regexes.is_empty()),
            ("--add-logout-uri", !self.add_logout_uris.is_empty()),
            ("--remove-redirect-uri", !self.remove_uris.is_empty()),
            ("--add-mapping", !self.add_mappings.is_empty()),
            ("--remove-mapping", !self.remove_mappings.is_empty()),
            ("--confidential", self.confidential),
        ];
        refuse(&given, &format!("is about OpenID Connect, which {name} does not use"))
    }

    fn change_uris(&self, provider: &mut ProviderProfile) -> anyhow::Result<()> {
        for uri in &self.remove_uris {
            let before = provider.redirect_uris.len();
            provider.redirect_uris.retain(|registered| registered.url != *uri);
            if provider.redirect_uris.len() == before {
                return Err(exit::not_found(format!(
                    "{uri} is not registered; \"doorward app show {}\" shows what is",
                    self.application
                )));
            }
        }
        for uri in redirect_uris(&self.add_redirect_uris, &self.add_redirect_regexes, &self.add_logout_uris) {
            if !provider.redirect_uris.contains(&uri) {
                provider.redirect_uris.push(uri);
            }
        }
        Ok(())
    }
}
