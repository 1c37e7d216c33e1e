//! `doorward init`: setting up without a browser.

use doorward_core::{secret::Secret, user::UserProfile};
use doorward_server::{public_url::PublicUrl, setup};
use serde_json::json;
use std::path::PathBuf;

use crate::{
    cli::Context,
    config::Origin,
    exit, lookup,
    open::{self, Place},
    output::{note, warning},
    password,
};

const EXAMPLES: &str = "\
Examples:
  doorward init --public-url https://id.example.org --admin-username admin --admin-email admin@example.org
  doorward init --public-url http://127.0.0.1:9000 --admin-username admin --admin-password-file password.txt

Without an option for the password it is asked for. To make the first administrator in a browser instead, start
\"doorward serve\" and open the address it prints.";

/// Options of `doorward init`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Address that browsers and applications use, such as https://id.example.org; kept in the settings file
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Username of the first administrator
    #[arg(long, value_name = "NAME")]
    admin_username: String,
    /// Full name of the first administrator
    #[arg(long, value_name = "NAME", default_value = "")]
    admin_name: String,
    /// E-mail address of the first administrator
    #[arg(long, value_name = "ADDRESS", default_value = "")]
    admin_email: String,
    /// File that holds the password; a line end at its end does not count
    #[arg(long, value_name = "FILE", conflicts_with = "admin_password_stdin")]
    admin_password_file: Option<PathBuf>,
    /// Read the password from standard input
    #[arg(long)]
    admin_password_stdin: bool,
    /// Check, and say what would be done, without doing it
    #[arg(long)]
    dry_run: bool,
}

impl Args {
    fn profile(&self) -> UserProfile {
        let email = self.admin_email.trim().to_owned();
        let email_verified = !email.is_empty();
        let name = self.admin_name.clone();
        UserProfile { name, email, email_verified, ..UserProfile::named(self.admin_username.as_str()) }.tidied()
    }

    fn password(&self) -> anyhow::Result<Secret<String>> {
        match password::given(self.admin_password_file.as_deref(), self.admin_password_stdin)? {
            Some(password) => Ok(password),
            None => password::asked(&self.admin_username, "--admin-password-file or --admin-password-stdin"),
        }
    }
}

/// Writes the public URL and makes the first administrator.
pub async fn run(context: &Context, args: Args) -> anyhow::Result<()> {
    let flags: Vec<_> = args.public_url.clone().map(|url| ("public_url", "--public-url", url)).into_iter().collect();
    let place = open::place(context, &flags, "warn")?;
    let written = public_url_to_write(context, &place)?;
    let profile = args.profile();
    profile.check().map_err(doorward_server::error::OperationError::from)?;
    if args.dry_run && !place.data_dir.exists() {
        let password = args.password()?;
        password::check(password.expose())?;
        return context.output.would(&action(&args, &place));
    }
    let public_url = open::public_url(&place.settings, place.settings.listen.port())?;
    let app = open::start(&place, public_url.clone()).await?;
    if setup::setup_url(&app).await?.is_none() {
        return Err(exit::failed(format!(
            "{} is set up already: there was a first administrator; sign in at {public_url}sign-in, or add people with \
             \"doorward user add\"",
            place.data_dir.display()
        )));
    }
    let password = args.password()?;
    password::check(password.expose())?;
    if args.dry_run {
        return context.output.would(&action(&args, &place));
    }
    if let Some(url) = written {
        open::keep_public_url(&place, &url)?;
    }
    let user = setup::create_first_administrator(&app, profile, password.expose()).await?;
    report(context, &place, &public_url, &user.profile.username)
}

/// Says what was done, and how to go on.
fn report(context: &Context, place: &Place, public_url: &PublicUrl, username: &str) -> anyhow::Result<()> {
    if public_url.is_insecure() {
        warning("the public URL is plain http: passwords travel unprotected; use https outside of a test");
    }
    if context.global.database_url.is_some() {
        note("Give --database-url to every command, or put database_url into the settings file.");
    }
    let data_dir = lookup::word(&place.data_dir.display().to_string());
    let sentence = format!(
        "Doorward is set up in {data_dir}, with {username} as its administrator.\nStart it:     doorward --data-dir {data_dir} \
         serve\nThen open:    {public_url}"
    );
    let value = json!({
        "data_dir": place.data_dir,
        "public_url": public_url.origin(),
        "administrator": username,
    });
    context.output.done(&sentence, &value)
}

fn action(args: &Args, place: &Place) -> String {
    format!("set up Doorward in {} with {} as its administrator", place.data_dir.display(), args.admin_username)
}

/// The address to write, if one is given; refuses to contradict the file.
fn public_url_to_write(context: &Context, place: &Place) -> anyhow::Result<Option<PublicUrl>> {
    let Some(Origin::Option(_)) = place.values.get("public_url").map(|(_, origin)| origin) else { return Ok(None) };
    let given = place.settings.public_url.clone();
    let (in_file, _) = open::look(context, &[]);
    match (in_file.values.get("public_url"), &in_file.settings.public_url) {
        (Some((_, origin @ Origin::File(..))), Some(other)) if Some(other) != given.as_ref() => Err(exit::failed(
            format!("{origin} says the public URL is {other}; change it there, or leave out --public-url"),
        )),
        (Some((_, Origin::File(..))), Some(_)) => Ok(None),
        _ => Ok(given),
    }
}
