//! The command line.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

use crate::{
    commands::{
        activity, app, config, connector, doctor, explain, group, init, key, mapping, serve, session, setup_url, user,
    },
    config::environment::Environment,
    output::{Format, Output},
};

const EXAMPLES: &str = "\
First steps:
  doorward init --public-url https://id.example.org --admin-username admin
  doorward serve
  doorward user add alice --name \"Alice Example\" --email alice@example.org
  doorward group add netbox-admins --member alice
  doorward app add netbox --url https://netbox.example.org \\
      --superusers netbox-admins --allow everyone

Commands work whether or not the server runs; a running server sees their changes within a second.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 denied, 5 a check found something.";

/// Identity provider for NetBox and other self-hosted applications
#[derive(Debug, Parser)]
#[command(name = "doorward", version, after_help = EXAMPLES, max_term_width = 110, infer_long_args = false)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Default, Args)]
pub struct Global {
    /// Where database, keys and settings are [env: DOORWARD_DATA_DIR] [default: /var/lib/doorward if it can be
    /// written, else ./data]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub data_dir: Option<PathBuf>,
    /// Settings file [env: DOORWARD_CONFIG] [default: doorward.toml in the data directory]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    pub config: Option<PathBuf>,
    /// PostgreSQL database instead of the embedded one [env: DOORWARD_DATABASE_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = "Everywhere")]
    pub database_url: Option<String>,
    /// What is logged: error, warn, info, debug, trace [env: DOORWARD_LOG]
    #[arg(long, global = true, value_name = "LEVEL", help_heading = "Everywhere")]
    pub log_level: Option<String>,
    /// How results are printed: table or json
    #[arg(
        long,
        short,
        global = true,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "FORMAT",
        help_heading = "Everywhere"
    )]
    pub output: Format,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set up: write the public URL, make the first administrator
    Init(init::Args),
    /// Run the server
    Serve(serve::Args),
    /// Print the address where the first administrator can be made in a browser
    SetupUrl(setup_url::Args),
    /// Users
    #[command(subcommand)]
    User(user::Command),
    /// Where users are signed in
    #[command(subcommand)]
    Session(session::Command),
    /// Groups
    #[command(subcommand)]
    Group(group::Command),
    /// Applications that people sign in to
    #[command(subcommand)]
    App(app::Command),
    /// Connectors: groups, profiles and deactivation, pushed into NetBox
    #[command(subcommand)]
    Connector(connector::Command),
    /// What would happen if somebody signed in, and why
    #[command(subcommand)]
    Explain(explain::Command),
    /// Signing keys
    #[command(subcommand)]
    Key(key::Command),
    /// Claim mappings: what applications are told about people
    #[command(subcommand)]
    Mapping(mapping::Command),
    /// Sign-ins, step by step, and what came of them
    #[command(subcommand)]
    Activity(activity::Command),
    /// Look at both ends of an application's sign-in, and say what to change
    Doctor(doctor::Args),
    /// Settings
    #[command(subcommand)]
    Config(config::Command),
}

/// What every command works with.
#[derive(Debug)]
pub struct Context {
    /// Options of every command.
    pub global: Global,
    /// Variables that concern Doorward.
    pub environment: Environment,
    /// Where results go.
    pub output: Output,
}

impl Context {
    /// With the environment of this process.
    pub fn new(global: Global) -> Self {
        let output = Output::new(global.output);
        Self { global, environment: Environment::of_process(), output }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn visit(command: &clap::Command, path: &str) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let path = format!("{path} {}", sub.get_name());
            if sub.has_subcommands() {
                visit(sub, &path);
            } else {
                let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains(&path), "{path} --help shows no example: {help}");
            }
        }
    }

    #[test]
    fn the_command_line_is_consistent_and_every_command_shows_an_example() {
        let mut cli = Cli::command();
        cli.build();
        cli.clone().debug_assert();
        visit(&cli, "doorward");
    }
}
