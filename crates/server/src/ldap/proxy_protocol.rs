//! The PROXY protocol, version 1 and 2: a proxy in front of the listener says who the client is. It is believed of listed
//! proxies only.

use ppp::{HeaderResult, v1, v2};
use std::net::IpAddr;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};

use super::limits;

/// Longest header of version 1, by its specification.
const VERSION_1_MAX: usize = 107;
/// Longest header of version 2 that is read, TLVs included.
const HEADER_MAX: usize = 2048;
/// `PP2_TYPE_SSL`, and the flag that says that the client came by TLS.
const TLV_SSL: u8 = 0x20;
const CLIENT_SSL: u8 = 0x01;

/// What a proxy said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Proxied {
    /// The client; `None` if the proxy speaks for itself (a health check).
    pub address: Option<IpAddr>,
    /// Whether the client's connection to the proxy is in TLS.
    pub is_tls: bool,
}

/// Reads the header, and nothing after it. `None` if there is none, or one that cannot be read.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Proxied> {
    timeout(limits::REQUEST, read_header(stream)).await.ok().flatten()
}

async fn read_header(stream: &mut (impl AsyncRead + Unpin)) -> Option<Proxied> {
    let mut header = Vec::with_capacity(128);
    // Byte by byte: what follows the header belongs to TLS or LDAP. It comes once per connection.
    while header.len() < HEADER_MAX && is_beginning(&header) {
        header.push(stream.read_u8().await.ok()?);
        if is_whole(&header) {
            return parse(&header);
        }
    }
    None
}

/// Whether a header can begin so.
fn is_beginning(bytes: &[u8]) -> bool {
    let begins = |prefix: &[u8]| bytes.iter().zip(prefix).all(|(byte, expected)| byte == expected);
    begins(v2::PROTOCOL_PREFIX) || (begins(v1::PROTOCOL_PREFIX.as_bytes()) && bytes.len() < VERSION_1_MAX)
}

/// Whether what begins like a header has come to its end: version 1 with the line, version 2 with the length it states.
fn is_whole(bytes: &[u8]) -> bool {
    match bytes.get(14..16) {
        _ if bytes.starts_with(v1::PROTOCOL_PREFIX.as_bytes()) => bytes.ends_with(b"\r\n"),
        Some(&[high, low]) => bytes.len() >= 16 + usize::from(u16::from_be_bytes([high, low])),
        _ => false,
    }
}

fn parse(header: &[u8]) -> Option<Proxied> {
    match HeaderResult::parse(header) {
        HeaderResult::V1(Ok(header)) => {
            let address = match header.addresses {
                v1::Addresses::Tcp4(ips) => Some(IpAddr::V4(ips.source_address)),
                v1::Addresses::Tcp6(ips) => Some(IpAddr::V6(ips.source_address)),
                v1::Addresses::Unknown => None,
            };
            Some(Proxied { address, is_tls: false })
        }
        HeaderResult::V2(Ok(header)) => Some(version_2(&header)),
        HeaderResult::V1(Err(_)) | HeaderResult::V2(Err(_)) => None,
    }
}

fn version_2(header: &v2::Header<'_>) -> Proxied {
    if header.command == v2::Command::Local {
        return Proxied { address: None, is_tls: false };
    }
    let address = match header.addresses {
        v2::Addresses::IPv4(ips) => Some(IpAddr::V4(ips.source_address)),
        v2::Addresses::IPv6(ips) => Some(IpAddr::V6(ips.source_address)),
        v2::Addresses::Unspecified | v2::Addresses::Unix(_) => None,
    };
    let says_tls = |tlv: v2::TypeLengthValue<'_>| {
        tlv.kind == TLV_SSL && tlv.value.first().is_some_and(|flags| flags & CLIENT_SSL != 0)
    };
    Proxied { address, is_tls: header.tlvs().filter_map(Result::ok).any(says_tls) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    async fn read_all(mut bytes: &[u8]) -> (Option<Proxied>, usize) {
        let proxied = read(&mut bytes).await;
        (proxied, bytes.len())
    }

    #[tokio::test]
    async fn both_versions_are_read_and_nothing_after_them() {
        let (proxied, left) = read_all(b"PROXY TCP4 192.0.2.7 192.0.2.1 5000 389\r\n0rest").await;
        assert_eq!(proxied, Some(Proxied { address: Some("192.0.2.7".parse().unwrap()), is_tls: false }));
        assert_eq!(left, 5);
        let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14".to_vec();
        header.extend([192, 0, 2, 7, 192, 0, 2, 1, 0x13, 0x88, 1, 0x85]);
        header.extend([TLV_SSL, 0, 5, CLIENT_SSL, 0, 0, 0, 0]);
        header.extend(b"0rest");
        let (proxied, left) = read_all(&header).await;
        assert_eq!(proxied, Some(Proxied { address: Some("192.0.2.7".parse().unwrap()), is_tls: true }));
        assert_eq!(left, 5);
        assert_eq!(read_all(b"PROXY UNKNOWN\r\n").await.0, Some(Proxied { address: None, is_tls: false }));
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused() {
        for bytes in [&b"0\x0c\x02\x01\x01`\x07\x02\x01\x03\x04\0\x80\0"[..], b"PROXY TCP4 nonsense\r\n", b"PROXY", b""]
        {
            assert_eq!(read_all(bytes).await.0, None, "{}", bytes.escape_ascii());
        }
        assert_eq!(read_all(&[b'P'; 4096]).await.0, None);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = (parse(&bytes), is_whole(&bytes), is_beginning(&bytes));
            let mut signed = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
            signed.extend(bytes);
            let _ = (parse(&signed), is_whole(&signed));
        }
    }
}
