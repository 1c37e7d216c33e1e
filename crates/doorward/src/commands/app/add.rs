//! `doorward app add`.

use doorward_core::{
    access_rule::AccessRule,
    application::ApplicationProfile,
    method::Method,
    provider::{check_client_secret, new_client_secret},
    secret::Secret,
};
use doorward_server::{
    applications::{
        self, ApplicationEdit, Created,
        from_recipe::{self, RecipeRequest},
        ldap, proxy as proxies,
    },
    error::OperationError,
    recipes::{self, RecipeSummary},
};
use std::path::PathBuf;
use url::Url;

use super::{
    super::Work,
    ldap_options::LdapOptions,
    options::{self, Access, Details, redirect_uris, refuse},
    proxy,
    proxy_options::ProxyOptions,
    settings, view,
};
use crate::{
    exit, lookup,
    output::{joined, print, print_json, warning},
    password::secret_given,
};

const EXAMPLES: &str = "\
Examples:
  doorward app add netbox --url https://netbox.example.org \\
      --superusers netbox-admins --allow everyone
  doorward app add netbox --slug netbox-lab --url http://10.0.0.5:8000 \\
      --group-prefix nb- --allow netbox-users
  doorward app add netbox --method ldap --url https://netbox.example.org \\
      --superusers netbox-admins --allow everyone
  doorward app add netbox --method proxy --url https://netbox.example.org \\
      --superusers netbox-admins --allow everyone
  doorward app add sssd --slug linux --allow everyone --ldap-uri ldaps://id.example.org:6636
  doorward app add custom --name Wiki --redirect-uri https://wiki.example.org/callback --allow staff
  doorward app add custom --name Tests --redirect-uri https://a.example/cb --allow everyone --client-id tests \\
      --client-secret-file secret.txt --grant-types authorization_code,implicit,hybrid,refresh_token \\
      --backchannel-logout-uri https://a.example/logged-out
  doorward app add custom --name Phone --public --allow everyone \\
      --redirect-uri com.example.phone:/signed-in
  doorward app add custom --method ldap --name Printer --allow staff --base-dn dc=example,dc=org
  doorward app add custom --method proxy --name Wiki --allow staff \\
      --external-host https://wiki.example.org --header username=Remote-User

Who may use it must be said: --allow everyone, --allow GROUP or --allow-user USERNAME. To an application that is there \
    already LDAP is added by \"doorward app ldap add\", forward auth by \"doorward app proxy add\".";

/// Options of `doorward app add`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Recipe, such as netbox; or "custom"
    recipe: String,
    /// How people sign in: oidc, ldap or proxy [default: the recipe's usual method, or oidc]
    #[arg(long, value_name = "METHOD", value_parser = options::method)]
    method: Option<Method>,
    /// Name to show [default: the recipe's]
    #[arg(long)]
    name: Option<String>,
    /// Part of its addresses: letters, digits, hyphens [default: the recipe's, or made from the name]
    #[arg(long)]
    slug: Option<String>,
    /// Address of the application itself (recipes)
    #[arg(long, help_heading = "Recipes")]
    url: Option<String>,
    /// Group with full power in the application; may be given several times
    #[arg(long, value_name = "GROUP", help_heading = "Recipes")]
    superusers: Vec<String>,
    /// Group of the application that follows Doorward; may be given several times
    #[arg(long, value_name = "GROUP", help_heading = "Recipes")]
    groups: Vec<String>,
    /// Groups of the application whose names begin so follow Doorward
    #[arg(long, value_name = "PREFIX", help_heading = "Recipes")]
    group_prefix: Option<String>,
    /// Where it listens behind its proxy, such as http://127.0.0.1:8001 [default: the recipe's]. With --method proxy
    #[arg(long, value_name = "URL", help_heading = "Recipes")]
    upstream: Option<String>,
    /// Who may use it.
    #[command(flatten)]
    access: Access,
    /// Address that takes the answer to a sign-in, exact; may be given several times
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// The same as a regular expression that matches the whole address
    #[arg(long = "redirect-uri-regex", value_name = "REGEX")]
    redirect_regexes: Vec<String>,
    /// Address to return to after signing out, exact; may be given several times
    #[arg(long = "logout-uri", value_name = "URI")]
    logout_uris: Vec<String>,
    /// Details.
    #[command(flatten)]
    details: Details,
    /// File that holds the client secret, for an application that has one already; a line end at its end does not
    /// count [default: a new secret]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["client_secret_stdin", "public"])]
    client_secret_file: Option<PathBuf>,
    /// Read the client secret from standard input
    #[arg(long, conflicts_with = "public")]
    client_secret_stdin: bool,
    /// Check, and say what would be done, without doing it
    #[arg(long)]
    dry_run: bool,
    /// The LDAP provider.
    #[command(flatten)]
    ldap: LdapOptions,
    /// The proxy provider.
    #[command(flatten)]
    proxy: ProxyOptions,
}

