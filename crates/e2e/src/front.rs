//! A small web server in front of another, to put set-ups wrong that are wrong in front of an application: a certificate of a
//! private authority, a proxy that keeps the scheme to itself, a clock that is off.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::environment;

/// Changes the head of a request or an answer.
pub type Rewrite = fn(&str) -> String;

/// What is changed on the way.
#[derive(Debug, Clone, Copy)]
pub struct Changes {
    /// The head of a request.
    pub request: Rewrite,
    /// The head of an answer.
    pub answer: Rewrite,
}

impl Default for Changes {
    fn default() -> Self {
        Self { request: str::to_owned, answer: str::to_owned }
    }
}

/// A private authority, and a certificate it made for `localhost` and 127.0.0.1.
pub struct Authority {
    file: PathBuf,
    config: Arc<ServerConfig>,
}

impl Authority {
    /// Makes one; its certificate is kept in a directory.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn new(directory: &Path) -> Result<Self> {
        environment::choose_crypto();
        let (key, mut params) = (KeyPair::generate()?, CertificateParams::default());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Private authority of a test");
        let authority = params.self_signed(&key)?;
        let file = directory.join("authority.pem");
        std::fs::write(&file, authority.pem())?;
        let own = KeyPair::generate()?;
        let end = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        let end = end.signed_by(&own, &Issuer::new(params, key))?;
        let own = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.serialize_der()));
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![end.der().clone()], own)?;
        Ok(Self { file, config: Arc::new(config) })
    }

    /// The file with its certificate.
    #[must_use]
    pub fn file(&self) -> String {
        self.file.display().to_string()
    }
}

/// Starts a server in front of a port on this machine; gives its port. It ends with the test.
///
/// # Errors
/// When no port is free.
pub async fn start(behind: u16, tls: Option<&Authority>, changes: Changes) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let acceptor = tls.map(|authority| TlsAcceptor::from(authority.config.clone()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            // Whoever does not like the certificate goes away: no error of this server.
            tokio::spawn(async move {
                match acceptor {
                    Some(acceptor) => pass(acceptor.accept(stream).await?, behind, changes).await,
                    None => pass(stream, behind, changes).await,
                }
            });
        }
    });
    Ok(port)
}

/// Passes one request on, and its answer back.
async fn pass(mut client: impl AsyncRead + AsyncWrite + Unpin, behind: u16, changes: Changes) -> Result<()> {
    let mut request = Vec::new();
    let length = loop {
        if let Some(end) = head_length(&request) {
            break end;
        }
        if client.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    };
    let head = String::from_utf8_lossy(request.get(..length).unwrap_or_default()).into_owned();
    let body = header(&head, "content-length").and_then(|value| value.parse::<usize>().ok()).unwrap_or_default();
    while request.len() < length + body {
        if client.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let mut server = TcpStream::connect(("127.0.0.1", behind)).await?;
    // One request for each connection: then the end of the answer is the end of the connection.
    let head = (changes.request)(&head).replacen("\r\n", "\r\nConnection: close\r\n", 1);
    server.write_all(head.as_bytes()).await?;
    server.write_all(request.get(length..).unwrap_or_default()).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    let length = head_length(&answer).context("no answer from behind")?;
    let head = String::from_utf8_lossy(answer.get(..length).unwrap_or_default()).into_owned();
    client.write_all((changes.answer)(&head).as_bytes()).await?;
    client.write_all(answer.get(length..).unwrap_or_default()).await?;
    client.shutdown().await?;
    Ok(())
}

fn head_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// The value of a header.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

/// A head with a header of one's own in place of those of that name.
#[must_use]
pub fn with_header(head: &str, name: &str, value: &str) -> String {
    let is_it = |line: &&str| line.split_once(':').is_none_or(|(key, _)| !key.eq_ignore_ascii_case(name));
    let kept: Vec<&str> = head.trim_end().lines().filter(is_it).collect();
    format!("{}\r\n{name}: {value}\r\n\r\n", kept.join("\r\n"))
}
