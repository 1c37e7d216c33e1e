//! `doorward group`.

use clap::Subcommand;
use doorward_core::{
    group::{Group, GroupProfile},
    user::User,
};
use doorward_server::{directory::groups, error::OperationError};
use serde_json::{Value, json};
use std::collections::BTreeSet;

use super::{Work, attributes, switch, warn_without_administrators};
use crate::{
    exit, lookup,
    output::{confirm, joined, note, yes_no},
};

/// What can be done with groups.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a group
    #[command(after_help = "Examples:\n  doorward group add netbox-admins --member alice\n  \
        doorward group add netbox-users --member alice --member bob --parent staff")]
    Add(AddArgs),
    /// List groups
    #[command(visible_alias = "ls", after_help = "Example:\n  doorward group list")]
    List,
    /// Show a group with its members
    #[command(after_help = "Example:\n  doorward group show netbox-admins")]
    Show {
        /// Name of the group
        group: String,
    },
    /// Change a group
    #[command(after_help = "Examples:\n  doorward group edit lab-staff --name netbox-administrators\n  \
        doorward group edit netbox-admins --add-parent staff")]
    Edit(EditArgs),
    /// Make a user a member of a group
    #[command(after_help = "Example:\n  doorward group add-member netbox-admins alice")]
    AddMember(MemberArgs),
    /// End a user's membership of a group
    #[command(after_help = "Example:\n  doorward group remove-member netbox-admins alice")]
    RemoveMember(MemberArgs),
    /// Remove a group
    #[command(visible_alias = "remove", after_help = "Example:\n  doorward group rm netbox-admins --yes")]
    Rm {
        /// Name of the group
        group: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        /// Check, and say what would be done, without doing it
        #[arg(long)]
        dry_run: bool,
    },
}

/// Options of `group add`.
#[derive(Debug, clap::Args)]
pub struct AddArgs {
    /// Name of the group
    name: String,
    /// Username of a member; may be given several times
    #[arg(long = "member", value_name = "USERNAME")]
    members: Vec<String>,
    /// Group whose members this group's members are, too; may be given several times
    #[arg(long = "parent", value_name = "GROUP")]
    parents: Vec<String>,
    /// Members administer Doorward
    #[arg(long)]
    superuser: bool,
    /// Free attributes, a JSON object
    #[arg(long, value_name = "JSON")]
    attributes: Option<String>,
    /// Check, and say what would be done, without doing it
    #[arg(long)]
    dry_run: bool,
}

/// Options of `group edit`.
#[derive(Debug, clap::Args)]
pub struct EditArgs {
    /// Name of the group
    group: String,
    /// New name
    #[arg(long)]
    name: Option<String>,
    /// Group whose members this group's members are from now on; may be given several times
    #[arg(long = "add-parent", value_name = "GROUP")]
    add_parents: Vec<String>,
    /// Parent to take away; may be given several times
    #[arg(long = "remove-parent", value_name = "GROUP")]
    remove_parents: Vec<String>,
    /// Members administer Doorward
    #[arg(long)]
    superuser: bool,
    /// Members do not administer Doorward
    #[arg(long, conflicts_with = "superuser")]
    no_superuser: bool,
    /// Free attributes, a JSON object
    #[arg(long, value_name = "JSON")]
    attributes: Option<String>,
    /// Check, and say what would be done, without doing it
    #[arg(long)]
    dry_run: bool,
}

/// A group and a user.
#[derive(Debug, clap::Args)]
pub struct MemberArgs {
    /// Name of the group
    group: String,
    /// Username
    username: String,
    /// Check, and say what would be done, without doing it
    #[arg(long)]
    dry_run: bool,
}

/// Runs a command.
pub async fn run(work: &Work, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(args) => add(work, args).await,
        Command::List => list(work).await,
        Command::Show { group } => show(work, &group).await,
        Command::Edit(args) => edit(work, args).await,
        Command::AddMember(args) => add_member(work, args).await,
        Command::RemoveMember(args) => remove_member(work, args).await,
        Command::Rm { group, yes, dry_run } => remove(work, &group, yes, dry_run).await,
    }
}

async fn add(work: &Work, args: AddArgs) -> anyhow::Result<()> {
    let mut profile = GroupProfile::named(args.name.trim());
    profile.is_superuser = args.superuser;
    profile.parents = ids(work, &args.parents)?;
    if let Some(text) = &args.attributes {
        profile.attributes = attributes(text)?;
    }
    profile.check().map_err(OperationError::from)?;
    let mut members = BTreeSet::new();
    for username in &args.members {
        members.insert(lookup::user(&work.app, username).await?.id);
    }
    if args.dry_run {
        if groups::find_by_name(&work.app, &profile.name).is_ok() {
            return Err(exit::failed("name: There is a group of that name (upper and lower case count as the same)."));
        }
        return work.output.would(&format!("add the group {} with members: {}", profile.name, joined(&args.members)));
    }
    let group = groups::create(&work.app, &work.actor, profile, members).await?;
    work.output.done(&format!("Added the group {}.", group.profile.name), &described(work, &group).await?)
}

async fn list(work: &Work) -> anyhow::Result<()> {
    let snapshot = work.app.snapshot();
    let mut all: Vec<&Group> = snapshot.groups.iter().collect();
    all.sort_by_key(|group| group.profile.name.to_lowercase());
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    for group in all {
        let (_, count) = groups::members(&work.app, group.id).await?;
        rows.push(vec![
            group.profile.name.clone(),
            count.to_string(),
            joined(&parents(work, group)),
            yes_no(group.profile.is_superuser),
        ]);
        values.push(with(work, group, [("member_count", json!(count))]));
    }
    let empty = "There are no groups yet. Add one: doorward group add NAME";
    work.output.list(&["GROUP", "MEMBERS", "PARENTS", "ADMINISTERS DOORWARD"], &rows, values, empty)
}

