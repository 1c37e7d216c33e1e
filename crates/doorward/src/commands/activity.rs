//! `doorward activity`.

use clap::Subcommand;
use doorward_core::{
    event::Event,
    timeline::{Ending, Step},
};
use doorward_server::timeline::read::{self, Kept, Record, Wanted};
use serde_json::{Value, json};

use super::Work;
use crate::{exit, lookup, output::print};

/// Most attempts that are listed.
const LISTED_MAX: u32 = 1000;

/// What can be asked of the activity.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List sign-ins, newest first, and what came of each
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  doorward activity list --failed\n  doorward activity list --app netbox --user alice -n 5"
    )]
    List {
        /// Sign-ins to this application only
        #[arg(long, value_name = "SLUG")]
        app: Option<String>,
        /// Sign-ins of this user only
        #[arg(long, value_name = "USERNAME")]
        user: Option<String>,
        /// Those that failed
        #[arg(long)]
        failed: bool,
        /// How many at most
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=i64::from(LISTED_MAX)))]
        number: u32,
    },
    /// Show what a reference code stands for: a sign-in step by step, a refusal, or a change
    #[command(after_help = "Example:\n  doorward activity show K7WQ3MZT4R\n\n\
        The reference code stands on error pages, in errors that applications are given, and in the log.")]
    Show {
        /// Reference code
        code: String,
    },
}

/// Runs a command.
pub async fn run(work: &Work, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { app, user, failed, number } => {
            list(work, app.as_deref(), user.as_deref(), (failed, number)).await
        }
        Command::Show { code } => show(work, &code).await,
    }
}

async fn list(
    work: &Work,
    slug: Option<&str>,
    username: Option<&str>,
    (failed, number): (bool, u32),
) -> anyhow::Result<()> {
    let application = match slug {
        Some(slug) => Some(lookup::application(&work.app, slug)?.application.id),
        None => None,
    };
    let user = match username {
        Some(username) => Some(lookup::user(&work.app, username).await?.id),
        None => None,
    };
    let wanted = Wanted { application, user, reference: None, failed };
    let (records, _) = read::list(&work.app, wanted, usize::try_from(number)?, 0).await?;
    let rows: Vec<Vec<String>> = records.iter().map(row).collect();
    let values = records.iter().map(described).collect();
    work.output.list(&["TIME", "RESULT", "CODE", "WHAT CAME OF IT"], &rows, values, "No sign-in fits.")
}

fn row(record: &Record) -> Vec<String> {
    vec![
        record.attempt.last_at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        ending(record).to_owned(),
        record.attempt.id.reference(),
        record.conclusion.text.clone(),
    ]
}

fn ending(record: &Record) -> &'static str {
    match record.conclusion.ending {
        Ending::Underway => "under way",
        Ending::Left => "left",
        Ending::Good => "signed in",
        Ending::Failed => "failed",
    }
}

async fn show(work: &Work, code: &str) -> anyhow::Result<()> {
    let found = read::by_reference(&work.app, code).await?;
    let Kept { reference, record, events } = found.ok_or_else(|| exit::not_found(unknown(code)))?;
    if work.output.is_json() {
        let mut value = record.as_ref().map_or_else(|| json!({ "reference": reference }), described);
        if let Value::Object(members) = &mut value {
            members.insert("events".to_owned(), events.iter().map(event).collect());
        }
        return work.output.done("", &value);
    }
    match &record {
        Some(record) => print(&step_by_step(record)),
        // No sign-in: a refusal without one, or what an administrator changed.
        None => print(&events.iter().map(event_line).collect::<String>()),
    }
}

/// What to do about a code that nothing is kept under. Not everything is: this process reads the database, and what a server
/// keeps from it stands in that server's log.
fn unknown(code: &str) -> String {
    format!(
        "nothing is kept under the reference code {code:?}; \"doorward activity list\" shows the latest sign-ins. Steps reach \
         the database within a second; of many failures from one address, and of what is past its time, only the log of the \
         server tells: search it for the code, for instance with: journalctl -u doorward | grep {}",
        lookup::word(code.trim())
    )
}

fn event(event: &Event) -> Value {
    json!({
        "at": event.at.to_string(), "kind": event.kind, "ok": event.ok, "text": event.text, "address": event.address,
    })
}

fn event_line(event: &Event) -> String {
    let mark = if event.ok { "  " } else { "! " };
    let from = if event.address.is_empty() { String::new() } else { format!(" (from {})", event.address) };
    format!("{}  {mark}{}{from}\n", event.at.strftime("%Y-%m-%d %H:%M:%S"), event.text)
}

fn step_by_step(record: &Record) -> String {
    let Record { attempt, conclusion, steps } = record;
    let browser = if attempt.user_agent.is_empty() { String::new() } else { format!(" ({})", attempt.user_agent) };
    let from = if attempt.address.is_empty() { String::new() } else { format!(", from {}{browser}", attempt.address) };
    let day = attempt.id.began_at().strftime("%Y-%m-%d");
    let head = format!("\n{day} by {}{from}", attempt.method.label());
    let texts = [conclusion.text.clone(), conclusion.advice.clone(), head];
    let head: String = texts.iter().filter(|text| !text.is_empty()).map(|text| text.clone() + "\n").collect();
    head + &steps.iter().map(lines).collect::<String>()
}

/// A step, with its details below it.
fn lines(step: &Step) -> String {
    let mark = if step.ok { "  " } else { "! " };
    let first = format!("{}  {mark}{}\n", step.at.strftime("%H:%M:%S%.3f"), step.text);
    let details = step.details.iter().map(|(name, value)| format!("{:18}{}: {value}\n", "", name.replace('_', " ")));
    first + &details.collect::<String>()
}

fn described(record: &Record) -> Value {
    let attempt = &record.attempt;
    json!({
        "reference": attempt.id.reference(),
        "method": attempt.method,
        "application": attempt.application.as_ref().map(|(_, name)| name),
        "user": attempt.user.as_ref().map(|(_, name)| name),
        "address": attempt.address,
        "user_agent": attempt.user_agent,
        "began_at": attempt.id.began_at().to_string(),
        "last_at": attempt.last_at.to_string(),
        "ending": record.conclusion.ending,
        "conclusion": record.conclusion.text,
        "advice": record.conclusion.advice,
        "steps": record.steps.iter().map(|step| json!({
            "at": step.at.to_string(),
            "kind": step.kind,
            "ok": step.ok,
            "text": step.text,
            "details": step.details,
        })).collect::<Vec<_>>(),
    })
}
