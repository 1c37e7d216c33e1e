//! `doorward app add`.

use doorward_core::application::ApplicationProfile;
use doorward_server::{
    applications::{
        self,
        from_recipe::{self, RecipeRequest},
    },
    recipes::{self, Recipe, RecipeInput, Style, UriKind},
    snapshot::Client,
};
use std::sync::Arc;
use url::Url;

use super::{
    super::Work,
    options::{self, Access, Details, redirect_uris},
    settings, view,
};
use crate::{
    exit, lookup,
    output::{joined, print, print_json, warning},
};

const EXAMPLES: &str = "\
Examples:
  doorward app add netbox --url https://netbox.example.org \\
      --superusers netbox-admins --allow everyone
  doorward app add netbox --slug netbox-lab --url http://10.0.0.5:8000 \\
      --group-prefix nb- --allow netbox-users
  doorward app add custom --name Wiki --redirect-uri https://wiki.example.org/callback --allow staff
  doorward app add custom --name Phone --public --allow everyone \\
      --redirect-uri com.example.phone:/signed-in

Who may use it must be said: --allow everyone, --allow GROUP or --allow-user USERNAME.";

/// Options of `doorward app add`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Recipe, such as netbox; or "custom"
    recipe: String,
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
    /// Check, and say what would be done, without doing it
    #[arg(long)]
    dry_run: bool,
}

/// Adds an application.
pub async fn run(work: &Work, args: Args) -> anyhow::Result<()> {
    let Some(access) = args.access.rule(work).await? else {
        return Err(exit::usage(
            "say who may use it: --allow everyone, --allow GROUP or --allow-user USERNAME (nobody gets in by default)",
        ));
    };
    let client = if args.recipe == "custom" {
        let profile = ApplicationProfile { access, ..args.custom_profile()? };
        custom(work, &args, profile).await?
    } else {
        let request = args.request(work, access)?;
        from_recipe(work, &args, request).await?
    };
    // None: a dry run, which has said what it found.
    let Some(client) = client else { return Ok(()) };
    let mut value = view::json(work, &client);
    view::add_secret(work, &client, &mut value)?;
    if work.output.is_json() {
        return print_json(&value);
    }
    print(&format!("Added the application {}.\n", client.application.profile.name))?;
    let mut fields = view::fields(work, &client).await?;
    fields.push(("Client secret", client.provider.client_secret.expose().clone()));
    work.output.fields(&fields, &value)?;
    if let Some(blocks) = from_recipe::settings(&work.app, &client, Style::File, None)? {
        let slug = &client.application.profile.slug;
        print(&format!("\nThe settings to paste (again, or for Docker and Helm: doorward app config {slug}):\n"))?;
        settings::print_blocks(&blocks)?;
    }
    Ok(())
}

async fn custom(work: &Work, args: &Args, mut profile: ApplicationProfile) -> anyhow::Result<Option<Arc<Client>>> {
    let mut provider = applications::default_provider(&work.app.snapshot(), &profile.name)?;
    provider.redirect_uris = args.uris();
    args.details.apply(work, &mut profile, &mut provider)?;
    options::check(&profile, &provider)?;
    refuse_taken(work, &profile.slug)?;
    if args.dry_run {
        work.output.would(&format!("add the application {} with the slug {}", profile.name, profile.slug))?;
        return Ok(None);
    }
    Ok(Some(applications::create(&work.app, &work.actor, profile, provider).await?))
}

async fn from_recipe(work: &Work, args: &Args, request: RecipeRequest) -> anyhow::Result<Option<Arc<Client>>> {
    refuse_taken(work, &request.slug)?;
    check_recipe(work, args, &request)?;
    if args.dry_run {
        work.output
            .would(&format!("add {} from the recipe {} with the slug {}", request.url, request.recipe, request.slug))?;
        return Ok(None);
    }
    let made = from_recipe::create(&work.app, &work.actor, request).await?;
    let (mut profile, mut provider) = (made.application.profile.clone(), made.provider.profile.clone());
    provider.redirect_uris.extend(args.uris());
    args.details.apply(work, &mut profile, &mut provider)?;
    if (&profile, &provider) == (&made.application.profile, &made.provider.profile) {
        return Ok(Some(made));
    }
    let slug = profile.slug.clone();
    Ok(Some(applications::update(&work.app, &work.actor, &slug, profile, provider).await?))
}

