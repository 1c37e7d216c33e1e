//! Exit codes, and errors that carry one.

use doorward_server::error::OperationError;
use std::fmt;

/// Something failed.
pub const FAILED: u8 = 1;
/// The command line is wrong.
pub const USAGE: u8 = 2;
/// What was named does not exist.
pub const NOT_FOUND: u8 = 3;
/// It is not allowed.
pub const DENIED: u8 = 4;
/// A check found something.
pub const FOUND: u8 = 5;

/// An error with an exit code of its own.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Something failed.
pub fn failed(message: impl Into<String>) -> anyhow::Error {
    Failure { code: FAILED, message: message.into() }.into()
}

/// The options given do not fit together.
pub fn usage(message: impl Into<String>) -> anyhow::Error {
    Failure { code: USAGE, message: message.into() }.into()
}

/// There is no such thing.
pub fn not_found(message: impl Into<String>) -> anyhow::Error {
    Failure { code: NOT_FOUND, message: message.into() }.into()
}

/// It is not allowed.
pub fn denied(message: impl Into<String>) -> anyhow::Error {
    Failure { code: DENIED, message: message.into() }.into()
}

/// A check found something.
pub fn found(message: impl Into<String>) -> anyhow::Error {
    Failure { code: FOUND, message: message.into() }.into()
}

/// The exit code of an error.
pub fn code(error: &anyhow::Error) -> u8 {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.code;
    }
    match error.downcast_ref::<OperationError>() {
        Some(OperationError::NotFound { .. }) => NOT_FOUND,
        Some(OperationError::Denied(_)) => DENIED,
        _ => FAILED,
    }
}

/// The text of an error, with what caused it.
pub fn message(error: &anyhow::Error) -> String {
    match error.downcast_ref::<OperationError>() {
        Some(OperationError::Invalid(problems)) => {
            let lines: Vec<_> =
                problems.0.iter().map(|problem| format!("{}: {}", said(problem.field), problem.message)).collect();
            if let [only] = lines.as_slice() {
                only.clone()
            } else {
                format!("several things are wrong:\n  {}", lines.join("\n  "))
            }
        }
        Some(other) => other.to_string(),
        None => format!("{error:#}"),
    }
}

/// A field as it is called on the command line: by its option where that is called otherwise.
fn said(field: &str) -> String {
    match field {
        "base_dn" => "--base-dn".to_owned(),
        "uid_source" => "--uid-source".to_owned(),
        "uid_start_number" => "--uid-start".to_owned(),
        "gid_start_number" => "--gid-start".to_owned(),
        "ldap_uri" => "--ldap-uri".to_owned(),
        "searchers" => "--add-searcher".to_owned(),
        other => other.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::problem::Problems;

    #[test]
    fn every_kind_of_error_has_its_code() {
        let denied = anyhow::Error::from(OperationError::Denied("no".into()));
        let missing = anyhow::Error::from(OperationError::not_found("user", "alice"));
        let invalid = anyhow::Error::from(OperationError::invalid("email", "wrong"));
        assert_eq!([code(&denied), code(&missing), code(&invalid)], [DENIED, NOT_FOUND, FAILED]);
        assert_eq!([code(&usage("x")), code(&found("x")), code(&anyhow::anyhow!("x"))], [USAGE, FOUND, FAILED]);
        assert_eq!(code(&super::denied("x")), DENIED);
    }

    #[test]
    fn all_problems_are_told_and_none_twice() {
        let mut problems = Problems::one("launch_url", "Wrong.");
        assert_eq!(message(&OperationError::Invalid(problems.clone()).into()), "launch url: Wrong.");
        problems.add("name", "Empty.");
        let text = message(&OperationError::Invalid(problems).into());
        assert_eq!(text, "several things are wrong:\n  launch url: Wrong.\n  name: Empty.");
    }
}