/// Adds an application.
pub async fn run(work: &Work, args: Args) -> anyhow::Result<()> {
    let Some(access) = args.access.rule(work).await? else {
        return Err(exit::usage(
            "say who may use it: --allow everyone, --allow GROUP or --allow-user USERNAME (nobody gets in by default)",
        ));
    };
    let created = if args.recipe == "custom" {
        custom(work, &args, access).await?
    } else {
        from_recipe(work, &args, access).await?
    };
    match created {
        Some(created) => show(work, &created).await,
        // A dry run, which has said what it found.
        None => Ok(()),
    }
}

async fn show(work: &Work, Created { entry, bind }: &Created) -> anyhow::Result<()> {
    let mut value = view::json(work, entry).await?;
    let blocks = match bind {
        Some(bind) => view::add_password(work, entry, bind, &mut value).await?,
        None if entry.proxy.is_some() => view::add_proxy_settings(work, entry, &mut value).await?,
        None => view::add_secret(work, entry, &mut value).await?,
    };
    if work.output.is_json() {
        return print_json(&value);
    }
    print(&format!("Added the application {}.\n", entry.application.profile.name))?;
    let mut fields = view::fields(work, entry).await?;
    if let Some(client) = entry.oauth.as_ref().filter(|_| entry.methods().contains(&Method::Oidc)) {
        fields.push(("Client secret", client.provider.client_secret.expose().clone()));
    }
    fields.extend(bind.as_ref().map(|bind| ("Bind password", bind.password.expose().clone())));
    work.output.fields(&fields, &value)?;
    let Some(blocks) = blocks else { return super::ldap::warn(work, entry).await };
    let slug = &entry.application.profile.slug;
    let hint = match bind {
        Some(_) => "The settings to paste. The password is shown now and never again".to_owned(),
        None => format!("The settings to paste (again, or for Docker and Helm: doorward app config {slug})"),
    };
    print(&format!("\n{hint}:\n"))?;
    settings::print_blocks(&blocks)
}

async fn custom(work: &Work, args: &Args, access: AccessRule) -> anyhow::Result<Option<Created>> {
    let profile = ApplicationProfile { access, ..args.custom_profile()? };
    let snapshot = work.app.snapshot();
    let mut edit = ApplicationEdit { profile, oauth: None, ldap: None, proxy: None };
    match args.method.unwrap_or(Method::Oidc) {
        Method::Oidc => edit.oauth = Some(applications::default_provider(&snapshot, &edit.profile.name)?),
        Method::Ldap => edit.ldap = Some(ldap::default_profile(&snapshot, &edit.profile)),
        Method::Proxy => {
            let provider = proxy::profile(&args.proxy)?;
            edit.oauth = Some(proxies::underneath(&snapshot, &edit.profile.name, &provider)?);
            edit.proxy = Some(provider);
        }
    }
    args.finish(work, &mut edit)?;
    let secret = args.client_secret(&edit)?.unwrap_or_else(new_client_secret);
    if args.dry_run {
        let ApplicationProfile { name, slug, .. } = &edit.profile;
        work.output.would(&format!("add the application {name} with the slug {slug}"))?;
        return Ok(None);
    }
    Ok(Some(applications::create_with_secret(&work.app, &work.actor, edit, Vec::new(), secret).await?))
}

