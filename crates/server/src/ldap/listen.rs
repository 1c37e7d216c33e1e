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
use crate::{app::App, auth::throttle::network, jobs::Jobs};

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

/// The LDAP server of a process: its listeners share their limits.
#[derive(Clone)]
pub struct Server {
    app: App,
    jobs: Jobs,
    places: Places,
}

impl Server {
    /// A server whose connections end when the jobs are told to stop.
    pub fn new(app: App, jobs: Jobs) -> Self {
        jobs.spawn(read_ahead(app.clone()));
        let places = Places::new(app.config.ldap_connections);
        Self { app, jobs, places }
    }

    /// Serves a listener until the jobs are told to stop.
    ///
    /// # Errors
    /// If the listener cannot be used.
    pub async fn serve(self, listener: std::net::TcpListener, security: Security) -> io::Result<()> {
        let listener = TcpListener::from_std(listener)?;
        let stop = self.jobs.stopping();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let (app, places, security, stop) =
                        (self.app.clone(), self.places.clone(), security.clone(), stop.clone());
                    self.jobs.spawn_to_end(async move {
                        let visit = Visit { app: &app, security: &security, stop: &stop, places: &places };
                        visit.receive(stream, peer).await;
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "an LDAP connection could not be taken");
                    tokio::time::sleep(PAUSE).await;
                }
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

/// Who a connection is from.
struct Client {
    address: IpAddr,
    /// Whether nobody on the way can read along: it does not leave this machine, or came to the proxy by TLS.
    is_protected: bool,
}

/// How many connections there are, by network. All listeners share them.
#[derive(Clone)]
struct Places {
    most: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_network: HashMap<String, usize>,
}

/// A place that is free again when it is dropped.
struct Place {
    places: Places,
    network: Option<String>,
}

impl Places {
    fn new(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// A place among all, before it is known whose.
    fn take(&self) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.most {
            return None;
        }
        taken.all += 1;
        Some(Place { places: self.clone(), network: None })
    }
}

impl Place {
    /// The same place, counted for an address too, as failed sign-ins are: IPv6 by its /64.
    fn of(mut self, address: IpAddr) -> Option<Self> {
        let network = network(address);
        {
            let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
            let count = taken.by_network.entry(network.clone()).or_default();
            if *count >= limits::CONNECTIONS_PER_ADDRESS {
                return None;
            }
            *count += 1;
        }
        self.network = Some(network);
        Some(self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        let Some(network) = &self.network else { return };
        match taken.by_network.get_mut(network) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                taken.by_network.remove(network);
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
        let refused = || tracing::warn!(address = %peer, "too many LDAP connections; one was refused");
        let Some(place) = self.places.take() else { return refused() };
        let Some(client) = self.client(&mut stream, peer).await else { return };
        let Some(_place) = place.of(client.address) else { return refused() };
        let Client { address, is_protected } = client;
        match self.security {
            Security::Plain(tls) => {
                let transport = Transport { address, is_tls: false, is_protected, offers_tls: tls.is_some() };
                self.plain(Box::new(stream), transport, tls.as_ref()).await;
            }
            Security::Tls(tls) => self.encrypted(Box::new(stream), address, tls).await,
        }
    }

    /// Who the client is; `None` if a proxy did not say.
    async fn client(&self, stream: &mut TcpStream, peer: IpAddr) -> Option<Client> {
        if !self.app.config.ldap_proxy_protocol || !self.app.config.trusts(peer) {
            return Some(Client { address: peer, is_protected: peer.is_loopback() });
        }
        let Some(proxied) = proxy_protocol::read(stream).await else {
            tracing::warn!(address = %peer, "a listed proxy connected to LDAP without a PROXY protocol header");
            return None;
        };
        // That the proxy is near says nothing about the way to the proxy.
        let address = proxied.address.map_or(peer, |address| address.to_canonical());
        Some(Client { address, is_protected: proxied.is_tls })
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
                tracing::info!(%address, %error, "an LDAP client could not begin TLS; does it trust the certificate?");
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
    fn places_are_limited_and_given_back() {
        let places = Places::new(limits::CONNECTIONS_PER_ADDRESS + 1);
        let (one, same): (IpAddr, IpAddr) = ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
        let other = "192.0.2.2".parse().unwrap();
        let full = limits::CONNECTIONS_PER_ADDRESS;
        let mut taken: Vec<_> = (0..full).map(|_| places.take().unwrap().of(one).unwrap()).collect();
        assert!(places.take().unwrap().of(same).is_none(), "one network");
        let last = places.take().unwrap().of(other).unwrap();
        assert!(places.take().is_none(), "no place at all");
        taken.pop();
        assert!(places.take().unwrap().of(same).is_some());
        drop((taken, last));
        let kept = places.taken.lock().unwrap();
        assert!(kept.all == 0 && kept.by_network.is_empty());
    }
}
