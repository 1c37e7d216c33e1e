//! What the server's sockets do: TLS with its own and with a given certificate, and clients that send slowly or nothing.

use anyhow::{Context, Result, ensure};
use doorward_e2e::{
    doorward::{Doorward, Keeping, all_text},
    environment,
};
use reqwest::{Certificate, Client};
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// A client that believes one certificate and no other.
fn client(pem: &[u8]) -> Result<Client> {
    environment::choose_crypto();
    Ok(Client::builder().tls_certs_only([Certificate::from_pem(pem)?]).timeout(Duration::from_secs(10)).build()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_self_signed_certificate_is_made_once_and_serves_https() -> Result<()> {
    let mut doorward = Doorward::start().await?;
    let file = doorward.directory().join("https-certificate.pem");
    let first = fs::read(&file)?;
    let health = doorward.https_url("/-/health/live/");
    assert_eq!(client(&first)?.get(&health).send().await?.status(), 200);
    doorward.stop();
    doorward.serve().await?;
    assert_eq!(fs::read(&file)?, first, "it was made anew");
    assert_eq!(client(&first)?.get(&health).send().await?.status(), 200);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_certificate_is_used_and_a_wrong_one_refused() -> Result<()> {
    let maker = Doorward::start().await?;
    let (certificate, key) = (maker.directory().join("https-certificate.pem"), maker.directory().join("https-key.pem"));
    let mut doorward = Doorward::empty(Keeping::Sqlite)?;
    doorward.initialise()?;
    let settings = doorward.directory().join("doorward.toml");
    let write = |certificate: &std::path::Path, key: &std::path::Path| -> Result<()> {
        let before = fs::read_to_string(&settings)?;
        let before: String =
            before.lines().filter(|line| !line.starts_with("tls_")).map(|line| format!("{line}\n")).collect();
        let tls = format!("tls_certificate = {certificate:?}\ntls_private_key = {key:?}\n");
        Ok(fs::write(&settings, format!("{tls}{before}"))?)
    };
    write(&certificate, &key)?;
    doorward.serve().await?;
    let trusting = client(&fs::read(&certificate)?)?;
    assert_eq!(trusting.get(doorward.https_url("/-/health/live/")).send().await?.status(), 200);
    doorward.stop();

    write(&certificate, &certificate)?;
    let refused = all_text(&doorward.refuses_to_serve(&[]).await?);
    ensure!(refused.contains("https-certificate.pem") && refused.contains("private key"), "{refused}");
    Ok(())
}

/// Connections that send nothing, half a head, or another protocol are closed, and others are served meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_closed_and_disturb_nobody() -> Result<()> {
    let doorward = Doorward::start().await?;
    let begin = Instant::now();
    let heads: [&[u8]; 3] = [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"];
    let mut connections = Vec::new();
    for head in heads.iter().cycle().take(60) {
        let mut connection = TcpStream::connect(("127.0.0.1", doorward.port()))?;
        connection.write_all(head)?;
        connection.set_read_timeout(Some(Duration::from_secs(25)))?;
        connections.push(connection);
    }
    environment::choose_crypto();
    let health = Client::new().get(doorward.url("/-/health/live/")).send().await?;
    assert_eq!(health.status(), 200);
    for mut connection in connections {
        let mut answer = Vec::new();
        let read = connection.read_to_end(&mut answer);
        ensure!(read.is_ok() || begin.elapsed() < Duration::from_secs(20), "a connection was kept open");
        ensure!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
    let took = begin.elapsed();
    ensure!(took < Duration::from_secs(20), "closed only after {took:?}");
    Ok(())
}

/// What must stay secret is readable by its owner only.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_file_is_private() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let doorward = Doorward::start().await?;
    for name in ["doorward.db", "secret.key", "https-key.pem"] {
        let file = doorward.directory().join(name);
        let mode = fs::metadata(&file).with_context(|| file.display().to_string())?.permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} has mode {mode:o}");
    }
    Ok(())
}
