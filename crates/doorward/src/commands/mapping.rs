//! `doorward mapping`.

use anyhow::Context as _;
use clap::Subcommand;
use doorward_core::claim_mapping::{ClaimMapping, MappingProfile};
use doorward_server::{directory::users, mappings};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

use super::Work;
use crate::{
    exit, lookup,
    output::{confirm, joined, or_dash, print_json, yes_no},
};

const EXPRESSION_HELP: &str = "\
An expression is Jinja whose value is a map of claims. It sees \"user\" (username, name, email, groups, attributes, …)
and \"application\".";

/// What can be done with claim mappings.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List claim mappings
    #[command(visible_alias = "ls", after_help = "Example:\n  doorward mapping list")]
    List,
    /// Show a claim mapping
    #[command(after_help = "Example:\n  doorward mapping show \"OpenID 'profile'\"")]
    Show {
        /// Name of the mapping
        name: String,
    },
    /// Add a claim mapping
    #[command(after_help = format!("Example:\n  doorward mapping add \"Wiki roles\" --scope profile \\\n    \
        --expression '{{\"roles\": user.groups | map(attribute=\"name\") | list}}'\n  \
        doorward app edit wiki --add-mapping \"Wiki roles\"\n\n{EXPRESSION_HELP}"))]
    Add(WriteArgs),
    /// Change a claim mapping
    #[command(after_help = format!("Example:\n  doorward mapping edit \"Wiki roles\" --expression-file roles.j2\n\n{EXPRESSION_HELP}"))]
    Edit {
        /// New name
        #[arg(long = "name", value_name = "NAME")]
        new_name: Option<String>,
        /// The mapping.
        #[command(flatten)]
        write: WriteArgs,
    },
    /// Show the claims that a mapping or an expression makes for a user
    #[command(after_help = "Examples:\n  doorward mapping preview \"Wiki roles\" --user alice\n  \
        doorward mapping preview --expression '{\"mail\": user.email}' --user alice")]
    Preview {
        /// Name of the mapping
        name: Option<String>,
        /// Expression instead of a mapping
        #[arg(long, conflicts_with = "name", required_unless_present = "name")]
        expression: Option<String>,
        /// Username
        #[arg(long, value_name = "USERNAME")]
        user: String,
    },
    /// Remove a claim mapping, also from applications that have it
    #[command(visible_alias = "remove", after_help = "Example:\n  doorward mapping rm \"Wiki roles\" --yes")]
    Rm {
        /// Name of the mapping
        name: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
}

/// Fields of a mapping.
#[derive(Debug, clap::Args)]
pub struct WriteArgs {
    /// Name of the mapping
    #[arg(value_name = "NAME")]
    mapping: String,
    /// Scope that brings the claims
    #[arg(long)]
    scope: Option<String>,
    /// Jinja expression whose value is a map of claims
    #[arg(long, conflicts_with = "expression_file")]
    expression: Option<String>,
    /// File that holds the expression
    #[arg(long, value_name = "FILE")]
    expression_file: Option<PathBuf>,
    /// What the consent page says about the scope
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Check, and say what would be done, without doing it
    #[arg(long)]
    dry_run: bool,
}

/// Runs a command.
pub async fn run(work: &Work, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List => list(work),
        Command::Show { name } => show(work, &name),
        Command::Add(args) => add(work, args).await,
        Command::Edit { new_name, write } => edit(work, new_name, write).await,
        Command::Preview { name, expression, user } => preview(work, name, expression, &user).await,
        Command::Rm { name, yes, dry_run } => remove(work, &name, yes, dry_run).await,
    }
}

fn list(work: &Work) -> anyhow::Result<()> {
    let snapshot = work.app.snapshot();
    let row = |mapping: &ClaimMapping| {
        let used_by = used_by(work, mapping);
        vec![mapping.profile.name.clone(), mapping.profile.scope.clone(), yes_no(mapping.is_default), joined(&used_by)]
    };
    let rows: Vec<_> = snapshot.mappings.iter().map(row).collect();
    let values = snapshot.mappings.iter().map(|mapping| described(work, mapping)).collect();
    work.output.list(&["MAPPING", "SCOPE", "DEFAULT", "USED BY"], &rows, values, "There are no claim mappings.")
}

fn show(work: &Work, name: &str) -> anyhow::Result<()> {
    let mapping = lookup::mapping(&work.app, name)?;
    let fields = [
        ("Mapping", mapping.profile.name.clone()),
        ("Scope", mapping.profile.scope.clone()),
        ("Description", or_dash(&mapping.profile.description)),
        ("Default", yes_no(mapping.is_default)),
        ("Used by", joined(&used_by(work, &mapping))),
        ("Expression", mapping.profile.expression.clone()),
    ];
    work.output.fields(&fields, &described(work, &mapping))
}

