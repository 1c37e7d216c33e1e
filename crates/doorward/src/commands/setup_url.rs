//! `doorward setup-url`.

use doorward_server::setup;
use serde_json::json;

use crate::{cli::Context, exit, open};

/// Options of `doorward setup-url`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  doorward setup-url\n\nThe address works until the first administrator is made.")]
pub struct Args {}

/// Prints the address where the first administrator is made.
pub async fn run(context: &Context) -> anyhow::Result<()> {
    let place = open::place(context, &[], "warn")?;
    let public_url = open::public_url(&place.settings, place.settings.listen.port())?;
    let app = open::start(&place, public_url).await?;
    match setup::setup_url(&app).await? {
        Some(url) => context.output.done(&url, &json!({ "setup_url": url })),
        None => Err(exit::failed(format!(
            "Doorward has an administrator already, so there is no setup address any more; sign in at {}sign-in",
            app.config.public_url
        ))),
    }
}
