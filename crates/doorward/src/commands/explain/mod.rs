//! `doorward explain`.

mod claims;

use clap::Subcommand;
use doorward_server::explain::{AccessReport, Verdict, access};
use serde_json::json;
use std::net::IpAddr;

use super::Work;
use crate::{
    exit, lookup,
    output::{print, print_json},
};

const ACCESS_HELP: &str = "\
Examples:
  doorward explain access alice netbox
  doorward explain access alice netbox --ip 192.0.2.7 -o json

Exit code 0 if at least one way leads in, or would from the right network; 4 if none does. Nothing is counted and nothing is \
changed.";

const CLAIMS_HELP: &str = "\
Examples:
  doorward explain claims alice netbox
  doorward explain claims alice netbox --scopes openid,profile -o json

Nothing is issued and nothing is signed. For an application made from the recipe netbox it also says what NetBox does with \
what it is told.";

/// What can be explained.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Which rule lets somebody use an application, or keeps them out
    #[command(after_help = ACCESS_HELP)]
    Access {
        /// Username
        user: String,
        /// Slug of the application
        #[arg(value_name = "APP")]
        application: String,
        /// Address of the browser; without it, rules about networks decide nothing
        #[arg(long, value_name = "ADDRESS")]
        ip: Option<IpAddr>,
    },
    /// What an application would be told about somebody, and what NetBox would do with it
    #[command(after_help = CLAIMS_HELP)]
    Claims {
        /// Username
        user: String,
        /// Slug of the application
        #[arg(value_name = "APP")]
        application: String,
        /// Scopes that the application asks for, separated by commas [default: all it may, but offline_access]
        #[arg(long, value_name = "SCOPES", value_delimiter = ',')]
        scopes: Vec<String>,
    },
}

/// Runs a command.
pub async fn run(work: &Work, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Access { user, application, ip } => explain_access(work, &user, &application, ip).await,
        Command::Claims { user, application, scopes } => claims::run(work, &user, &application, &scopes).await,
    }
}

async fn explain_access(work: &Work, user: &str, application: &str, ip: Option<IpAddr>) -> anyhow::Result<()> {
    lookup::application(&work.app, application)?;
    lookup::user(&work.app, user).await?;
    let report = access::explain(&work.app, application, user, ip).await?;
    if work.output.is_json() {
        print_json(&json!(report))?;
    } else {
        print(&in_words(&report))?;
    }
    match report.verdict {
        Verdict::Denied => Err(exit::denied(report.summary)),
        Verdict::Depends | Verdict::Allowed => Ok(()),
    }
}

fn in_words(report: &AccessReport) -> String {
    let routes = report.routes.iter().map(|route| {
        let rule = route.steps.iter().map(|step| step.rule.len()).max().unwrap_or_default();
        let lines: String = route
            .steps
            .iter()
            .map(|step| format!("  {:7}  {:rule$}  {}\n", step.finding.word(), step.rule, step.text))
            .collect();
        format!("\n{}: {}\n{lines}", route.method.label(), route.verdict.word())
    });
    format!("{}\n{}", report.summary, routes.collect::<String>())
}
