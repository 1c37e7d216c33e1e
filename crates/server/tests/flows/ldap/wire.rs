//! What comes over the wire: too large, too deep, half, out of order, in the clear; and TLS.

use crate::{
    on_both,
    support::{
        PASSWORD,
        ber::{Raw, bind, extended, message, search, tlv},
        ldap::LdapTest,
    },
};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};

const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
const WHO_AM_I: &str = "1.3.6.1.4.1.4203.1.11.3";

fn present(name: &[u8]) -> Vec<u8> {
    tlv(0x87, name)
}

/// TLS with the server's own certificate over a connection.
fn tls(stream: TcpStream, dir: &std::path::Path) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(dir.join("https-certificate.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let client = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
    StreamOwned::new(client, stream)
}

fn small_answer(stream: &mut impl Read) -> Vec<u8> {
    let mut buffer = [0; 512];
    let length = stream.read(&mut buffer).unwrap();
    buffer[..length].to_vec()
}

on_both! {
    /// Whatever comes gets a result code or a closed connection, and the server goes on.
    async fn malformed_requests(app) {
        app.user("alice", &[]).await;
        let test = LdapTest::new(&app).await;
        let (address, name) = (test.address, test.user("alice"));
        let check = move || {
            let closed = |bytes: &[u8]| {
                let mut raw = Raw::connect(address);
                let answer = raw.send(bytes).answer();
                assert!(matches!(answer, None | Some((0, 0x78, Some(2)))), "{answer:?}");
                assert_eq!(raw.answer(), None);
            };
            for garbage in [
                b"GET / HTTP/1.1\r\n\r\n".as_slice(), &[0x30, 0x80, 2, 1, 1], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], &[0x30, 0x85, 0, 0, 0, 0, 1],
                &[0x30, 0x83, 0x02, 0, 1], &[0x30, 0], &tlv(0x30, &[tlv(2, &[0xff]), tlv(0x42, b"")].concat()), &message(1, &tlv(0x7f, b"")), &[0; 64],
                &tlv(0x30, &[tlv(2, &[0]), tlv(0x63, b"")].concat()),
            ] {
                closed(garbage);
            }
            let mut raw = Raw::connect(address);
            // Frames that are whole but wrong inside: the operation fails, the connection lives.
            assert_eq!(raw.send(&message(2, &tlv(0x63, b"nonsense"))).answer(), Some((2, 0x65, Some(2))));
            assert_eq!(raw.send(&message(3, &tlv(0x60, &[tlv(2, &[2]), tlv(4, b""), tlv(0x80, b"")].concat()))).answer(), Some((3, 0x61, Some(2))));
            assert_eq!(raw.send(&bind(4, b"\xff\xfe", b"x")).answer(), Some((4, 0x61, Some(34))));
            assert_eq!(raw.send(&bind(5, name.as_bytes(), b"\xff\0")).answer(), Some((5, 0x61, Some(49))));
            assert_eq!(raw.send(&message(6, &tlv(0x60, &[tlv(2, &[3]), tlv(4, b""), tlv(0xa3, &tlv(4, b"PLAIN"))].concat()))).answer(), Some((6, 0x61, Some(7))));
            assert_eq!(raw.send(&bind(7, name.as_bytes(), PASSWORD.as_bytes())).answer(), Some((7, 0x61, Some(0))));
            let mut deep = present(b"cn");
            for _ in 0..40 { deep = tlv(0xa2, &deep); }
            assert_eq!(raw.send(&search(8, b"dc=ldap,dc=goauthentik,dc=io", &deep)).answer(), Some((8, 0x65, Some(2))));
            let wide = tlv(0xa1, &present(b"x").repeat(2000));
            assert_eq!(raw.send(&search(9, b"dc=ldap,dc=goauthentik,dc=io", &wide)).answer(), Some((9, 0x65, Some(2))));
            for (id, attribute, value) in [(10, b"cn".as_slice(), b"\0\xff\xfe".as_slice()), (11, b"", b""), (12, b"\xff", b"x"), (13, b"member", b"cn=\xff")] {
                let filter = tlv(0xa3, &[tlv(4, attribute), tlv(4, value)].concat());
                let answer = raw.send(&search(id, b"dc=ldap,dc=goauthentik,dc=io", &filter)).answer();
                assert!(matches!(answer, Some((_, 0x65, Some(0 | 2)))), "{answer:?}");
            }
            assert_eq!(raw.send(&extended(14, "1.2.3")).answer(), Some((14, 0x78, Some(2))));
            let critical = tlv(0xa0, &tlv(0x30, &[tlv(4, b"1.2.3.4"), tlv(1, &[0xff])].concat()));
            let operation = [tlv(0x77, &tlv(0x80, WHO_AM_I.as_bytes())), critical].concat();
            assert_eq!(raw.send(&message(15, &operation)).answer(), Some((15, 0x78, Some(12))));
            // Byte by byte, and many at once.
            for byte in extended(16, WHO_AM_I) { raw.send(&[byte]); }
            assert_eq!(raw.answer(), Some((16, 0x78, Some(0))));
            let many: Vec<u8> = (20..120).flat_map(|id| extended(id, WHO_AM_I)).collect();
            raw.send(&many);
            for id in 20..120 { assert_eq!(raw.answer(), Some((id, 0x78, Some(0)))); }
            assert_eq!(raw.send(&message(9, &tlv(0x42, b""))).answer(), None, "unbind");
        };
        tokio::task::spawn_blocking(check).await.unwrap();
    }

    /// Good requests with bits changed, cut and doubled: the server answers or closes, and lives.
    async fn mutated_requests(app) {
        app.user("alice", &[]).await;
        let test = LdapTest::new(&app).await;
        let address = test.address;
        let (name, base) = (test.user("netbox-ldap"), test.base.clone());
        let password = test.reader_password.expose().clone();
        let check = move || {
            let filter = tlv(0xa0, &[
                tlv(0xa3, &[tlv(4, b"memberOf"), tlv(4, b"cn=a,ou=groups,dc=ldap,dc=goauthentik,dc=io")].concat()),
                tlv(0xa4, &[tlv(4, b"cn"), tlv(0x30, &[tlv(0x80, b"a"), tlv(0x81, b"l"), tlv(0x82, b"e")].concat())].concat()),
                tlv(0xa9, &[tlv(0x81, b"2.5.13.5"), tlv(0x82, b"cn"), tlv(0x83, b"alice"), tlv(0x84, &[0xff])].concat()),
            ].concat());
            let paged = tlv(0xa0, &tlv(0x30, &[tlv(4, b"1.2.840.113556.1.4.319"), tlv(4, &tlv(0x30, &[tlv(2, &[5]), tlv(4, &[0; 9])].concat()))].concat()));
            let mut with_page = search(3, base.as_bytes(), &filter);
            with_page.splice(0..6, []);
            let modify = tlv(0x77, &[tlv(0x80, b"1.3.6.1.4.1.4203.1.11.1"), tlv(0x81, &tlv(0x30, &[tlv(0x80, name.as_bytes()), tlv(0x81, b"x"), tlv(0x82, b"yyyyyyyyy")].concat()))].concat());
            let compare = tlv(0x6e, &[tlv(4, name.as_bytes()), tlv(0x30, &[tlv(4, b"cn"), tlv(4, b"x")].concat())].concat());
            let seeds = [search(3, base.as_bytes(), &filter), message(3, &modify), message(3, &compare),
                message(3, &[tlv(0x63, b""), paged].concat()), bind(3, name.as_bytes(), b"wrong;123456"), with_page];
            let mut state = 0x1234_5678_u64;
            let mut random = move |below: usize| {
                state ^= state << 13; state ^= state >> 7; state ^= state << 17;
                usize::try_from(state % u64::try_from(below).unwrap()).unwrap()
            };
            for round in 0..300 {
                let mut raw = Raw::connect(address);
                raw.send(&bind(1, name.as_bytes(), password.as_bytes()));
                assert_eq!(raw.answer(), Some((1, 0x61, Some(0))));
                for _ in 0..5 {
                    let mut bytes = seeds[random(seeds.len())].clone();
                    for _ in 0..=random(3) {
                        let at = random(bytes.len());
                        match random(4) {
                            0 => bytes[at] ^= 1 << random(8),
                            1 => bytes.truncate(at.max(1)),
                            2 => bytes.insert(at, bytes[random(bytes.len())]),
                            _ => bytes[at] = u8::try_from(random(256)).unwrap(),
                        }
                    }
                    raw.send(&bytes);
                }
                drop(raw);
                if round % 50 == 0 {
                    assert_eq!(Raw::connect(address).send(&extended(1, WHO_AM_I)).answer(), Some((1, 0x78, Some(0))));
                }
            }
            assert_eq!(Raw::connect(address).send(&extended(1, WHO_AM_I)).answer(), Some((1, 0x78, Some(0))));
        };
        tokio::task::spawn_blocking(check).await.unwrap();
    }

    /// StartTLS and LDAPS; what was put in behind StartTLS in the clear ends the connection (CVE-2011-0411).
    async fn tls_both_ways(app) {
        app.user("alice", &[]).await;
        let test = LdapTest::new(&app).await;
        let (address, ldaps, name, dir) = (test.address, test.ldaps, test.user("alice"), app.dir.path().to_owned());
        let check = move || {
            let mut raw = Raw::connect(address);
            assert_eq!(raw.send(&extended(1, START_TLS)).answer(), Some((1, 0x78, Some(0))));
            let mut stream = tls(raw.0, &dir);
            stream.write_all(&bind(2, name.as_bytes(), PASSWORD.as_bytes())).unwrap();
            assert_eq!(small_answer(&mut stream), message(2, &tlv(0x61, &[tlv(10, &[0]), tlv(4, b""), tlv(4, b"")].concat())));
            stream.write_all(&extended(3, START_TLS)).unwrap();
            assert!(small_answer(&mut stream).windows(3).any(|bytes| bytes == [10, 1, 1]), "already in TLS");
            let mut stream = tls(TcpStream::connect(ldaps).unwrap(), &dir);
            stream.write_all(&bind(2, name.as_bytes(), PASSWORD.as_bytes())).unwrap();
            assert!(small_answer(&mut stream).windows(3).any(|bytes| bytes == [10, 1, 0]));
            let mut raw = Raw::connect(address);
            raw.send(&[extended(1, START_TLS), bind(2, name.as_bytes(), PASSWORD.as_bytes())].concat());
            assert_eq!(raw.answer(), Some((0, 0x78, Some(2))));
            assert_eq!(raw.answer(), None);
        };
        tokio::task::spawn_blocking(check).await.unwrap();
    }
}
