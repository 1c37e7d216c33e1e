//! Listening: plain with `StartTLS`, and LDAPS; who is let in, and how many.

use rustls::ServerConfig;
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::{
    connection::{Connection, Transport},
    io::{Duplex, Wire},
    limits, proxy_protocol,
};
use crate::{app::App, jobs::Jobs};

/// How long to wait when no connection can be taken, for instance because files run out.
const PAUSE: Duration = Duration::from_millis(100);

/// How a listener protects its connections.
#[derive(Clone)]
pub enum Security {
    /// Plain, with `StartTLS` if there is a certificate.
    Plain(Option<Arc<ServerConfig>>),
    /// TLS from the first byte.
    Tls(Arc<ServerConfig>),
}

/// Serves until the jobs are told to stop.
///
/// # Errors
/// If the listener cannot be used.
pub async fn serve(app: App, listener: std::net::TcpListener, security: Security, jobs: Jobs) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let stop = jobs.stopping();
    let places = Places::default();
    jobs.spawn(read_ahead(app.clone()));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (app, security, stop, places) = (app.clone(), security.clone(), stop.clone(), places.clone());
                jobs.spawn_to_end(async move {
                    Visit { app: &app, security: &security, stop: &stop, places: &places }.receive(stream, peer).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "an LDAP connection could not be taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Reads everybody before the first client asks, if there is an application for clients of LDAP.
async fn read_ahead(app: App) {
    if app.snapshot().ldap.is_empty() {
        return;
    }
    if let Err(error) = app.directory.keep_current(&app).await {
        tracing::warn!(%error, "the directory could not be read yet; the first search tries again");
    }
}

/// How many connections there are, by address.
#[derive(Clone, Default)]
struct Places(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place that is free again when it is dropped.
struct Place {
    places: Places,
    address: IpAddr,
}

impl Places {
    fn take(&self, address: IpAddr) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = taken.by_address.get(&address).copied().unwrap_or_default();
        if taken.all >= limits::CONNECTIONS || of_address >= limits::CONNECTIONS_PER_ADDRESS {
            return None;
        }
        taken.all += 1;
        taken.by_address.insert(address, of_address + 1);
        Some(Place { places: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        match taken.by_address.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

/// One connection from beginning to end.
struct Visit<'v> {
    app: &'v App,
    security: &'v Security,
    stop: &'v CancellationToken,
    places: &'v Places,
}

impl Visit<'_> {
    async fn receive(&self, mut stream: TcpStream, peer: SocketAddr) {
        // Answers go out at once: waiting for more to send costs a client 40 ms for each small one.
        let _ = stream.set_nodelay(true);
        let peer = peer.ip().to_canonical();
        let Some(_place) = self.places.take(peer) else {
            tracing::warn!(address = %peer, "too many LDAP connections; one was refused");
            return;
        };
        let Some((address, came_by_tls)) = self.client(&mut stream, peer).await else { return };
        let is_protected = came_by_tls || address.is_loopback();
        match self.security {
            Security::Plain(tls) => {
                let transport = Transport { address, is_tls: false, is_protected, offers_tls: tls.is_some() };
                self.plain(Box::new(stream), transport, tls.as_ref()).await;
            }
            Security::Tls(tls) => self.encrypted(Box::new(stream), address, tls).await,
        }
    }

    /// Address of the client, and whether it came to a proxy by TLS. `None` if a proxy did not say who it is.
    async fn client(&self, stream: &mut TcpStream, peer: IpAddr) -> Option<(IpAddr, bool)> {
        if !self.app.config.ldap_proxy_protocol || !self.app.config.trusts(peer) {
            return Some((peer, false));
        }
        let Some(proxied) = proxy_protocol::read(stream).await else {
            tracing::warn!(address = %peer, "a listed proxy connected to LDAP without a PROXY protocol header");
            return None;
        };
        Some((proxied.address.map_or(peer, |address| address.to_canonical()), proxied.is_tls))
    }

    async fn plain(&self, stream: Box<dyn Duplex>, transport: Transport, tls: Option<&Arc<ServerConfig>>) {
        let wire = Connection::new(self.app, Wire::new(stream), transport, self.stop).run().await;
        if let (Some(wire), Some(tls)) = (wire, tls) {
            self.encrypted(wire.into_stream(), transport.address, tls).await;
        }
    }

    async fn encrypted(&self, stream: Box<dyn Duplex>, address: IpAddr, tls: &Arc<ServerConfig>) {
        let handshake = TlsAcceptor::from(tls.clone()).accept(stream);
        let stream = match timeout(limits::REQUEST, handshake).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(%address, %error, "an LDAP client could not begin TLS");
                return;
            }
            Err(_) => return,
        };
        let transport = Transport { address, is_tls: true, is_protected: true, offers_tls: false };
        Connection::new(self.app, Wire::new(Box::new(stream)), transport, self.stop).run().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_per_address_and_given_back() {
        let places = Places::default();
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let mut taken: Vec<_> = (0..limits::CONNECTIONS_PER_ADDRESS).map(|_| places.take(one).unwrap()).collect();
        assert!(places.take(one).is_none());
        assert!(places.take(other).is_some());
        taken.pop();
        assert!(places.take(one).is_some());
        drop(taken);
        assert_eq!(places.0.lock().unwrap().all, 0);
        assert!(places.0.lock().unwrap().by_address.is_empty());
    }
}
