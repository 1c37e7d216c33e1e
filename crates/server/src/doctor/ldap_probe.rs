//! Asks an LDAP server which trees it has: the root of its directory, without credentials (RFC 4512, section 5.1).

use doorward_protocols::ldap::ber::{self, BerError, Reader};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Largest answer that is read, in bytes.
const ANSWER_MAX: usize = 64 * 1024;
/// Most base DNs that are kept.
const CONTEXTS_MAX: usize = 20;
const SEARCH_REQUEST: u8 = 0x63;
const SEARCH_ENTRY: u8 = 0x64;
/// The filter that asks whether there is an attribute.
const PRESENT: u8 = 0x87;

/// The base DNs that the server names.
///
/// # Errors
/// Why there is no answer, in words.
pub async fn naming_contexts(host: &str, port: u16, patience: Duration) -> Result<Vec<String>, String> {
    let asked = tokio::time::timeout(patience, ask(host.trim_matches(['[', ']']), port));
    asked.await.unwrap_or_else(|_| Err(format!("no answer within {} s", patience.as_secs())))
}

async fn ask(host: &str, port: u16) -> Result<Vec<String>, String> {
    let mut stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    stream.write_all(&request()).await.map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    loop {
        // The length is known before the whole frame is there.
        let length = ber::frame_length(&answer, ANSWER_MAX).map_err(not_ldap)?;
        if let Some(frame) = length.and_then(|length| answer.get(..length)) {
            return contexts(frame).map_err(not_ldap);
        }
        if stream.read_buf(&mut answer).await.map_err(|error| error.to_string())? == 0 {
            return Err("the connection was closed without an answer".to_owned());
        }
    }
}

fn not_ldap(error: BerError) -> String {
    format!("the answer is no LDAP: {error}")
}

fn request() -> Vec<u8> {
    let mut out = Vec::new();
    let message = ber::open(&mut out, ber::SEQUENCE);
    ber::put_integer(&mut out, ber::INTEGER, 1);
    let search = ber::open(&mut out, SEARCH_REQUEST);
    ber::put(&mut out, ber::OCTETS, b"");
    ber::put_integer(&mut out, ber::ENUMERATED, 0);
    ber::put_integer(&mut out, ber::ENUMERATED, 0);
    ber::put_integer(&mut out, ber::INTEGER, 1);
    ber::put_integer(&mut out, ber::INTEGER, 5);
    ber::put(&mut out, ber::BOOLEAN, &[0]);
    ber::put(&mut out, PRESENT, b"objectClass");
    let attributes = ber::open(&mut out, ber::SEQUENCE);
    ber::put(&mut out, ber::OCTETS, b"namingContexts");
    ber::close(&mut out, attributes);
    ber::close(&mut out, search);
    ber::close(&mut out, message);
    out
}

/// The values of the first attribute of an entry; none of any other answer.
fn contexts(frame: &[u8]) -> Result<Vec<String>, BerError> {
    let mut message = Reader::new(frame).nested(ber::SEQUENCE)?;
    message.integer()?;
    let (tag, content) = message.element()?;
    if tag != SEARCH_ENTRY {
        return Ok(Vec::new());
    }
    let mut entry = Reader::new(content);
    entry.octets()?;
    let mut attributes = entry.nested(ber::SEQUENCE)?;
    let mut found = Vec::new();
    while !attributes.is_empty() {
        let mut attribute = attributes.nested(ber::SEQUENCE)?;
        let name = attribute.octets()?;
        let mut values = attribute.nested(ber::SET)?;
        while name.eq_ignore_ascii_case(b"namingContexts") && !values.is_empty() && found.len() < CONTEXTS_MAX {
            found.push(String::from_utf8_lossy(values.octets()?).into_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_protocols::ldap::answer::EntryWriter;
    use proptest::prelude::*;

    #[test]
    fn the_base_dns_of_an_answer_are_read() {
        let mut out = Vec::new();
        let mut entry = EntryWriter::begin(&mut out, 1, b"");
        entry.attribute("namingContexts");
        entry.value(b"dc=a");
        entry.value(b"dc=b");
        entry.end();
        assert_eq!(contexts(&out).unwrap(), ["dc=a", "dc=b"]);
    }

    #[tokio::test]
    async fn an_answer_may_come_in_pieces() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut out = Vec::new();
        let mut entry = EntryWriter::begin(&mut out, 1, b"");
        entry.attribute("namingContexts");
        entry.value(b"dc=a");
        entry.end();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            for piece in out.chunks(7) {
                stream.write_all(piece).await.unwrap();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stream
        };
        let (_, told) = tokio::join!(serve, naming_contexts("127.0.0.1", port, Duration::from_secs(5)));
        assert_eq!(told.unwrap(), ["dc=a"]);
    }

    #[tokio::test]
    async fn a_server_that_speaks_something_else_is_told_apart() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap();
            stream
        };
        let (_, told) = tokio::join!(serve, naming_contexts("127.0.0.1", port, Duration::from_secs(5)));
        assert!(told.clone().is_err_and(|reason| reason.contains("no LDAP")), "{told:?}");
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = contexts(&bytes);
        }
    }
}
