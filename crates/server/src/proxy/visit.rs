//! A browser at a protected host.

use axum::{
    http::{HeaderMap, header, request::Parts},
    response::Response,
};
use doorward_protocols::forward_auth::host::{Authority, Scheme};
use std::{net::IpAddr, sync::Arc};

use super::{client::ProxyClient, forwarded, page};
use crate::{
    app::App,
    http::visitor::{client_address, peer},
};

/// What is known about a request before anybody is looked up.
#[derive(Debug)]
pub(super) struct Visit<'r> {
    /// The application behind the host.
    pub(super) client: Arc<ProxyClient>,
    /// The headers, cookies among them.
    pub(super) headers: &'r HeaderMap,
    /// Address of the browser.
    pub(super) address: IpAddr,
    /// By which scheme the browser came, as the proxy says.
    pub(super) scheme: Option<Scheme>,
}

impl<'r> Visit<'r> {
    /// A request that a proxy passed on to Doorward's own pages at a protected host. Which host, its `Host` says: whoever
    /// lies about it gets cookies for another host, and a browser does not.
    ///
    /// # Errors
    /// A page that says that there is no application at the host.
    pub(super) async fn here(app: &App, parts: &'r Parts) -> Result<Self, Response> {
        let (headers, peer) = (&parts.headers, peer(&parts.extensions));
        let address = client_address(app, headers, peer);
        let scheme = forwarded::one(headers, "x-forwarded-proto").ok().and_then(Scheme::parse);
        let scheme = scheme.filter(|_| app.config.trusts(peer));
        let host = forwarded::one(headers, header::HOST.as_str()).unwrap_or_default();
        let client = Authority::parse(host, scheme.unwrap_or(Scheme::Https))
            .and_then(|host| app.snapshot().proxies.find(&host).cloned());
        match client {
            Some(client) => Ok(Self { client, headers, address, scheme }),
            None => Err(page::unknown_host(app, host, address).await),
        }
    }
}
