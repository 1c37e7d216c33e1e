//! Doorward in one binary: the server, and the commands that manage it.
#![expect(unreachable_pub, reason = "a binary exports nothing; pub says what other modules may use")]
#![expect(clippy::doc_markdown, reason = "what is written about an option is its help, shown as it is")]

mod cli;
mod commands;
mod config;
mod exit;
mod logging;
mod lookup;
mod open;
mod output;
mod password;

use clap::Parser;
use std::process::ExitCode;

use cli::{Cli, Context};

/// Requests make and drop much that is small, on several threads: this one is made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let context = Context::new(cli.global);
    match run(&context, cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&exit::message(&error));
            ExitCode::from(exit::code(&error))
        }
    }
}

fn run(context: &Context, command: cli::Command) -> anyhow::Result<()> {
    let mut runtime = match command {
        cli::Command::Serve(_) => tokio::runtime::Builder::new_multi_thread(),
        // A command does one thing after the other.
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    runtime.enable_all().build()?.block_on(commands::run(context, command))
}
