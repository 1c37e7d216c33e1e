//! The doctor: looks at both ends of an application's sign-in and says what to change. What it knows is collected once
//! ([`collect`]); the checks judge it without talking to anybody.

pub mod checks;
pub mod clock;
pub mod collect;
pub mod evidence;
pub mod finding;
pub mod ldap_probe;
pub mod netbox_page;
pub mod probe;
pub mod tls;

use doorward_core::secret::Secret;
use jiff::Timestamp;
use serde::Serialize;
use std::time::Duration;

use crate::{app::App, applications, error::OperationResult};
use finding::{Finding, Severity};

/// How long all requests together may take, unless it is said otherwise.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// The most that may be said.
pub const PATIENCE_MAX: Duration = Duration::from_mins(5);

/// How to look.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long all requests together may take.
    pub patience: Duration,
    /// A token for the application's own API.
    pub token: Option<Secret<String>>,
    /// Whether to try if identity headers reach the application past the proxy. It may create a user there.
    pub check_headers: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { patience: PATIENCE, token: None, check_headers: false }
    }
}

/// What was found about an application.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Slug of the application.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// When it was looked at.
    pub checked_at: Timestamp,
    /// How many things must change.
    pub problems: usize,
    /// How many things are worth knowing.
    pub notes: usize,
    /// Everything, the worst first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// The findings of one severity.
    pub fn of(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.severity == severity)
    }
}

/// Looks at an application. `step` is told what comes next.
///
/// # Errors
/// That there is no such application; what the database says.
pub async fn run(app: &App, slug: &str, options: &Options, step: &(dyn Fn(&str) + Sync)) -> OperationResult<Report> {
    let entry = applications::find(app, slug)?;
    let evidence = collect::collect(app, &entry, options, step).await?;
    let mut findings = checks::all(&evidence, app.clock.now());
    // Stable: within a severity in the order of the checks, which is the order of a sign-in.
    findings.sort_by_key(|finding| finding.severity);
    let profile = &entry.application.profile;
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    Ok(Report {
        slug: profile.slug.clone(),
        name: profile.name.clone(),
        checked_at: app.clock.now(),
        problems: count(Severity::Problem),
        notes: count(Severity::Note),
        findings,
    })
}
