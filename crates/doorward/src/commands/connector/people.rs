//! `doorward connector people`, `link` and `unlink`.

use doorward_core::connector::ConnectedPerson;
use doorward_server::{connector::people, pages::time};
use serde_json::json;

use super::super::Work;
use crate::{lookup, output::or_dash};

/// Lists whom a connector knows of.
pub async fn list(work: &Work, slug: &str) -> anyhow::Result<()> {
    super::find(work, slug).await?;
    let people = people::list(&work.app, slug).await?;
    let row = |person: &ConnectedPerson| {
        let account = person.account.as_ref().map_or_else(|| "-".to_owned(), |account| account.name.clone());
        let pushed = person.pushed_at.map_or_else(|| "-".to_owned(), time);
        let state = if person.cut_off_at.is_some() { "cut off" } else { "-" };
        vec![person.username.clone(), account, pushed, state.to_owned(), or_dash(&person.warning)]
    };
    let rows: Vec<_> = people.iter().map(row).collect();
    let values = people.iter().map(|person| json!(person)).collect();
    let empty = "Nobody yet: people are known from their first sign-in on, or from a run.";
    work.output.list(&["USER", "ACCOUNT", "PUSHED", "STATE", "WARNING"], &rows, values, empty)
}

/// Links a person to an account.
pub async fn link(work: &Work, slug: &str, user: &str, account: &str, dry_run: bool) -> anyhow::Result<()> {
    let connected = super::find(work, slug).await?;
    let user = lookup::user(&work.app, user).await?.profile.username;
    let name = connected.name();
    if dry_run {
        return work.output.would(&format!("link {user} to the account {account} of {name}"));
    }
    people::link(&work.app, &work.actor, slug, &user, account).await?;
    let value = json!({ "application": slug, "user": user, "account": account });
    work.output.done(&format!("Linked {user} to the account {account} of {name}."), &value)
}

/// Forgets a link.
pub async fn unlink(work: &Work, slug: &str, user: &str, dry_run: bool) -> anyhow::Result<()> {
    let connected = super::find(work, slug).await?;
    let name = connected.name();
    if dry_run {
        return work.output.would(&format!("unlink {user} from their account of {name}"));
    }
    people::unlink(&work.app, &work.actor, slug, user).await?;
    let value = json!({ "application": slug, "user": user, "account": null });
    work.output.done(&format!("Unlinked {user} from their account of {name}."), &value)
}
