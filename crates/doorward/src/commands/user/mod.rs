//! `doorward user`.

mod app_password;
mod authenticator;
mod options;

use clap::Subcommand;
use doorward_core::{
    group::Group,
    user::{User, UserProfile, UserType},
};
use doorward_server::directory::{
    app_passwords, authenticators,
    person::Person,
    users::{self, NewUser},
};
use serde_json::{Value, json};

use super::{Work, warn_without_administrators};
use crate::{
    exit, lookup,
    output::{confirm, joined, note, or_dash, warning, yes_no},
    password,
};
use options::{AddArgs, ChangeArgs, EditArgs, PasswordArgs};

/// What can be done with users.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a user
    #[command(after_help = "Examples:\n  \
        doorward user add alice --name \"Alice Example\" --email alice@example.org --email-verified --password-file p.txt\n  \
        doorward user add backup --type service_account")]
    Add(AddArgs),
    /// List users
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  doorward user list\n  doorward user list example.org -o json"
    )]
    List {
        /// Only users whose username, name or address holds this
        #[arg(default_value = "", hide_default_value = true)]
        search: String,
    },
    /// Show a user with all groups
    #[command(after_help = "Example:\n  doorward user show alice")]
    Show {
        /// Username
        username: String,
    },
    /// Change a user
    #[command(after_help = "Examples:\n  doorward user edit alice --email alice@example.org --email-verified\n  \
        doorward user edit alice --username alice.example")]
    Edit(EditArgs),
    /// Set a user's password; ends all their sessions
    #[command(after_help = "Examples:\n  doorward user set-password alice\n  \
        doorward user set-password alice --password-file p.txt\n  pwgen 20 1 | doorward user set-password alice --password-stdin")]
    SetPassword(PasswordArgs),
    /// Let a user sign in again
    #[command(after_help = "Example:\n  doorward user enable alice")]
    Enable(ChangeArgs),
    /// Keep a user from signing in; ends all their sessions and tokens
    #[command(after_help = "Example:\n  doorward user disable alice")]
    Disable(ChangeArgs),
    /// App passwords, for programs that can only send a name and a password
    #[command(subcommand)]
    AppPassword(app_password::Command),
    /// The authenticator app of a user
    #[command(subcommand)]
    Authenticator(authenticator::Command),
    /// Remove a user for good
    #[command(
        visible_alias = "remove",
        after_help = "Example:\n  doorward user rm alice --yes\n\nTo keep the account but lock it: doorward user disable alice"
    )]
    Rm {
        /// Which user, and how.
        #[command(flatten)]
        change: ChangeArgs,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// Runs a command.
pub async fn run(work: &Work, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(args) => add(work, args).await,
        Command::List { search } => list(work, &search).await,
        Command::Show { username } => show(work, &username).await,
        Command::Edit(args) => edit(work, args).await,
        Command::SetPassword(args) => set_password(work, args).await,
        Command::Enable(args) => set_active(work, args, true).await,
        Command::Disable(args) => set_active(work, args, false).await,
        Command::AppPassword(command) => app_password::run(work, command).await,
        Command::Authenticator(command) => authenticator::run(work, command).await,
        Command::Rm { change, yes } => remove(work, change, yes).await,
    }
}

async fn add(work: &Work, args: AddArgs) -> anyhow::Result<()> {
    let profile = args.profile.apply(UserProfile::named(args.username.as_str()))?;
    profile.check().map_err(doorward_server::error::OperationError::from)?;
    let groups =
        args.groups.iter().map(|name| Ok(lookup::group(&work.app, name)?.id)).collect::<anyhow::Result<_>>()?;
    let password = args.password.given()?;
    if let Some(password) = &password {
        password::check(password.expose())?;
    }
    for text in users::username_warnings(&work.app.snapshot(), &profile.username) {
        warning(&text);
    }
    if args.profile.dry_run {
        if users::find_by_username(&work.app, &profile.username).await.is_ok() {
            return Err(exit::failed("username: This username is taken (upper and lower case count as the same)."));
        }
        return work.output.would(&format!("add the user {}", profile.username));
    }
    let has_password = password.is_some();
    let is_person = profile.user_type != UserType::ServiceAccount;
    let new = NewUser { profile, password: password.map(|password| password.expose().clone()), groups };
    let user = users::create(&work.app, &work.actor, new).await?;
    let username = &user.profile.username;
    work.output.done(&format!("Added the user {username}."), &described(work, username).await?)?;
    if !has_password && is_person {
        note(&format!(
            "Without a password {username} cannot sign in: doorward user set-password {}",
            lookup::word(username)
        ));
    }
    Ok(())
}

async fn list(work: &Work, search: &str) -> anyhow::Result<()> {
    let page = users::list(&work.app, search, i64::MAX, 0).await?;
    let rows: Vec<_> = page.users.iter().map(row).collect();
    let values = page.users.iter().map(|user| json!(user)).collect();
    let empty =
        if search.is_empty() { "There are no users.".to_owned() } else { format!("No user matches \"{search}\".") };
    work.output.list(&["USERNAME", "NAME", "EMAIL", "VERIFIED", "ACTIVE", "TYPE"], &rows, values, &empty)
}

fn row(user: &User) -> Vec<String> {
    let profile = &user.profile;
    vec![
        profile.username.clone(),
        or_dash(&profile.name),
        or_dash(&profile.email),
        yes_no(profile.email_verified),
        yes_no(profile.is_active),
        profile.user_type.as_str().to_owned(),
    ]
}

