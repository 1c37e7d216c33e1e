//! A server with canned answers, for tests.

use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use super::NetBox;
use crate::outbound::Outbound;

/// Answers each request with the first canned answer whose mark stands in it, and remembers the requests.
pub(super) struct Stub {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    /// `answers`: mark (a part of method, address or body), status, body.
    pub(super) fn new(answers: &[(&str, u16, &str)]) -> Self {
        let answers: Vec<_> =
            answers.iter().map(|(mark, status, body)| ((*mark).to_owned(), *status, (*body).to_owned())).collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = requests.clone();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let request = read(&mut stream);
                let answer = answers.iter().find(|(mark, ..)| request.contains(mark.as_str()));
                let (status, body) = answer.map_or((404, "{}"), |(_, status, body)| (*status, body.as_str()));
                seen.lock().unwrap().push(request);
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nconnection: close\r\nlocation: https://elsewhere.example.org/\r\n\
                     content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Self { address, requests }
    }

    /// A client for it, with a token of version 2.
    pub(super) fn netbox<'a>(&self, outbound: &'a Outbound) -> NetBox<'a> {
        NetBox::new(outbound, format!("http://{}/", self.address).parse().unwrap(), "nbt_key.token".into())
    }

    /// What was asked, head and body.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// A request with its body, as far as its `content-length` says.
fn read(stream: &mut TcpStream) -> String {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer).unwrap_or(0);
        text.extend_from_slice(&buffer[..count]);
        let head = String::from_utf8_lossy(&text).into_owned();
        let Some(end) = head.find("\r\n\r\n") else {
            if count == 0 {
                return head;
            }
            continue;
        };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        if count == 0 || text.len() >= end + 4 + length {
            return head;
        }
    }
}

/// A user as NetBox shows it.
pub(super) fn user(id: i64, username: &str) -> Value {
    json!({ "id": id, "username": username, "email": "", "is_active": true, "groups": [] })
}

/// A list of one page.
pub(super) fn list(results: &[Value]) -> String {
    json!({ "next": null, "results": results }).to_string()
}