async fn from_recipe(work: &Work, args: &Args, access: AccessRule) -> anyhow::Result<Option<Created>> {
    let request = args.request(work, access)?;
    let mut draft =
        from_recipe::draft(&work.app, request).map_err(|error| exit::usage(settings::bare(error).to_string()))?;
    args.finish(work, &mut draft.edit)?;
    draft.client_secret = args.client_secret(&draft.edit)?;
    if args.dry_run {
        let ApplicationProfile { name, slug, .. } = &draft.edit.profile;
        work.output.would(&format!("add {name} from the recipe {} with the slug {slug}", args.recipe))?;
        return Ok(None);
    }
    Ok(Some(from_recipe::create(&work.app, &work.actor, draft).await?))
}

impl Args {
    /// Adds what is said beside the recipe, and checks all of it before anything is written.
    fn finish(&self, work: &Work, edit: &mut ApplicationEdit) -> anyhow::Result<()> {
        self.refuse_taken(work, &edit.profile.slug)?;
        if let Some(networks) = self.access.networks()? {
            edit.profile.networks = networks;
        }
        match &mut edit.oauth {
            Some(provider) => {
                let uris = redirect_uris(&self.redirect_uris, &self.redirect_regexes, &self.logout_uris);
                provider.redirect_uris.extend(uris);
            }
            None => self.refuse_uris()?,
        }
        self.details.apply(work, edit)?;
        self.ldap.apply(edit)?;
        self.proxy.apply(edit)?;
        Ok(edit.check(&work.app.snapshot(), None)?)
    }

    /// The client secret that was chosen, if one was.
    fn client_secret(&self, edit: &ApplicationEdit) -> anyhow::Result<Option<Secret<String>>> {
        if edit.oauth.is_none() {
            let given = [
                ("--client-secret-file", self.client_secret_file.is_some()),
                ("--client-secret-stdin", self.client_secret_stdin),
            ];
            refuse(&given, "is about OpenID Connect; leave it out with --method ldap")?;
        }
        let given = secret_given("client secret", self.client_secret_file.as_deref(), self.client_secret_stdin)?;
        if let Some(secret) = &given {
            check_client_secret(secret).map_err(OperationError::from)?;
        }
        Ok(given)
    }

    fn refuse_taken(&self, work: &Work, slug: &str) -> anyhow::Result<()> {
        let snapshot = work.app.snapshot();
        let Some(entry) = snapshot.application(slug) else { return Ok(()) };
        let name = &entry.application.profile.name;
        let choice = match self.method {
            Some(Method::Ldap) if entry.ldap.is_none() => {
                format!("add LDAP to it with \"doorward app ldap add {slug}\", or choose another with --slug")
            }
            Some(Method::Proxy) if entry.proxy.is_none() => {
                format!("add forward auth to it with \"doorward app proxy add {slug}\", or choose another with --slug")
            }
            _ => "choose another with --slug".to_owned(),
        };
        Err(exit::failed(format!("the slug {slug} belongs to {name} already; {choice}")))
    }

    fn refuse_uris(&self) -> anyhow::Result<()> {
        let given = [
            ("--redirect-uri", !self.redirect_uris.is_empty()),
            ("--redirect-uri-regex", !self.redirect_regexes.is_empty()),
            ("--logout-uri", !self.logout_uris.is_empty()),
        ];
        refuse(&given, "is about OpenID Connect; leave it out with --method ldap")
    }

