//! Passwords come from a file, from standard input or from the terminal; never from the command line, where other
//! users of the machine could read them.

use anyhow::Context as _;
use doorward_core::{problem::Problems, secret::Secret};
use doorward_server::{auth::password_hash::PASSWORD_MAX, directory::users::PASSWORD_MIN, error::OperationError};
use std::{
    fs,
    io::{self, IsTerminal, Read},
    path::{Path, PathBuf},
};

use crate::exit;

/// Options for a password.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// File that holds the password; a line end at its end does not count
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    pub password_file: Option<PathBuf>,
    /// Read the password from standard input
    #[arg(long)]
    pub password_stdin: bool,
}

impl Args {
    /// The password, if one is given.
    pub fn given(&self) -> anyhow::Result<Option<Secret<String>>> {
        given(self.password_file.as_deref(), self.password_stdin)
    }
}

/// A password from a file or from standard input.
pub fn given(file: Option<&Path>, stdin: bool) -> anyhow::Result<Option<Secret<String>>> {
    secret_given("password", file, stdin)
}

/// A secret from a file or from standard input. `what` it is, for messages.
pub fn secret_given(what: &str, file: Option<&Path>, stdin: bool) -> anyhow::Result<Option<Secret<String>>> {
    let text = match file {
        Some(path) => {
            fs::read_to_string(path).with_context(|| format!("the {what} file {} cannot be read", path.display()))?
        }
        None if stdin => {
            let mut text = String::new();
            let read = io::stdin().read_to_string(&mut text);
            read.with_context(|| format!("the {what} cannot be read from standard input"))?;
            text
        }
        None => return Ok(None),
    };
    Ok(Some(Secret::new(without_line_end(text))))
}

/// A password typed twice on the terminal. `options` says what to give where there is none.
pub fn asked(whose: &str, options: &str) -> anyhow::Result<Secret<String>> {
    if !io::stdin().is_terminal() {
        return Err(exit::usage(format!("no password given, and nobody can be asked here: give {options}")));
    }
    let first = Secret::new(rpassword::prompt_password(format!("Password for {whose}: "))?);
    check(first.expose())?;
    let second = Secret::new(rpassword::prompt_password("Once more: ")?);
    if first.expose() != second.expose() {
        return Err(exit::failed("the two passwords differ; nothing was changed"));
    }
    Ok(first)
}

/// Whether a password is long enough and not too long.
pub fn check(password: &str) -> Result<(), OperationError> {
    let mut problems = Problems::default();
    if password.chars().count() < PASSWORD_MIN {
        problems.add("password", format!("A password has at least {PASSWORD_MIN} characters."));
    }
    if password.len() > PASSWORD_MAX {
        problems.add("password", format!("A password has at most {PASSWORD_MAX} bytes."));
    }
    Ok(problems.or(())?)
}

fn without_line_end(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_line_end_is_left_out() {
        for (text, password) in [("a b ", "a b "), ("x\n", "x"), ("x\r\n", "x"), ("x\n\n", "x\n"), ("", "")] {
            assert_eq!(without_line_end(text.to_owned()), password);
        }
    }
}
