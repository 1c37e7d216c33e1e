//! Requests that Doorward itself makes to other servers: bounded in time and size, never redirected, never through a proxy
//! of the environment. Addresses come from administrators only.

use bytes::{Bytes, BytesMut};
use reqwest::{
    Client, Method, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use rustls::ClientConfig;
use std::{
    error::Error as _,
    io,
    sync::{Arc, OnceLock},
    time::Duration,
};
use url::Url;

pub mod trust;

use trust::Trust;

/// How long a connection may take to be made.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request may take altogether, unless it says otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(15);
/// Largest answer that is read, in bytes.
pub const ANSWER_MAX: usize = 8 * 1024 * 1024;

/// Makes requests. Prepared when first used.
#[derive(Debug, Default)]
pub struct Outbound(OnceLock<Client>);

/// A request about to be made.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Headers.
    pub headers: HeaderMap,
    /// Body; its type stands in the headers.
    pub body: Bytes,
    /// How long it may take altogether.
    pub timeout: Duration,
}

/// What came back, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, at most [`ANSWER_MAX`] bytes.
    pub body: Bytes,
}

/// Why there is no answer, in words that say where to look.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The host name is not known here.
    #[error("the name {host} cannot be resolved from here: {reason}")]
    Name {
        /// The host.
        host: String,
        /// What the resolver says.
        reason: String,
    },
    /// Nobody takes the connection.
    #[error("no connection to {authority}: {reason}")]
    Connect {
        /// Host and port.
        authority: String,
        /// What the operating system says.
        reason: String,
    },
    /// The certificate is not trusted, or TLS is not spoken there.
    #[error("no trusted TLS connection to {authority}: {reason}")]
    Tls {
        /// Host and port.
        authority: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It took too long.
    #[error("no answer from {authority} within {} s", seconds.as_secs())]
    Timeout {
        /// Host and port.
        authority: String,
        /// How long was waited.
        seconds: Duration,
    },
    /// The answer is too large.
    #[error("the answer of {authority} is larger than {} MiB", ANSWER_MAX / 1024 / 1024)]
    TooLarge {
        /// Host and port.
        authority: String,
    },
    /// Anything else.
    #[error("the request to {authority} failed: {reason}")]
    Other {
        /// Host and port.
        authority: String,
        /// The whole chain of causes.
        reason: String,
    },
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Bytes::new(), timeout: TIMEOUT }
    }

    /// `GET`.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// With a header. One that cannot be sent is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

impl Outbound {
    /// Makes a request and reads the answer, whatever its status.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn send(&self, request: Request) -> Result<Answer, OutboundError> {
        let authority = authority(&request.url);
        let timeout = request.timeout;
        let client = self.client(&authority)?;
        let exchange = async {
            let builder = client.request(request.method, request.url.clone()).headers(request.headers);
            let mut response =
                builder.body(request.body).send().await.map_err(|error| explain(&request.url, &error))?;
            let (status, headers) = (response.status(), response.headers().clone());
            let mut body = BytesMut::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| explain(&request.url, &error))? {
                if body.len() + chunk.len() > ANSWER_MAX {
                    return Err(OutboundError::TooLarge { authority: authority.clone() });
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Answer { status, headers, body: body.freeze() })
        };
        match tokio::time::timeout(timeout, exchange).await {
            Ok(result) => result,
            Err(_) => Err(OutboundError::Timeout { authority: authority.clone(), seconds: timeout }),
        }
    }

    fn client(&self, authority: &str) -> Result<&Client, OutboundError> {
        if let Some(client) = self.0.get() {
            return Ok(client);
        }
        let trust = Trust::of_this_machine()
            .map_err(|error| OutboundError::Tls { authority: authority.to_owned(), reason: error.to_string() })?;
        let made = make(trust).map_err(|reason| OutboundError::Other { authority: authority.to_owned(), reason })?;
        Ok(self.0.get_or_init(|| made))
    }
}

/// What makes requests, and believes whom it is told to.
fn make(trust: Trust) -> Result<Client, String> {
    Client::builder()
        .tls_backend_preconfigured(client_config(trust).map_err(|error| error.to_string())?)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(Duration::from_secs(30))
        .user_agent(concat!("doorward/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| chain(&error))
}

/// TLS as requests use it: 1.3 or 1.2.
fn client_config(trust: Trust) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(trust::provider()).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(trust)).with_no_client_auth())
}

