//! What is said about access: routes, rules, findings.

use doorward_core::method::Method;
use serde::Serialize;
use std::net::IpAddr;

/// What one rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Finding {
    /// It lets them on.
    Yes,
    /// It keeps them out.
    No,
    /// It depends on something that is not known here.
    Depends,
    /// It decides nothing, but is good to know.
    Note,
}

impl Finding {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Depends => "depends",
            Self::Note => "note",
        }
    }
}

/// One rule and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What was looked at, in a word or two.
    pub rule: &'static str,
    /// What it says.
    pub finding: Finding,
    /// Why, as a sentence without its stop.
    pub text: String,
}

/// Whether somebody gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// No.
    Denied,
    /// It depends on something that is not known here.
    Depends,
    /// Yes.
    Allowed,
}

impl Verdict {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Depends => "depends",
            Self::Allowed => "allowed",
        }
    }
}

/// One way into an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    /// Which.
    pub method: Method,
    /// Where it leads.
    pub verdict: Verdict,
    /// Rule by rule, in the order in which they are looked at.
    pub steps: Vec<Step>,
}

/// Whether somebody may use an application, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessReport {
    /// The person, by username.
    pub user: String,
    /// The application, by slug.
    pub application: String,
    /// From where, if that was said.
    pub address: Option<IpAddr>,
    /// The best of the routes.
    pub verdict: Verdict,
    /// The verdict as a sentence.
    pub summary: String,
    /// Route by route.
    pub routes: Vec<Route>,
}