/// Everything that can be wrong, before anything is written.
fn check_recipe(work: &Work, args: &Args, request: &RecipeRequest) -> anyhow::Result<()> {
    let url = Url::parse(&request.url).map_err(|error| {
        exit::usage(format!(
            "--url: \"{}\" is no address ({error}); write it like https://netbox.example.org",
            request.url
        ))
    })?;
    let plan = Recipe::find(&request.recipe)
        .and_then(|recipe| {
            recipe.plan(&RecipeInput {
                slug: request.slug.clone(),
                url,
                superuser_groups: request.superuser_groups.clone(),
                managed_groups: request.managed_groups.clone(),
                group_prefix: request.group_prefix.clone(),
            })
        })
        .map_err(|error| exit::usage(error.to_string()))?;
    let name = request.name.clone().unwrap_or(plan.name);
    let mut profile = ApplicationProfile::new(request.slug.as_str(), name.as_str());
    profile.launch_url = plan.launch_url;
    let mut provider = applications::default_provider(&work.app.snapshot(), &name)?;
    provider.redirect_uris = args.uris();
    provider.redirect_uris.extend(plan.redirect_uris.into_iter().map(|(kind, uri)| match kind {
        UriKind::Authorization => doorward_core::redirect_uri::RedirectUri::exact(uri),
        UriKind::Logout => doorward_core::redirect_uri::RedirectUri::logout(uri),
    }));
    args.details.apply(work, &mut profile, &mut provider)?;
    Ok(options::check(&profile, &provider)?)
}

fn refuse_taken(work: &Work, slug: &str) -> anyhow::Result<()> {
    match work.app.snapshot().by_slug(slug) {
        Some(client) => Err(exit::failed(format!(
            "the slug {slug} belongs to {} already; choose another with --slug",
            client.application.profile.name
        ))),
        None => Ok(()),
    }
}

impl Args {
    fn uris(&self) -> Vec<doorward_core::redirect_uri::RedirectUri> {
        redirect_uris(&self.redirect_uris, &self.redirect_regexes, &self.logout_uris)
    }

    fn custom_profile(&self) -> anyhow::Result<ApplicationProfile> {
        let is_for_recipe = [
            ("--url", self.url.is_some()),
            ("--superusers", !self.superusers.is_empty()),
            ("--groups", !self.groups.is_empty()),
            ("--group-prefix", self.group_prefix.is_some()),
        ];
        if let Some((option, _)) = is_for_recipe.into_iter().find(|(_, is_given)| *is_given) {
            return Err(exit::usage(format!("{option} is for recipes; \"custom\" takes --name and --redirect-uri")));
        }
        if self.redirect_uris.is_empty() && self.redirect_regexes.is_empty() {
            return Err(exit::usage("a custom application needs --redirect-uri (or --redirect-uri-regex)"));
        }
        let name = self.name.as_ref().or(self.slug.as_ref());
        let name = name.ok_or_else(|| exit::usage("a custom application needs --name"))?;
        let slug = self.slug.clone().unwrap_or_else(|| slug_of(name));
        Ok(ApplicationProfile::new(slug, name.as_str()))
    }

    fn request(&self, work: &Work, access: doorward_core::access_rule::AccessRule) -> anyhow::Result<RecipeRequest> {
        let known = recipes::all();
        if !known.iter().any(|recipe| recipe.id == self.recipe) {
            let ids: Vec<_> = known.iter().map(|recipe| recipe.id.as_str()).chain(["custom"]).collect();
            return Err(exit::not_found(format!(
                "there is no recipe \"{}\"; there are: {}",
                self.recipe,
                joined(&ids)
            )));
        }
        if self.details.public {
            return Err(exit::usage("--public is for custom applications: recipes are for servers that keep a secret"));
        }
        let url = self.url.clone().ok_or_else(|| {
            exit::usage(format!("say where it is, for instance --url https://{}.example.org", self.recipe))
        })?;
        for name in self.groups.iter().filter(|name| lookup::group(&work.app, name).is_err()) {
            warning(&format!(
                "there is no group \"{name}\" yet; add it with: doorward group add {}",
                lookup::word(name)
            ));
        }
        let superuser_groups = self.superusers.iter().map(|name| Ok(lookup::group(&work.app, name)?.profile.name));
        let signing_key = self.details.signing_key.as_ref().map(|name| lookup::signing_key(&work.app, name));
        Ok(RecipeRequest {
            recipe: self.recipe.clone(),
            slug: self.slug.clone().unwrap_or_else(|| self.recipe.clone()),
            name: self.name.clone(),
            url,
            superuser_groups: superuser_groups.collect::<anyhow::Result<_>>()?,
            managed_groups: self.groups.clone(),
            group_prefix: self.group_prefix.clone(),
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
