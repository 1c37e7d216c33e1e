//! Repeated slashes in paths are merged before routing: the guide's setting makes NetBox ask for
//! `/application/o/netbox-slug//.well-known/openid-configuration`. Where the path is what somebody asked another server for,
//! it stays as it is.

use axum::{extract::Request, http::Uri};

use crate::proxy::envoy;

/// The request with repeated slashes of its path merged. The query stays as it is.
pub fn merge<B>(mut request: Request<B>) -> Request<B> {
    if let Some(uri) = merged(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

fn merged(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    if !path.contains("//") || path.starts_with(envoy::PATH) {
        return None;
    }
    let mut merged = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !merged.ends_with('/') {
            merged.push(character);
        }
    }
    if let Some(query) = uri.query() {
        merged.push('?');
        merged.push_str(query);
    }
    merged.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn netboxs_double_slash_is_merged_and_queries_stay() {
        let uri = |text: &str| merged(&text.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(
            uri("/application/o/netbox-slug//.well-known/openid-configuration").as_deref(),
            Some("/application/o/netbox-slug/.well-known/openid-configuration")
        );
        assert_eq!(
            uri("//.well-known/openid-configuration").as_deref(),
            Some("/.well-known/openid-configuration"),
            "the issuer that applications share, with NetBox's slash"
        );
        assert_eq!(uri("/a///b//?next=//evil").as_deref(), Some("/a/b/?next=//evil"));
        assert_eq!(uri("/a/b?x=//"), None);
        assert_eq!(uri("/outpost.goauthentik.io/auth/envoy//static/"), None);
    }

    proptest! {
        #[test]
        fn merged_paths_hold_no_repeated_slash(path in "/[a-z/]{0,40}") {
            if let Some(uri) = merged(&path.parse().unwrap()) {
                prop_assert!(!uri.path().contains("//"));
                prop_assert!(uri.path().starts_with('/'));
            }
        }
    }
}
