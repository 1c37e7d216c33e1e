//! The certificates a server shows, and who would trust them: this machine, and Python, which NetBox runs on.

use doorward_core::clock::Clock;
use jiff::Timestamp;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::outbound::trust::{Trust, is_authority_at_the_end, provider};

/// Certificates that run out sooner are mentioned.
pub const SOON: Duration = Duration::from_hours(14 * 24);
/// Most certificates that are looked at.
const CHAIN_MAX: usize = 10;

/// What somebody who verifies the certificates would say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// They are in order.
    Trusted,
    /// The time is over.
    Expired,
    /// They are not valid yet.
    Early,
    /// They are for other names.
    WrongName(Vec<String>),
    /// Nobody known vouches for them.
    UnknownIssuer,
    /// Anything else.
    Refused(String),
}

/// The certificates of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSeen {
    /// Host and port.
    pub authority: String,
    /// With the authorities that this machine trusts; why there was no handshake, if there was none.
    pub here: Result<Verdict, String>,
    /// With Mozilla's authorities, which Python's `requests` uses, whatever the machine it runs on trusts.
    pub python: Option<Verdict>,
    /// Whether they run out within [`SOON`].
    pub ends_soon: bool,
}

/// Looks at the certificates of a server. Nothing is sent to it but the handshake.
pub async fn look(clock: &Clock, host: &str, port: u16, patience: Duration) -> TlsSeen {
    let authority = format!("{host}:{port}");
    let host = host.trim_matches(['[', ']']).to_owned();
    let shown = tokio::time::timeout(patience, shown(&host, port));
    let outcome = shown.await.unwrap_or_else(|_| Err(format!("no answer within {} s", patience.as_secs())));
    match outcome {
        Err(reason) => TlsSeen { authority, here: Err(reason), python: None, ends_soon: false },
        Ok(chain) => judge(authority, &host, &chain, clock.now()),
    }
}

fn judge(authority: String, host: &str, chain: &[CertificateDer<'static>], now: Timestamp) -> TlsSeen {
    let seconds = Duration::from_secs(u64::try_from(now.as_second()).unwrap_or_default());
    let verify = |trust: &Result<Trust, Error>, at| match trust {
        Ok(trust) => verdict(trust, host, chain, UnixTime::since_unix_epoch(at)),
        Err(error) => Verdict::Refused(error.to_string()),
    };
    let (machine, mozilla) = (Trust::of_this_machine(), Trust::mozilla());
    let here = verify(&machine, seconds);
    TlsSeen {
        authority,
        ends_soon: here == Verdict::Trusted && verify(&machine, seconds + SOON) == Verdict::Expired,
        here: Ok(here),
        python: Some(verify(&mozilla, seconds)),
    }
}

fn verdict(trust: &Trust, host: &str, chain: &[CertificateDer<'static>], now: UnixTime) -> Verdict {
    let Some((end, between)) = chain.split_first() else { return Verdict::Refused("no certificate".to_owned()) };
    let Ok(name) = ServerName::try_from(host) else { return Verdict::Refused("no host name".to_owned()) };
    match trust.verify_server_cert(end, between, &name, &[], now) {
        Ok(_) => Verdict::Trusted,
        Err(Error::InvalidCertificate(error)) => named(error),
        Err(error) => Verdict::Refused(error.to_string()),
    }
}

fn named(error: CertificateError) -> Verdict {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Verdict::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Verdict::Early,
        CertificateError::NotValidForName => Verdict::WrongName(Vec::new()),
        CertificateError::NotValidForNameContext { presented, .. } => {
            Verdict::WrongName(presented.into_iter().take(CHAIN_MAX).collect())
        }
        CertificateError::UnknownIssuer => Verdict::UnknownIssuer,
        // As OpenSSL makes self-signed ones: an authority that vouches for itself alone.
        error if is_authority_at_the_end(&error) => Verdict::UnknownIssuer,
        other => Verdict::Refused(Error::InvalidCertificate(other).to_string()),
    }
}

async fn shown(host: &str, port: u16) -> Result<Vec<CertificateDer<'static>>, String> {
    let collector = Arc::new(Collector { provider: provider(), chain: Mutex::default() });
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let config =
        builder.map_err(|error| error.to_string())?.dangerous().with_custom_certificate_verifier(collector.clone());
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    let connector = TlsConnector::from(Arc::new(config.with_no_client_auth()));
    connector.connect(name, stream).await.map_err(|error| error.to_string())?;
    let chain = collector.chain.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(chain)
}

/// Keeps what a server shows, and accepts it: the connection is for looking only.
#[derive(Debug)]
struct Collector {
    provider: Arc<CryptoProvider>,
    chain: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Collector {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let all = std::iter::once(end).chain(between).take(CHAIN_MAX);
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = all.map(|one| one.clone().into_owned()).collect();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

    /// An authority, and a certificate it made for a name, good from 2020 to 2030.
    fn made(name: &str) -> (Trust, Vec<CertificateDer<'static>>) {
        let (key, mut authority) = (KeyPair::generate().unwrap(), CertificateParams::default());
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, format!("authority of {name}"));
        (authority.not_before, authority.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2090, 1, 1));
        let own_certificate = authority.self_signed(&key).unwrap().der().clone();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2030, 1, 1));
        let end = params.signed_by(&KeyPair::generate().unwrap(), &Issuer::new(authority, key)).unwrap();
        (Trust::new(vec![own_certificate]).unwrap(), vec![end.der().clone()])
    }

    fn on(date: &str) -> UnixTime {
        let at: Timestamp = format!("{date}T00:00:00Z").parse().unwrap();
        UnixTime::since_unix_epoch(Duration::from_secs(at.as_second().unsigned_abs()))
    }

    #[test]
    fn every_fault_of_a_certificate_has_its_verdict() {
        let (trust, chain) = made("netbox.example.org");
        let tell = |host, date| verdict(&trust, host, &chain, on(date));
        assert_eq!(tell("netbox.example.org", "2026-01-01"), Verdict::Trusted);
        assert_eq!(tell("netbox.example.org", "2031-01-01"), Verdict::Expired);
        assert_eq!(tell("netbox.example.org", "2019-01-01"), Verdict::Early);
        assert!(matches!(tell("id.example.org", "2026-01-01"), Verdict::WrongName(_)));
        let (other, _) = made("x.example.org");
        assert_eq!(verdict(&other, "netbox.example.org", &chain, on("2026-01-01")), Verdict::UnknownIssuer);
        assert!(matches!(verdict(&trust, "netbox.example.org", &[], on("2026-01-01")), Verdict::Refused(_)));
        let mut own = CertificateParams::new(vec!["netbox.example.org".to_owned()]).unwrap();
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = own.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let told = verdict(&trust, "netbox.example.org", &[own.der().clone()], on("2026-01-01"));
        assert_eq!(told, Verdict::UnknownIssuer, "as OpenSSL makes self-signed ones");
    }

    #[tokio::test]
    async fn a_server_that_does_not_speak_tls_says_so_and_a_mute_one_ends() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = look(&Clock::system(), "127.0.0.1", port, Duration::from_millis(200)).await;
        assert!(seen.here.is_err_and(|reason| reason.contains("no answer within")));
        drop(listener);
        assert!(look(&Clock::system(), "127.0.0.1", port, Duration::from_secs(5)).await.here.is_err());
    }
}