async fn show(work: &Work, name: &str) -> anyhow::Result<()> {
    let group = lookup::group(&work.app, name)?;
    let (members, count) = groups::members(&work.app, group.id).await?;
    let effective = groups::count_effective_members(&work.app, group.id).await?;
    let fields = [
        ("Group", group.profile.name.clone()),
        ("Administers Doorward", yes_no(group.profile.is_superuser)),
        ("Parents", joined(&parents(work, &group))),
        ("Members", joined(&usernames(&members))),
        ("Direct members", count.to_string()),
        ("Active, with groups below", effective.to_string()),
        ("Attributes", json!(group.profile.attributes).to_string()),
        ("ID", group.id.to_string()),
    ];
    work.output.fields(&fields, &described(work, &group).await?)?;
    if usize::try_from(count).is_ok_and(|count| count > members.len()) {
        note(&format!("Only the first {} members are shown.", members.len()));
    }
    Ok(())
}

async fn edit(work: &Work, args: EditArgs) -> anyhow::Result<()> {
    let group = lookup::group(&work.app, &args.group)?;
    let mut profile = group.profile.clone();
    profile.name = args.name.map_or(profile.name, |name| name.trim().to_owned());
    profile.is_superuser = switch(args.superuser, args.no_superuser).unwrap_or(profile.is_superuser);
    profile.parents.extend(ids(work, &args.add_parents)?);
    for parent in ids(work, &args.remove_parents)? {
        profile.parents.remove(&parent);
    }
    if let Some(text) = &args.attributes {
        profile.attributes = attributes(text)?;
    }
    if profile == group.profile {
        return Err(exit::usage("nothing to change; \"doorward group edit --help\" lists the options"));
    }
    if args.dry_run {
        profile.check().map_err(OperationError::from)?;
        return work.output.would(&format!("change the group {}", group.profile.name));
    }
    groups::update(&work.app, &work.actor, group.id, profile, None).await?;
    let group = groups::find(&work.app, group.id)?;
    work.output.done(&format!("Changed the group {}.", group.profile.name), &described(work, &group).await?)
}

async fn add_member(work: &Work, args: MemberArgs) -> anyhow::Result<()> {
    let (group, user) = both(work, &args).await?;
    let (name, username) = (&group.profile.name, &user.profile.username);
    if args.dry_run {
        return work.output.would(&format!("make {username} a member of {name}"));
    }
    let is_new = groups::add_member(&work.app, &work.actor, group.id, &user).await?;
    let sentence = if is_new { "is a member of" } else { "was a member already of" };
    work.output.done(&format!("{username} {sentence} {name}."), &described(work, &group).await?)
}

async fn remove_member(work: &Work, args: MemberArgs) -> anyhow::Result<()> {
    let (group, user) = both(work, &args).await?;
    let (name, username) = (&group.profile.name, &user.profile.username);
    if args.dry_run {
        return work.output.would(&format!("end the membership of {username} in {name}"));
    }
    let was = groups::remove_member(&work.app, &work.actor, group.id, &user).await?;
    let sentence = if was { "is no longer a direct member of" } else { "was no direct member of" };
    work.output.done(&format!("{username} {sentence} {name}."), &described(work, &group).await?)?;
    warn_without_administrators(work).await
}

async fn remove(work: &Work, name: &str, yes: bool, dry_run: bool) -> anyhow::Result<()> {
    let group = lookup::group(&work.app, name)?;
    let name = &group.profile.name;
    if dry_run {
        return work.output.would(&format!("remove the group {name}"));
    }
    confirm(yes, &format!("Remove the group {name}?"))?;
    groups::delete(&work.app, &work.actor, group.id).await?;
    work.output.done(&format!("Removed the group {name}."), &json!({ "removed": name }))?;
    warn_without_administrators(work).await
}

async fn both(work: &Work, args: &MemberArgs) -> anyhow::Result<(Group, User)> {
    Ok((lookup::group(&work.app, &args.group)?, lookup::user(&work.app, &args.username).await?))
}

fn ids(work: &Work, names: &[String]) -> anyhow::Result<BTreeSet<doorward_core::id::GroupId>> {
    names.iter().map(|name| Ok(lookup::group(&work.app, name)?.id)).collect()
}

fn parents(work: &Work, group: &Group) -> Vec<String> {
    let snapshot = work.app.snapshot();
    let found = group.profile.parents.iter().filter_map(|id| snapshot.groups.get(*id));
    found.map(|parent| parent.profile.name.clone()).collect()
}

fn usernames(users: &[User]) -> Vec<String> {
    users.iter().map(|user| user.profile.username.clone()).collect()
}

/// A group with its members, as JSON.
async fn described(work: &Work, group: &Group) -> anyhow::Result<Value> {
    let (members, count) = groups::members(&work.app, group.id).await?;
    Ok(with(work, group, [("members", json!(usernames(&members))), ("member_count", json!(count))]))
}

fn with<const N: usize>(work: &Work, group: &Group, more: [(&str, Value); N]) -> Value {
    let mut value = json!(group);
    if let Value::Object(members) = &mut value {
        members.insert("parents".into(), json!(parents(work, group)));
        members.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    value
}
