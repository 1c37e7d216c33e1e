//! The commands, one file per noun. Each reads its options, calls operations and prints.

pub mod activity;
pub mod app;
pub mod config;
pub mod connector;
pub mod doctor;
pub mod explain;
pub mod group;
pub mod init;
pub mod key;
pub mod mapping;
pub mod serve;
pub mod session;
pub mod setup_url;
pub mod user;

use doorward_server::{actor::Actor, app::App, directory::groups, setup};
use serde_json::{Map, Value};

use crate::{
    cli::{Command, Context},
    exit, lookup, open,
    output::{Output, warning},
};

/// Runs a command.
pub async fn run(context: &Context, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Init(args) => init::run(context, args).await,
        Command::Serve(args) => Box::pin(serve::run(context, args)).await,
        Command::SetupUrl(_) => setup_url::run(context).await,
        Command::Config(command) => config::run(context, command),
        Command::User(command) => user::run(&Work::open(context).await?, command).await,
        Command::Session(command) => session::run(&Work::open(context).await?, command).await,
        Command::Group(command) => group::run(&Work::open(context).await?, command).await,
        Command::App(command) => app::run(&Work::open(context).await?, command).await,
        Command::Connector(command) => connector::run(&Work::open(context).await?, command).await,
        Command::Explain(command) => explain::run(&Work::open(context).await?, command).await,
        Command::Activity(command) => activity::run(&Work::open(context).await?, command).await,
        Command::Key(command) => key::run(&Work::open(context).await?, command).await,
        Command::Mapping(command) => mapping::run(&Work::open(context).await?, command).await,
        Command::Doctor(args) => doctor::run(&Work::open(context).await?, args).await,
    }
}

/// What commands on things work with.
pub struct Work {
    /// Doorward, open.
    pub app: App,
    /// Who does it.
    pub actor: Actor,
    /// Where results go.
    pub output: Output,
}

impl Work {
    async fn open(context: &Context) -> anyhow::Result<Self> {
        let app = open::existing(context).await?;
        Ok(Self { app, actor: Actor::command_line(), output: context.output })
    }
}

/// Warns if nobody is left who administers Doorward.
pub async fn warn_without_administrators(work: &Work) -> anyhow::Result<()> {
    let snapshot = work.app.snapshot();
    for group in snapshot.groups.iter().filter(|group| group.profile.is_superuser) {
        if groups::count_effective_members(&work.app, group.id).await? > 0 {
            return Ok(());
        }
    }
    warning(&format!(
        "nobody administers Doorward any more; make somebody an administrator with: doorward group add-member {} USERNAME",
        lookup::word(setup::ADMIN_GROUP)
    ));
    Ok(())
}

/// Reads attributes: a JSON object.
pub fn attributes(text: &str) -> anyhow::Result<Map<String, Value>> {
    serde_json::from_str(text).map_err(|error| {
        exit::usage(format!("--attributes is not a JSON object ({error}); write '{{\"phone\": \"…\"}}'"))
    })
}

/// The value of a pair of options such as `--superuser` and `--no-superuser`, if one is given.
pub fn switch(on: bool, off: bool) -> Option<bool> {
    if on {
        Some(true)
    } else if off {
        Some(false)
    } else {
        None
    }
}
