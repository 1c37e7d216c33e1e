//! What the server is told at start. Reading it from files and flags is the binary's work.

use ipnet::IpNet;
use jiff::SignedDuration;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use crate::public_url::PublicUrl;

/// Settings of one process.
#[derive(Debug, Clone)]
pub struct Config {
    /// The outside address.
    pub public_url: PublicUrl,
    /// Where the embedded database, keys and certificates are.
    pub data_dir: PathBuf,
    /// Where HTTP listens: the proxies before applications are told.
    pub http_address: SocketAddr,
    /// Proxies whose `X-Forwarded-For` counts, and that may ask about requests (forward auth).
    pub trusted_proxies: Vec<IpNet>,
    /// How long a session lasts.
    pub session_lifetime: SignedDuration,
    /// How long a new version of a signing key is published before it signs.
    pub key_publication: SignedDuration,
    /// Whether passwords are taken over unprotected LDAP connections from other machines.
    pub ldap_allow_plaintext: bool,
    /// Where LDAP listens: applications are told; `None` if it is off.
    pub ldap_address: Option<SocketAddr>,
    /// Where LDAPS listens; `None` if it is off.
    pub ldaps_address: Option<SocketAddr>,
    /// LDAP connections at once.
    pub ldap_connections: usize,
    /// Whether listed proxies begin LDAP connections with a PROXY protocol header.
    pub ldap_proxy_protocol: bool,
    /// Slug of the application whose issuer webfinger tells; empty for the only one with OpenID Connect.
    pub webfinger: String,
    /// A line below the sign-in form, such as whom to ask.
    pub help_text: String,
}

impl Config {
    /// Defaults for an address and a data directory.
    pub fn new(public_url: PublicUrl, data_dir: PathBuf) -> Self {
        Self {
            public_url,
            data_dir,
            http_address: (Ipv4Addr::UNSPECIFIED, 9000).into(),
            trusted_proxies: Vec::new(),
            session_lifetime: SignedDuration::from_hours(12),
            key_publication: SignedDuration::from_hours(1),
            ldap_allow_plaintext: false,
            ldap_address: Some((Ipv4Addr::LOCALHOST, 3389).into()),
            ldaps_address: Some((Ipv4Addr::LOCALHOST, 6636).into()),
            ldap_connections: crate::ldap::limits::CONNECTIONS,
            ldap_proxy_protocol: false,
            webfinger: String::new(),
            help_text: String::new(),
        }
    }

    /// Whether a peer is a proxy that was listed.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|net| net.contains(&peer))
    }
}
