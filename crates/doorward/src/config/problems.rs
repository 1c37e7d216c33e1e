//! What is wrong with the settings, all of it at once.

use std::fmt;

/// One thing to put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// File and line, environment variable, or option.
    pub place: String,
    /// What is wrong and what to change.
    pub message: String,
}

/// Everything that is wrong, and what is odd.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigProblems {
    /// Errors: nothing starts with them.
    pub errors: Vec<ConfigProblem>,
    /// Warnings.
    pub warnings: Vec<ConfigProblem>,
}

impl ConfigProblems {
    /// Notes an error.
    pub fn add(&mut self, place: impl fmt::Display, message: impl Into<String>) {
        self.errors.push(ConfigProblem { place: place.to_string(), message: message.into() });
    }

    /// Puts them in the order in which they stand in the file.
    pub fn sort(&mut self) {
        self.errors.sort_by_key(|problem| match problem.place.rsplit_once(':') {
            Some((file, line)) => (file.to_owned(), line.parse().unwrap_or(0)),
            None => (problem.place.clone(), 0_usize),
        });
    }

    /// Notes a warning.
    pub fn warn(&mut self, place: impl fmt::Display, message: impl Into<String>) {
        self.warnings.push(ConfigProblem { place: place.to_string(), message: message.into() });
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.errors.as_slice() {
            [only] => write!(f, "a setting is wrong: {only}"),
            several => {
                write!(f, "{} settings are wrong:", several.len())?;
                several.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

impl std::error::Error for ConfigProblems {}
