//! What would happen if somebody signed in: which rule lets them in, what the application would be told, and what NetBox
//! would make of it. Nothing is issued, nothing is counted, nothing is changed.

pub mod access;
mod access_steps;
pub mod claims;
mod netbox;
pub mod netbox_effect;
mod report;

pub use report::{AccessReport, Finding, Route, Step, Verdict};
