//! Options of `doorward user`.

use doorward_core::user::{UserProfile, UserType};

use super::super::attributes;
use crate::password;

/// Fields that `add` and `edit` share.
#[derive(Debug, clap::Args)]
pub struct ProfileArgs {
    /// Full name; given and family name are made from it unless given
    #[arg(long)]
    pub name: Option<String>,
    /// Given name
    #[arg(long, value_name = "NAME")]
    pub given_name: Option<String>,
    /// Family name
    #[arg(long, value_name = "NAME")]
    pub family_name: Option<String>,
    /// E-mail address
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// Somebody made sure that the address is theirs
    #[arg(long)]
    pub email_verified: bool,
    /// internal, external or service_account
    #[arg(long = "type", value_name = "TYPE", value_parser = user_type)]
    pub user_type: Option<UserType>,
    /// Free attributes, a JSON object
    #[arg(long, value_name = "JSON")]
    pub attributes: Option<String>,
    /// Check, and say what would be done, without doing it
    #[arg(long)]
    pub dry_run: bool,
}

/// Options of `user add`.
#[derive(Debug, clap::Args)]
pub struct AddArgs {
    /// Name to sign in with
    pub username: String,
    /// Fields.
    #[command(flatten)]
    pub profile: ProfileArgs,
    /// Group to be a member of; may be given several times
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// The password.
    #[command(flatten)]
    pub password: password::Args,
}

/// Options of `user edit`.
#[derive(Debug, clap::Args)]
pub struct EditArgs {
    /// Username
    #[arg(value_name = "USERNAME")]
    pub user: String,
    /// New username
    #[arg(long = "username", value_name = "NAME")]
    pub new_username: Option<String>,
    /// Fields.
    #[command(flatten)]
    pub profile: ProfileArgs,
    /// Nobody made sure that the address is theirs
    #[arg(long, conflicts_with = "email_verified")]
    pub no_email_verified: bool,
}

/// Options of `user set-password`.
#[derive(Debug, clap::Args)]
pub struct PasswordArgs {
    /// Which user, and how.
    #[command(flatten)]
    pub change: ChangeArgs,
    /// The password.
    #[command(flatten)]
    pub password: password::Args,
}

/// Which user, and whether to do it.
#[derive(Debug, clap::Args)]
pub struct ChangeArgs {
    /// Username
    pub username: String,
    /// Check, and say what would be done, without doing it
    #[arg(long)]
    pub dry_run: bool,
}

impl ProfileArgs {
    /// Writes what is given into a profile.
    pub fn apply(&self, mut profile: UserProfile) -> anyhow::Result<UserProfile> {
        if let Some(name) = &self.name {
            profile.name = name.clone();
            // The parts follow the name, unless they are given as well.
            (profile.given_name, profile.family_name) = (String::new(), String::new());
        }
        for (field, given) in [
            (&mut profile.given_name, &self.given_name),
            (&mut profile.family_name, &self.family_name),
            (&mut profile.email, &self.email),
        ] {
            if let Some(given) = given {
                *field = given.clone();
            }
        }
        // A new address is not verified because the old one was.
        if self.email.is_some() || self.email_verified {
            profile.email_verified = self.email_verified;
        }
        profile.user_type = self.user_type.unwrap_or(profile.user_type);
        if let Some(text) = &self.attributes {
            profile.attributes = attributes(text)?;
        }
        Ok(profile.tidied())
    }
}

fn user_type(text: &str) -> Result<UserType, String> {
    UserType::parse(text).ok_or_else(|| "there are internal, external and service_account".to_owned())
}