    fn custom_profile(&self) -> anyhow::Result<ApplicationProfile> {
        let is_for_recipe = [
            ("--url", self.url.is_some()),
            ("--superusers", !self.superusers.is_empty()),
            ("--groups", !self.groups.is_empty()),
            ("--group-prefix", self.group_prefix.is_some()),
            ("--upstream", self.upstream.is_some()),
        ];
        refuse(&is_for_recipe, "is for recipes; \"custom\" takes --name and --redirect-uri")?;
        let is_oidc = self.method.is_none_or(|method| method == Method::Oidc);
        if is_oidc && self.redirect_uris.is_empty() && self.redirect_regexes.is_empty() {
            return Err(exit::usage("a custom application needs --redirect-uri (or --redirect-uri-regex)"));
        }
        let name = self.name.as_ref().or(self.slug.as_ref());
        let name = name.ok_or_else(|| exit::usage("a custom application needs --name"))?;
        let slug = self.slug.clone().unwrap_or_else(|| slug_of(name));
        Ok(ApplicationProfile::new(slug, name.as_str()))
    }

    /// The recipe that was named.
    fn known_recipe(&self) -> anyhow::Result<RecipeSummary> {
        let known = recipes::all();
        let ids: Vec<String> = known.iter().map(|recipe| recipe.id.clone()).chain(["custom".to_owned()]).collect();
        known.into_iter().find(|recipe| recipe.id == self.recipe).ok_or_else(|| {
            exit::not_found(format!("there is no recipe \"{}\"; there are: {}", self.recipe, joined(&ids)))
        })
    }

    fn request(&self, work: &Work, access: AccessRule) -> anyhow::Result<RecipeRequest> {
        let recipe = self.known_recipe()?;
        if self.details.public {
            return Err(exit::usage("--public is for custom applications: recipes are for servers that keep a secret"));
        }
        if recipe.has_url && self.url.is_none() {
            let example = format!("--url https://{}.example.org", self.recipe);
            return Err(exit::usage(format!("say where it is, for instance {example}")));
        }
        if let Some(Err(error)) = self.url.as_deref().map(Url::parse) {
            let url = self.url.as_deref().unwrap_or_default();
            return Err(exit::usage(format!(
                "--url: \"{url}\" is no address ({error}); write it like https://netbox.example.org"
            )));
        }
        for name in self.groups.iter().filter(|name| lookup::group(&work.app, name).is_err()) {
            warning(&format!(
                "there is no group \"{name}\" yet; add it with: doorward group add {}",
                lookup::word(name)
            ));
        }
        let superuser_groups = self.superusers.iter().map(|name| Ok(lookup::group(&work.app, name)?.profile.name));
        let signing_key = self.details.signing_key.as_ref().map(|name| lookup::signing_key(&work.app, name));
        Ok(RecipeRequest {
            recipe: recipe.id,
            method: self.method,
            slug: self.slug.clone().unwrap_or_else(|| self.recipe.clone()),
            name: self.name.clone(),
            url: self.url.clone(),
            superuser_groups: superuser_groups.collect::<anyhow::Result<_>>()?,
            managed_groups: self.groups.clone(),
            group_prefix: self.group_prefix.clone(),
            ldap_uri: self.ldap.ldap_uri.clone(),
            upstream: self.upstream.clone(),
            access,
            signing_key: signing_key.transpose()?.map(|key| key.id),
        })
    }
}

/// A slug made from a name: letters and digits, with hyphens between words.
fn slug_of(name: &str) -> String {
    let plain = name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), " ");
    let slug = plain.split_whitespace().collect::<Vec<_>>().join("-");
    slug.chars().take(doorward_core::application::SLUG_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_made_from_names() {
        for (name, slug) in [("Our Wiki (new)", "our-wiki-new"), ("Grafana", "grafana"), ("--", "")] {
            assert_eq!(slug_of(name), slug);
        }
        assert_eq!(slug_of(&"x".repeat(80)).len(), 50);
    }
}
