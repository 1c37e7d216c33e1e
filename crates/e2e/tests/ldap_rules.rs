//! What holds on LDAP connections: changes count at once, passwords do not travel in clear, and a server that stops says so.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use doorward_e2e::doorward::{Doorward, Keeping, PASSWORD};
use doorward_e2e::ldap::{Directory, people};
use doorward_e2e::wait;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Scope, SearchEntry, StdStream};

/// Result codes (RFC 4511, section 4.1.9).
const CONFIDENTIALITY_REQUIRED: u32 = 13;
const INVALID_CREDENTIALS: u32 = 49;
const INSUFFICIENT_ACCESS_RIGHTS: u32 = 50;

async fn scene(keeping: Keeping, variables: &[(&str, &str)]) -> Result<(Doorward, Directory)> {
    let doorward = Doorward::start_with_ldap_and(keeping, variables).await?;
    people::add(&doorward)?;
    let (directory, _) = Directory::added_to(&doorward, "sssd", "sssd", &[])?;
    doorward.settle().await;
    Ok((doorward, directory))
}

/// A connection; what drives it goes on until it is closed.
async fn connect(directory: &Directory) -> Result<Ldap> {
    connect_over(directory, TcpStream::connect(("127.0.0.1", directory.port))?).await
}

#[expect(clippy::disallowed_methods, reason = "it ends with the connection")]
async fn connect_over(directory: &Directory, stream: TcpStream) -> Result<Ldap> {
    stream.set_nonblocking(true)?;
    let settings = LdapConnSettings::new().set_std_stream(StdStream::Tcp(stream));
    let (connection, ldap) = LdapConnAsync::with_settings(settings, &directory.url()).await?;
    tokio::spawn(connection.drive());
    Ok(ldap)
}

/// Whether somebody's entry says that their account may be used; `Err` holds the code of a search that fails.
async fn is_active(ldap: &mut Ldap, directory: &Directory, username: &str) -> Result<Result<bool, u32>> {
    let found = ldap.search(&directory.user_dn(username), Scope::Base, "(objectClass=*)", vec!["ak-active"]).await?;
    let (found, result) = (found.0, found.1);
    if result.rc != 0 {
        return Ok(Err(result.rc));
    }
    let entry = SearchEntry::construct(found.into_iter().next().context("no entry")?);
    Ok(Ok(entry.attrs.get("ak-active").is_some_and(|values| values == &["TRUE"])))
}

async fn a_disabled_user_is_nobody(keeping: Keeping) -> Result<()> {
    let (doorward, directory) = scene(keeping, &[]).await?;
    let dn = directory.user_dn("alice");
    let (mut reader, mut alice) = (connect(&directory).await?, connect(&directory).await?);
    reader.simple_bind(&directory.bind_dn, &directory.bind_password).await?.success()?;
    alice.simple_bind(&dn, PASSWORD).await?.success()?;
    assert_eq!(is_active(&mut reader, &directory, "alice").await?, Ok(true));
    assert_eq!(is_active(&mut alice, &directory, "alice").await?, Ok(true));

    // The command is another process than the server.
    doorward.run(&["user", "disable", "alice"])?;
    let mut again = connect(&directory).await?;
    assert_eq!(again.simple_bind(&dn, PASSWORD).await?.rc, INVALID_CREDENTIALS);
    wait::until("the change to be seen", Duration::from_millis(1_200), async || {
        let seen = is_active(&mut reader, &directory, "alice").await?;
        let own = is_active(&mut alice, &directory, "alice").await?;
        Ok((seen == Ok(false) && own == Err(INSUFFICIENT_ACCESS_RIGHTS)).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_user_is_nobody_on_sqlite() -> Result<()> {
    a_disabled_user_is_nobody(Keeping::Sqlite).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_user_is_nobody_on_postgresql() -> Result<()> {
    a_disabled_user_is_nobody(Keeping::Postgres).await
}

/// A connection that a proxy on this machine passes on from somewhere else.
async fn from_elsewhere(directory: &Directory) -> Result<Ldap> {
    let mut stream = TcpStream::connect(("127.0.0.1", directory.port))?;
    write!(stream, "PROXY TCP4 192.0.2.7 192.0.2.1 49152 389\r\n")?;
    connect_over(directory, stream).await
}

const BEHIND_A_PROXY: [(&str, &str); 2] =
    [("DOORWARD_LDAP_PROXY_PROTOCOL", "true"), ("DOORWARD_TRUSTED_PROXIES", "[\"127.0.0.1\"]")];

#[tokio::test(flavor = "multi_thread")]
async fn passwords_from_other_machines_need_tls() -> Result<()> {
    let (_doorward, directory) = scene(Keeping::Sqlite, &BEHIND_A_PROXY).await?;
    let mut ldap = from_elsewhere(&directory).await?;
    // Before it is even looked at: a right password is answered like a wrong one.
    for password in [PASSWORD, "wrong"] {
        let answer = ldap.simple_bind(&directory.user_dn("alice"), password).await?;
        assert_eq!(answer.rc, CONFIDENTIALITY_REQUIRED, "{answer:?}");
    }
    assert_eq!(is_active(&mut ldap, &directory, "alice").await?, Err(INSUFFICIENT_ACCESS_RIGHTS));

    let mut silent = connect(&directory).await?;
    let answer = silent.simple_bind(&directory.user_dn("alice"), PASSWORD).await;
    assert!(answer.is_err(), "a connection without the header was answered: {answer:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_in_clear_can_be_allowed() -> Result<()> {
    let variables = [&BEHIND_A_PROXY[..], &[("DOORWARD_LDAP_ALLOW_PLAINTEXT", "true")]].concat();
    let (_doorward, directory) = scene(Keeping::Sqlite, &variables).await?;
    let mut ldap = from_elsewhere(&directory).await?;
    ldap.simple_bind(&directory.user_dn("alice"), PASSWORD).await?.success()?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_says_goodbye_at_once() -> Result<()> {
    let (mut doorward, directory) = scene(Keeping::Sqlite, &[]).await?;
    let mut idle = TcpStream::connect(("127.0.0.1", directory.port))?;
    let mut signed_in = connect(&directory).await?;
    signed_in.simple_bind(&directory.bind_dn, &directory.bind_password).await?.success()?;
    let begin = Instant::now();
    doorward.stop();
    assert!(begin.elapsed() < Duration::from_secs(3), "it took {:?}", begin.elapsed());
    let mut goodbye = Vec::new();
    idle.set_read_timeout(Some(Duration::from_secs(5)))?;
    idle.read_to_end(&mut goodbye)?;
    // RFC 4511, section 4.4.1: the notice of disconnection is an extended response of this name.
    let name = b"1.3.6.1.4.1.1466.20036";
    assert!(goodbye.windows(name.len()).any(|window| window == name), "{goodbye:?}");
    assert!(is_active(&mut signed_in, &directory, "alice").await.is_err(), "the connection is still open");
    Ok(())
}