/// Host and port of an address.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn explain(url: &Url, error: &reqwest::Error) -> OutboundError {
    let (authority, reason) = (authority(url), chain(error));
    if error.is_timeout() {
        return OutboundError::Timeout { authority, seconds: CONNECT_TIMEOUT };
    }
    if let Some(tls) = find_tls(error) {
        return OutboundError::Tls { authority, reason: tls };
    }
    if reason.contains("dns error") {
        let reason = reason.rsplit(": ").next().unwrap_or_default().to_owned();
        return OutboundError::Name { host: url.host_str().unwrap_or_default().to_owned(), reason };
    }
    if error.is_connect() {
        let reason = reason.rsplit(": ").next().unwrap_or_default().to_owned();
        return OutboundError::Connect { authority, reason };
    }
    OutboundError::Other { authority, reason }
}

/// What TLS says, if it was TLS that failed. It hides in an [`io::Error`], or in one inside another.
fn find_tls(error: &reqwest::Error) -> Option<String> {
    let mut source = error.source();
    while let Some(inner) = source {
        let mut hidden = inner.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        while let Some(io) = hidden.and_then(|error| error.downcast_ref::<io::Error>()) {
            hidden = io.get_ref();
        }
        let tls = inner.downcast_ref().or_else(|| hidden.and_then(|error| error.downcast_ref::<rustls::Error>()));
        if let Some(tls) = tls {
            return Some(tls.to_string());
        }
        source = inner.source();
    }
    None
}

fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread,
    };

    fn answering(answer: Vec<u8>) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(&answer);
            }
        });
        format!("http://{address}/").parse().unwrap()
    }

    #[tokio::test]
    async fn answers_are_read_and_redirects_are_not_followed() {
        let url = answering(b"HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 2\r\n\r\nok".to_vec());
        let answer = Outbound::default().send(Request::get(url)).await.unwrap();
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (302, &b"ok"[..]));
    }

    #[tokio::test]
    async fn what_fails_says_why() {
        let outbound = Outbound::default();
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused = outbound.send(Request::get(format!("http://{closed}/").parse().unwrap())).await;
        assert!(matches!(refused, Err(OutboundError::Connect { .. })), "{refused:?}");
        let unknown = outbound.send(Request::get("http://nowhere.invalid/".parse().unwrap())).await;
        assert!(matches!(unknown, Err(OutboundError::Name { .. })), "{unknown:?}");
        let mut plain = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec());
        plain.set_scheme("https").unwrap();
        let no_tls = outbound.send(Request::get(plain)).await;
        assert!(matches!(no_tls, Err(OutboundError::Tls { .. })), "{no_tls:?}");
    }

    /// A server that signed its certificate itself, as `openssl req -x509` has it, and that certificate.
    fn self_signed() -> (Url, CertificateDer<'static>) {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "localhost");
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let config = rustls::ServerConfig::builder_with_provider(trust::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap()).parse().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut stream =
                    rustls::StreamOwned::new(rustls::ServerConnection::new(config.clone()).unwrap(), stream);
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
            }
        });
        (url, certificate)
    }

    #[tokio::test]
    async fn a_server_that_signed_its_certificate_itself_is_believed_once_that_is_trusted() {
        let ((url, certificate), (other, _)) = (self_signed(), self_signed());
        let outbound = Outbound(OnceLock::from(make(Trust::new(vec![certificate]).unwrap()).unwrap()));
        let answer = outbound.send(Request::get(url.clone())).await.unwrap();
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"ok"[..]));
        for (outbound, url) in [(&outbound, other), (&Outbound::default(), url)] {
            let refused = outbound.send(Request::get(url)).await;
            assert!(matches!(refused, Err(OutboundError::Tls { .. })), "{refused:?}");
        }
    }

    #[tokio::test]
    async fn silence_and_floods_end() {
        let outbound = Outbound::default();
        let silent = answering(Vec::new());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mute: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let request = Request { timeout: Duration::from_millis(200), ..Request::get(mute) };
        assert!(matches!(outbound.send(request).await, Err(OutboundError::Timeout { .. })));
        assert!(matches!(outbound.send(Request::get(silent)).await, Err(OutboundError::Other { .. })));
        let mut flood = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", ANSWER_MAX + 1).into_bytes();
        flood.resize(flood.len() + ANSWER_MAX + 1, b'x');
        let flood = answering(flood);
        assert!(matches!(outbound.send(Request::get(flood)).await, Err(OutboundError::TooLarge { .. })));
    }
}
