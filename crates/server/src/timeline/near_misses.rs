//! Redirect URIs that known applications sent and that are not registered: "NetBox tried to use X. Allow it?"

use doorward_core::redirect_uri::{RedirectKind, RedirectUri};
use doorward_protocols::oauth::redirect_uri::{self, Span, difference};
use doorward_store as store;
use serde::Serialize;
use std::sync::Arc;

pub use doorward_store::near_miss::NearMiss;

use crate::{
    actor::Actor,
    app::App,
    applications,
    error::{OperationError, OperationResult},
    events,
    snapshot::Client,
    web_address,
};

/// How many are kept for an application; the oldest make room.
pub const PER_APPLICATION: i64 = 20;
/// Longest URI that is kept, in bytes.
pub const URI_MAX: usize = 500;

/// A near miss with the application it may belong to.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The application.
    pub client: Arc<Client>,
    /// What came.
    pub miss: NearMiss,
}

/// What came beside what is registered.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    /// What came, with the difference marked.
    pub received: Vec<Span>,
    /// The registered URI that is most like it, with the difference marked; empty if none is registered.
    pub registered: Vec<Span>,
    /// The host of what came: who would receive the sign-ins.
    pub host: String,
    /// Whether no registered URI has this scheme, host and port.
    pub is_new_host: bool,
}

/// Whether a URI could be registered at all; others are not kept.
pub(super) fn is_worth_keeping(uri: &str) -> bool {
    uri.len() <= URI_MAX && redirect_uri::check_registration(&RedirectUri::exact(uri)).is_ok()
}

/// Those that nobody dismissed, newest first; of one application or of all.
///
/// # Errors
/// What the database says.
pub async fn open(app: &App, slug: Option<&str>) -> OperationResult<Vec<Candidate>> {
    super::flush(app).await?;
    let found = app.db.read(|tx| Box::pin(store::near_miss::open(tx))).await?;
    let snapshot = app.snapshot();
    let candidates = found.into_iter().filter_map(|miss| {
        let client = snapshot.applications.values().find(|entry| entry.application.id == miss.application)?;
        let client = client.oauth.clone()?;
        // It may have been registered since, by another way.
        let registered = &client.redirect_uris;
        let is_known = registered.iter().any(|uri| uri.url == miss.uri);
        let is_wanted = slug.is_none_or(|slug| client.application.profile.slug == slug);
        (is_wanted && !is_known).then_some(Candidate { client, miss })
    });
    Ok(candidates.collect())
}

/// Compares a near miss with what is registered.
pub fn compare(candidate: &Candidate) -> Compared {
    let received = &candidate.miss.uri;
    let uris = candidate.client.redirect_uris.iter();
    let registered = uris.filter(|uri| uri.kind == RedirectKind::Authorization);
    let nearest = registered.map(|uri| difference(received, &uri.url)).min_by_key(|(received, registered)| {
        let differing = received.iter().chain(registered).filter(|span| !span.same);
        differing.map(|span| span.text.len()).sum::<usize>()
    });
    let (received_spans, registered_spans) = nearest.unwrap_or_else(|| (difference(received, received).0, Vec::new()));
    let host = host_of(received).unwrap_or_default();
    // Another port or scheme may be somebody else's, too.
    let mut known = candidate.client.redirect_uris.iter().filter_map(|uri| web_address::origin(&uri.url));
    let is_new_host = web_address::origin(received).is_none_or(|origin| !known.any(|known| known == origin));
    Compared { received: received_spans, registered: registered_spans, host, is_new_host }
}

fn host_of(uri: &str) -> Option<String> {
    url::Url::parse(uri).ok()?.host_str().map(str::to_owned)
}

/// Registers a URI that was refused before.
///
/// # Errors
/// That it was not refused before, or what is wrong with it.
pub async fn allow(app: &App, actor: &Actor, slug: &str, uri: &str) -> OperationResult<()> {
    let candidate = find(app, slug, uri).await?;
    applications::add_redirect_uri(app, actor, slug, uri).await?;
    let (id, uri) = (candidate.miss.application, uri.to_owned());
    app.db.write(move |tx| Box::pin(async move { store::near_miss::delete(tx, id, &uri).await })).await?;
    Ok(())
}

/// Does not ask about a URI any more.
///
/// # Errors
/// That nobody is asked about it.
pub async fn dismiss(app: &App, actor: &Actor, slug: &str, uri: &str) -> OperationResult<()> {
    let candidate = find(app, slug, uri).await?;
    let (id, kept) = (candidate.miss.application, uri.to_owned());
    app.db.write(move |tx| Box::pin(async move { store::near_miss::dismiss(tx, id, &kept).await })).await?;
    let name = &candidate.client.application.profile.name;
    events::changed(app, actor, format!("dismissed the redirect URI {uri:?} of {name}")).await;
    Ok(())
}

/// A near miss by application and URI.
///
/// # Errors
/// That there is none.
pub async fn find(app: &App, slug: &str, uri: &str) -> OperationResult<Candidate> {
    applications::find_client(app, slug)?;
    let found = open(app, Some(slug)).await?.into_iter().find(|candidate| candidate.miss.uri == uri);
    found.ok_or_else(|| OperationError::not_found("refused redirect URI", uri))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_could_be_registered_is_kept() {
        assert!(is_worth_keeping("https://netbox.example.org/oauth/complete/oidc"));
        assert!(is_worth_keeping("http://localhost:8080/cb"));
        let long = format!("https://a.example/{}", "x".repeat(URI_MAX));
        for uri in ["", "javascript:alert(1)", "https://a@b.example/", "https://a.example/#x", "/relative", &long] {
            assert!(!is_worth_keeping(uri), "{uri}");
        }
    }
}
