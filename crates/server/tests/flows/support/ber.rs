//! LDAP requests byte by byte, for tests that send what no client library would.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// One element: tag, length, content.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u32::try_from(content.len()).unwrap() {
        short @ 0..=127 => out.push(u8::try_from(short).unwrap()),
        long => {
            out.push(0x84);
            out.extend(long.to_be_bytes());
        }
    }
    out.extend_from_slice(content);
    out
}

/// A request with an identifier.
pub(crate) fn message(id: u8, operation: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&tlv(2, &[id]), operation].concat())
}

/// A simple bind.
pub(crate) fn bind(id: u8, name: &[u8], password: &[u8]) -> Vec<u8> {
    message(id, &tlv(0x60, &[tlv(2, &[3]), tlv(4, name), tlv(0x80, password)].concat()))
}

/// A search of a subtree by an encoded filter.
pub(crate) fn search(id: u8, base: &[u8], filter: &[u8]) -> Vec<u8> {
    let fixed = [tlv(4, base), tlv(10, &[2]), tlv(10, &[0]), tlv(2, &[0]), tlv(2, &[0]), tlv(1, &[0])].concat();
    message(id, &tlv(0x63, &[fixed, filter.to_vec(), tlv(0x30, b"")].concat()))
}

/// An extended operation without a value.
pub(crate) fn extended(id: u8, name: &str) -> Vec<u8> {
    message(id, &tlv(0x77, &tlv(0x80, name.as_bytes())))
}

/// A raw connection.
pub(crate) struct Raw(pub(crate) TcpStream);

impl Raw {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> &mut Self {
        // The server may have closed already; what it said shows when reading.
        let _ = self.0.write_all(bytes);
        self
    }

    /// The next answer: its identifier, its tag and its result code (the first enumerated value), if it has one. `None`
    /// when the server has closed.
    pub(crate) fn answer(&mut self) -> Option<(u32, u8, Option<u8>)> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).ok()?;
        let length = match head[1] {
            short @ 0..=127 => usize::from(short),
            long => {
                let mut bytes = vec![0; usize::from(long & 0x7f)];
                self.0.read_exact(&mut bytes).ok()?;
                bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
            }
        };
        let mut content = vec![0; length];
        self.0.read_exact(&mut content).ok()?;
        let (id_length, rest) = (usize::from(content[1]), &content[2..]);
        let id = rest[..id_length].iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
        let operation = &rest[id_length..];
        let inner = if operation[1] < 0x80 { 2 } else { 2 + usize::from(operation[1] & 0x7f) };
        let code = (operation.get(inner) == Some(&10)).then(|| operation[inner + 2]);
        Some((id, operation[0], code))
    }
}
