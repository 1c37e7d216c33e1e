//! `doorward app rotate-secret` and `stop-old-secret`.

use doorward_core::{lifetime::Lifetime, provider::KEEP_SECRET_MAX};
use doorward_server::{applications::client_secret, error::OperationError, snapshot::Client};
use serde_json::json;
use std::sync::Arc;

use super::{super::Work, no_secret};
use crate::{exit, lookup};

/// Replaces the client secret of an application.
pub async fn rotate(work: &Work, slug: &str, keep_old_for: Lifetime, dry_run: bool) -> anyhow::Result<()> {
    let client = client(work, slug)?;
    client_secret::check_is_confidential(&client).map_err(OperationError::from)?;
    let name = &client.application.profile.name;
    if keep_old_for > KEEP_SECRET_MAX {
        return Err(exit::usage("--keep-old-for: the old client secret may work for days=30 at most"));
    }
    let is_kept = !keep_old_for.duration().is_zero();
    let kept = if is_kept { format!("; the old one works for {keep_old_for}") } else { String::new() };
    if dry_run {
        return work.output.would(&format!("replace the client secret of {name}{kept}"));
    }
    let secret = client_secret::rotate(&work.app, &work.actor, slug, keep_old_for).await?;
    let sentence = format!("Replaced the client secret of {name}{kept}. The new one:\n{}", secret.expose());
    work.output.done(&sentence, &json!({ "slug": slug, "client_secret": secret.expose() }))
}

/// Refuses the client secret before the present one.
pub async fn stop_old(work: &Work, slug: &str, dry_run: bool) -> anyhow::Result<()> {
    let client = client(work, slug)?;
    let name = &client.application.profile.name;
    if client_secret::old(&work.app, &client).await?.is_none() {
        let sentence = format!("{name} has no old client secret that is still accepted.");
        return work.output.done(&sentence, &json!({ "slug": slug, "stopped": false }));
    }
    if dry_run {
        return work.output.would(&format!("refuse the old client secret of {name}"));
    }
    let stopped = client_secret::stop_old(&work.app, &work.actor, slug).await?;
    let sentence = format!("The old client secret of {name} is refused from now on.");
    work.output.done(&sentence, &json!({ "slug": slug, "stopped": stopped }))
}

fn client(work: &Work, slug: &str) -> anyhow::Result<Arc<Client>> {
    let entry = lookup::application(&work.app, slug)?;
    entry.oauth.clone().ok_or_else(|| no_secret(&entry))
}
