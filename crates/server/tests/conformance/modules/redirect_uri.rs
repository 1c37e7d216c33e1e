//! Redirect URIs that are not registered.

use crate::{
    rp::{CALLBACK, Run},
    variant::Variant,
};

/// What the picture of the error page shows: `conformance/` waits for it.
const TITLE: &str = "Wrong return address";

/// The registered one with more path: a page, and never a redirect.
pub(crate) async fn oidcc_ensure_registered_redirect_uri(variant: Variant) {
    let mut run = Run::start(variant).await;
    let bad = format!("{CALLBACK}/{}", doorward_core::random::alphanumeric(10));
    let request = run.request().with("redirect_uri", &bad);
    let visit = run.authorize(&request).await;
    assert!(!visit.signed_in);
    let page = visit.error_page();
    assert!(page.body.contains(TITLE), "{}", page.body);
    // Nor is there a link that would lead there.
    assert!(!page.text().contains(&bad), "{}", page.body);
}