async fn show(work: &Work, username: &str) -> anyhow::Result<()> {
    lookup::user(&work.app, username).await?;
    let (person, direct) = person(work, username).await?;
    let (user, snapshot) = (&person.user, work.app.snapshot());
    let profile = &user.profile;
    let verified = if profile.email_verified { " (verified)" } else { " (not verified)" };
    let email = if profile.email.is_empty() { "-".to_owned() } else { format!("{}{verified}", profile.email) };
    let effective: Vec<_> = names(person.groups(&snapshot));
    let authenticator = authenticators::since(&work.app, user.id).await?;
    let app_passwords = app_passwords::of_user(&work.app, user.id).await?;
    let fields = [
        ("Username", profile.username.clone()),
        ("Name", or_dash(&profile.name)),
        ("Given name", or_dash(&profile.given_name)),
        ("Family name", or_dash(&profile.family_name)),
        ("E-mail", email),
        ("Active", yes_no(profile.is_active)),
        ("Type", profile.user_type.as_str().to_owned()),
        ("Groups", joined(&direct)),
        ("With parents", joined(&effective)),
        ("Administrator", yes_no(person.is_superuser)),
        ("Authenticator app", authenticator.map_or_else(|| "-".to_owned(), |since| format!("since {since}"))),
        ("App passwords", app_passwords.len().to_string()),
        ("Attributes", json!(profile.attributes).to_string()),
        ("ID", user.id.to_string()),
        ("Subject (sub)", user.uid.clone()),
        ("Created", user.created_at.to_string()),
        ("Changed", user.updated_at.to_string()),
    ];
    let mut value = described(work, username).await?;
    if let Value::Object(members) = &mut value {
        members.insert("authenticator_since".into(), json!(authenticator));
        members.insert("app_passwords".into(), json!(app_passwords.len()));
    }
    work.output.fields(&fields, &value)
}

async fn edit(work: &Work, args: EditArgs) -> anyhow::Result<()> {
    let user = lookup::user(&work.app, &args.user).await?;
    let mut profile = args.profile.apply(user.profile.clone())?;
    if let Some(name) = args.new_username {
        profile.username = name;
        for text in users::username_warnings(&work.app.snapshot(), &profile.username) {
            warning(&text);
        }
    }
    if args.no_email_verified {
        profile.email_verified = false;
    }
    if profile == user.profile {
        return Err(exit::usage("nothing to change; \"doorward user edit --help\" lists the options"));
    }
    if args.profile.dry_run {
        profile.tidied().check().map_err(doorward_server::error::OperationError::from)?;
        return work.output.would(&format!("change the user {}", user.profile.username));
    }
    let username = profile.username.trim().to_owned();
    users::update(&work.app, &work.actor, user.id, profile, None).await?;
    work.output.done(&format!("Changed the user {username}."), &described(work, &username).await?)
}

async fn set_password(work: &Work, args: PasswordArgs) -> anyhow::Result<()> {
    let user = lookup::user(&work.app, &args.change.username).await?;
    users::may_have_password(&user)?;
    let username = &user.profile.username;
    let password = match args.password.given()? {
        Some(password) => password,
        None => password::asked(username, "--password-file or --password-stdin")?,
    };
    password::check(password.expose())?;
    if args.change.dry_run {
        return work.output.would(&format!("set the password of {username} and end all their sessions"));
    }
    users::set_password(&work.app, &work.actor, user.id, password.expose()).await?;
    let sentence = format!("Set the password of {username}; all their sessions have ended.");
    work.output.done(&sentence, &described(work, username).await?)
}

async fn set_active(work: &Work, args: ChangeArgs, is_active: bool) -> anyhow::Result<()> {
    let user = lookup::user(&work.app, &args.username).await?;
    let username = &user.profile.username;
    if args.dry_run {
        let verb = if is_active { "enable" } else { "disable" };
        return work.output.would(&format!("{verb} the user {username}"));
    }
    users::set_active(&work.app, &work.actor, user.id, is_active).await?;
    let sentence = if is_active {
        format!("{username} can sign in again.")
    } else {
        format!("{username} can no longer sign in; all their sessions and tokens have ended.")
    };
    work.output.done(&sentence, &described(work, username).await?)?;
    warn_without_administrators(work).await
}

async fn remove(work: &Work, args: ChangeArgs, yes: bool) -> anyhow::Result<()> {
    let user = lookup::user(&work.app, &args.username).await?;
    let username = &user.profile.username;
    if args.dry_run {
        return work.output.would(&format!("remove the user {username} with all that is theirs"));
    }
    confirm(yes, &format!("Remove the user {username} for good?"))?;
    users::delete(&work.app, &work.actor, user.id).await?;
    work.output.done(&format!("Removed the user {username}."), &json!({ "removed": username }))?;
    warn_without_administrators(work).await
}

async fn person(work: &Work, username: &str) -> anyhow::Result<(Person, Vec<String>)> {
    let person = users::find_person(&work.app, username).await?;
    let (_, direct) = users::find(&work.app, person.user.id).await?;
    let snapshot = work.app.snapshot();
    let direct = names(direct.into_iter().filter_map(|id| snapshot.groups.get(id)));
    Ok((person, direct))
}

fn names<'a>(groups: impl Iterator<Item = &'a Group>) -> Vec<String> {
    let mut names: Vec<_> = groups.map(|group| group.profile.name.clone()).collect();
    names.sort_by_key(|name| name.to_lowercase());
    names
}

/// A user with groups, as JSON.
async fn described(work: &Work, username: &str) -> anyhow::Result<Value> {
    let (person, direct) = person(work, username).await?;
    let mut value = json!(person.user);
    if let Value::Object(members) = &mut value {
        members.insert("groups".into(), json!(direct));
        members.insert("effective_groups".into(), json!(names(person.groups(&work.app.snapshot()))));
        members.insert("is_superuser".into(), json!(person.is_superuser));
    }
    Ok(value)
}
