//! A browser at a host behind a proxy, and the proxy's questions about it.

use doorward_core::{
    access_rule::AccessRule,
    application::ApplicationProfile,
    proxy_provider::{Identity, ProxyProfile},
};
use doorward_server::{
    applications::{self, ApplicationEdit},
    proxy::client::ProxyClient,
};
use std::{collections::BTreeMap, sync::Arc};

use super::{Browser, PASSWORD, Page, TestApp};

/// The host of the test application.
const HOST: &str = "netbox.example.org";
/// A page of it.
pub(crate) const PAGE: &str = "https://netbox.example.org/dcim/sites/?q=a&page=2";
/// A proxy that is listed.
const PROXY: [u8; 4] = [192, 0, 2, 1];

/// Kinds of proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proxy {
    Nginx,
    Traefik,
    Caddy,
    Envoy,
}

impl Proxy {
    pub(crate) const ALL: [Self; 4] = [Self::Nginx, Self::Traefik, Self::Caddy, Self::Envoy];

    /// What it sends for a request, as its documentation says: path and headers.
    pub(crate) fn question(self, url: &str) -> (String, Vec<(&'static str, String)>) {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (host, uri) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let forwarded = vec![
            ("x-forwarded-method", "GET".to_owned()),
            ("x-forwarded-proto", scheme.to_owned()),
            ("x-forwarded-host", host.to_owned()),
            ("x-forwarded-uri", uri.to_owned()),
        ];
        match self {
            Self::Nginx => {
                let headers = vec![("host", host.to_owned()), ("x-original-url", url.to_owned())];
                ("/outpost.goauthentik.io/auth/nginx".to_owned(), headers)
            }
            Self::Traefik => ("/outpost.goauthentik.io/auth/traefik".to_owned(), forwarded),
            Self::Caddy => {
                let mut headers = forwarded;
                headers.push(("host", host.to_owned()));
                ("/outpost.goauthentik.io/auth/caddy".to_owned(), headers)
            }
            Self::Envoy => {
                let headers = vec![("host", host.to_owned()), ("x-forwarded-proto", scheme.to_owned())];
                (format!("/outpost.goauthentik.io/auth/envoy{uri}"), headers)
            }
        }
    }
}

/// One browser: its cookies at Doorward's own address, and those at the protected hosts.
#[derive(Clone)]
pub(crate) struct Guest {
    pub doorward: Browser,
    pub host: Browser,
}

impl Guest {
    pub(crate) fn new(app: &TestApp) -> Self {
        let mut host = app.browser();
        host.peer = PROXY.into();
        Self { doorward: app.browser(), host }
    }

    /// What a proxy gets to hear about a request of this browser.
    pub(crate) async fn asks(&mut self, proxy: Proxy, url: &str) -> Page {
        self.asks_with(proxy, url, &[]).await
    }

    /// The same with more headers of the browser's.
    pub(crate) async fn asks_with(&mut self, proxy: Proxy, url: &str, more: &[(&'static str, &str)]) -> Page {
        let (path, headers) = proxy.question(url);
        self.sends(&path, headers, more).await
    }

    /// A request to a page of Doorward's at a protected host.
    pub(crate) async fn opens(&mut self, url: &str) -> Page {
        let (host, path) = url.strip_prefix("https://").unwrap().split_at(url.find(".org").unwrap() + 4 - 8);
        let headers = vec![("host", host.to_owned()), ("x-forwarded-proto", "https".to_owned())];
        self.sends(path, headers, &[]).await
    }

    async fn sends(
        &mut self,
        path: &str,
        mut headers: Vec<(&'static str, String)>,
        more: &[(&'static str, &str)],
    ) -> Page {
        headers.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        self.host.headers = headers;
        self.host.request("GET", path, None).await
    }

    /// Signs in for a page, from the start to the answer to the callback.
    pub(crate) async fn signs_in(&mut self, username: &str, url: &str) -> Page {
        let callback = self.comes_back(username, url).await;
        self.opens(&callback).await
    }

    /// Signs in for a page as far as the address of the callback.
    pub(crate) async fn comes_back(&mut self, username: &str, url: &str) -> String {
        let back: String = form_urlencoded::byte_serialize(url.as_bytes()).collect();
        let origin = &url[..url.find(".org").unwrap() + 4];
        let start = self.opens(&format!("{origin}/outpost.goauthentik.io/start?rd={back}")).await;
        self.authorizes(username, start.location()).await
    }

    /// Follows an address to Doorward and signs in there if asked; returns where that leads.
    pub(crate) async fn authorizes(&mut self, username: &str, location: &str) -> String {
        assert!(location.starts_with("https://id.example.org/application/o/authorize/?"), "{location}");
        let page = self.doorward.get(location).await;
        if !page.location().is_empty() {
            return page.location().to_owned();
        }
        let fields = [("username", username), ("password", PASSWORD)];
        let page = self.doorward.submit(&page, "/sign-in", &fields).await;
        page.location().to_owned()
    }
}

impl TestApp {
    /// An application behind a proxy, open to everyone, with the names of headers that NetBox reads.
    pub(crate) async fn guarded(&self, slug: &str, change: impl FnOnce(&mut ProxyProfile)) -> Arc<ProxyClient> {
        let mut proxy = ProxyProfile::single(format!("https://{HOST}"));
        proxy.headers = BTreeMap::from([
            (Identity::Username, "Remote-User".to_owned()),
            (Identity::Groups, "Remote-User-Group".to_owned()),
            (Identity::Email, "Remote-User-Email".to_owned()),
            (Identity::FirstName, "Remote-User-First-Name".to_owned()),
            (Identity::LastName, "Remote-User-Last-Name".to_owned()),
        ]);
        change(&mut proxy);
        let mut profile = ApplicationProfile::new(slug, format!("App {slug}"));
        profile.access = AccessRule::Everyone;
        let edit = ApplicationEdit { profile, oauth: None, ldap: None, proxy: Some(proxy) };
        let created = applications::create(&self.app, &self.actor(), edit, Vec::new()).await.unwrap();
        created.entry.proxy.clone().unwrap()
    }

    /// Changes an application.
    pub(crate) async fn edit(&self, slug: &str, change: impl FnOnce(&mut ApplicationEdit)) {
        let mut edit = ApplicationEdit::of(&applications::find(&self.app, slug).unwrap());
        change(&mut edit);
        applications::update(&self.app, &self.actor(), slug, edit).await.unwrap();
    }
}
