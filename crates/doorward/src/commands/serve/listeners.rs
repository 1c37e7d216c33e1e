//! Where a server listens: all addresses are taken before anything else is done.

use doorward_server::{
    app::App,
    jobs::Jobs,
    ldap::{Security, Server},
    listen::{self, TlsFiles},
    router,
};
use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use crate::{config::settings::Listen, exit, open::Place, output::warning};

/// The addresses of a server.
pub(super) struct Listeners {
    pub(super) http: TcpListener,
    pub(super) https: Option<TcpListener>,
    pub(super) ldap: Option<TcpListener>,
    pub(super) ldaps: Option<TcpListener>,
}

impl Listeners {
    /// Takes all addresses. Who says where HTTP listens gets nothing beside it that was not asked for.
    pub(super) fn bind(place: &Place, is_http_given: bool) -> anyhow::Result<Self> {
        let settings = &place.settings;
        let http = listen::bind(settings.listen).map_err(exit::failed)?;
        let https = settings.listen_https;
        let https = https.address.filter(|_| !is_http_given || https.is_chosen);
        let https = https.map(|address| asked_for(address, "HTTPS", "--listen-https")).transpose()?;
        let bind = |listen: Listen, name: &str, option: &str| match listen.address {
            Some(address) if listen.is_chosen => asked_for(address, name, option).map(Some),
            Some(address) if !is_http_given => Ok(unasked(address, name, option)),
            _ => Ok(None),
        };
        let ldap = bind(settings.ldap_listen, "LDAP", "--ldap-listen")?;
        let ldaps = bind(settings.ldaps_listen, "LDAPS", "--ldaps-listen")?;
        Ok(Self { http, https, ldap, ldaps })
    }

    /// Serves on all of them until the server is stopped.
    pub(super) fn serve(
        self,
        app: App,
        tls: Option<TlsFiles>,
        jobs: &Jobs,
        handle: &axum_server::Handle<SocketAddr>,
    ) -> anyhow::Result<impl Future<Output = io::Result<()>> + use<>> {
        let https = match (self.https, &tls) {
            (Some(listener), Some(files)) => Some((listener, files.load().map_err(exit::failed)?)),
            _ => None,
        };
        let ldap_tls = tls.map(|files| files.server_config()).transpose().map_err(exit::failed)?.map(Arc::new);
        let ldaps = self.ldaps.zip(ldap_tls.clone()).map(|(listener, tls)| (listener, Security::Tls(tls)));
        let ldap = self.ldap.map(|listener| (listener, Security::Plain(ldap_tls)));
        let server = Server::new(app.clone(), jobs.clone());
        for (listener, security) in ldap.into_iter().chain(ldaps) {
            let server = server.clone();
            jobs.spawn_to_end(async move {
                if let Err(error) = server.serve(listener, security).await {
                    tracing::error!(%error, "LDAP cannot be served");
                }
            });
        }
        let http = listen::serve(self.http, None, router::router(app.clone()), handle.clone());
        let handle = handle.clone();
        let https = async move {
            match https {
                Some((listener, tls)) => listen::serve(listener, Some(tls), router::router(app), handle).await,
                None => Ok(()),
            }
        };
        Ok(async { tokio::try_join!(http, https).map(|_| ()) })
    }

    /// Whether a certificate is needed.
    pub(super) fn needs_tls(&self) -> bool {
        self.https.is_some() || self.ldap.is_some() || self.ldaps.is_some()
    }
}

fn asked_for(address: SocketAddr, name: &str, option: &str) -> anyhow::Result<TcpListener> {
    listen::bind(address)
        .map_err(|message| exit::failed(format!("{name}: {message} (for {name}: {option}; \"off\" switches it off)")))
}

/// An address nobody asked for: if another program has it, the server goes on without.
fn unasked(address: SocketAddr, name: &str, option: &str) -> Option<TcpListener> {
    match listen::bind(address) {
        Ok(listener) => Some(listener),
        Err(message) => {
            warning(&format!("there is no {name}: {message} (for {name}: {option}; \"off\" switches it off)"));
            None
        }
    }
}