async fn add(work: &Work, args: WriteArgs) -> anyhow::Result<()> {
    let empty = MappingProfile {
        name: String::new(),
        scope: String::new(),
        expression: String::new(),
        description: String::new(),
    };
    let profile = MappingProfile { name: args.mapping.trim().to_owned(), ..args.apply(empty)? };
    if profile.scope.is_empty() || profile.expression.is_empty() {
        return Err(exit::usage("a mapping needs --scope and --expression (or --expression-file)"));
    }
    mappings::check(&profile)?;
    if args.dry_run {
        if lookup::mapping(&work.app, &profile.name).is_ok() {
            return Err(exit::failed("name: There is a claim mapping of that name."));
        }
        return work.output.would(&format!("add the claim mapping {}", profile.name));
    }
    let mapping = mappings::create(&work.app, &work.actor, profile).await?;
    work.output.done(&format!("Added the claim mapping {}.", mapping.profile.name), &described(work, &mapping))
}

async fn edit(work: &Work, new_name: Option<String>, args: WriteArgs) -> anyhow::Result<()> {
    let mapping = lookup::mapping(&work.app, &args.mapping)?;
    let mut profile = args.apply(mapping.profile.clone())?;
    profile.name = new_name.map_or(profile.name, |name| name.trim().to_owned());
    if profile == mapping.profile {
        return Err(exit::usage("nothing to change; \"doorward mapping edit --help\" lists the options"));
    }
    mappings::check(&profile)?;
    if args.dry_run {
        return work.output.would(&format!("change the claim mapping {}", mapping.profile.name));
    }
    mappings::update(&work.app, &work.actor, mapping.id, profile).await?;
    let mapping = mappings::find(&work.app, mapping.id)?;
    work.output.done(&format!("Changed the claim mapping {}.", mapping.profile.name), &described(work, &mapping))
}

async fn preview(work: &Work, name: Option<String>, expression: Option<String>, user: &str) -> anyhow::Result<()> {
    let expression = match (name, expression) {
        (Some(name), _) => lookup::mapping(&work.app, &name)?.profile.expression,
        (None, Some(expression)) => expression,
        (None, None) => return Err(exit::usage("name a mapping, or give --expression")),
    };
    lookup::user(&work.app, user).await?;
    let person = users::find_person(&work.app, user).await?;
    let claims = mappings::preview(&work.app, &person, &expression).map_err(exit::failed)?;
    // Claims are JSON for applications, so people see them as JSON, too.
    print_json(&Value::Object(claims))
}

async fn remove(work: &Work, name: &str, yes: bool, dry_run: bool) -> anyhow::Result<()> {
    let mapping = lookup::mapping(&work.app, name)?;
    let name = &mapping.profile.name;
    let users = used_by(work, &mapping);
    let from = if users.is_empty() { String::new() } else { format!(" and take it from {}", users.join(", ")) };
    if dry_run {
        return work.output.would(&format!("remove the claim mapping {name}{from}"));
    }
    confirm(yes, &format!("Remove the claim mapping {name}{from}?"))?;
    mappings::delete(&work.app, &work.actor, mapping.id).await?;
    work.output.done(&format!("Removed the claim mapping {name}."), &json!({ "removed": name }))
}

impl WriteArgs {
    fn apply(&self, mut profile: MappingProfile) -> anyhow::Result<MappingProfile> {
        if let Some(path) = &self.expression_file {
            let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
            profile.expression = text.trim_end().to_owned();
        }
        for (field, given) in [
            (&mut profile.scope, &self.scope),
            (&mut profile.expression, &self.expression),
            (&mut profile.description, &self.description),
        ] {
            if let Some(given) = given {
                field.clone_from(given);
            }
        }
        Ok(profile)
    }
}

fn used_by(work: &Work, mapping: &ClaimMapping) -> Vec<String> {
    let snapshot = work.app.snapshot();
    let clients = snapshot.clients().filter(|client| client.provider.profile.mappings.contains(&mapping.id));
    clients.map(|client| client.application.profile.slug.clone()).collect()
}

fn described(work: &Work, mapping: &ClaimMapping) -> Value {
    let mut value = json!(mapping);
    if let Value::Object(members) = &mut value {
        members.insert("used_by".into(), json!(used_by(work, mapping)));
    }
    value
}
