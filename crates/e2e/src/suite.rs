//! Something that stands where the official conformance suite stands: it takes answers and sign-outs at the same addresses,
//! remembers them, and holds Doorward's frame in a page of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::ports;

/// Longest request it reads, in bytes.
const REQUEST_MAX: u64 = 256 * 1024;

/// Where the page with the frame stands.
pub const FRAME_PAGE: &str = "/relying-party";

/// What it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The form that came with it.
    pub body: String,
}

#[derive(Debug, Default)]
struct Notes {
    requests: Vec<Request>,
    frame: String,
}

/// The stand-in. It lives as long as the process.
#[derive(Debug)]
pub struct Suite {
    port: u16,
    notes: Arc<Mutex<Notes>>,
}

impl Suite {
    /// Starts one.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn start() -> Result<Self> {
        let port = ports::free()?;
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let notes = Arc::<Mutex<Notes>>::default();
        let taken = notes.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let taken = taken.clone();
                // A browser that goes away in the middle is no fault.
                thread::spawn(move || serve(&stream, &taken));
            }
        });
        Ok(Self { port, notes })
    }

    /// An address on it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Where it takes answers.
    #[must_use]
    pub fn callback(&self) -> String {
        self.url("/test/a/doorward/callback")
    }

    /// Where browsers return after signing out.
    #[must_use]
    pub fn after_sign_out(&self) -> String {
        self.url("/test/a/doorward/post_logout_redirect")
    }

    /// Lets the page at [`FRAME_PAGE`] hold this address in its frame.
    pub fn hold(&self, frame: &str) {
        frame.clone_into(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner).frame);
    }

    /// Forgets what it was asked.
    pub fn forget_requests(&self) {
        drop(self.requests());
    }

    /// What it was asked since this was called last.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner).requests)
    }

    /// The only request since this was called last that `target` begins with.
    ///
    /// # Errors
    /// When there were none, or several.
    pub fn only_request(&self, target: &str) -> Result<Request> {
        let requests = self.requests();
        let mut found = requests.iter().filter(|request| request.target.starts_with(target));
        let only = found.next().with_context(|| format!("nothing for {target} came, but {requests:?}"))?;
        ensure!(found.next().is_none(), "several for {target} came: {requests:?}");
        Ok(only.clone())
    }
}

fn serve(stream: &TcpStream, notes: &Mutex<Notes>) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream.take(REQUEST_MAX));
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next().context("no method")?, words.next().context("no target")?);
    let mut length = 0_usize;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        match line.trim().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = Vec::new();
    reader.take(u64::try_from(length)?).read_to_end(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let page = {
        let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.requests.push(Request { method, target: target.clone(), body });
        page(&target, &notes.frame)
    };
    let (length, mut out) = (page.len(), stream);
    let kind = "Content-Type: text/html; charset=utf-8\r\nConnection: close";
    write!(out, "HTTP/1.1 200 OK\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{page}")?;
    Ok(())
}

fn page(target: &str, frame: &str) -> String {
    let inside = if target == FRAME_PAGE {
        format!(
            r#"<p id="answer">nothing yet</p>
<script>
window.addEventListener("message", function (event) {{
  document.getElementById("answer").innerHTML = event.origin + " " + event.data;
}});
</script>
<iframe id="frame" title="Session check" src="{frame}"></iframe>"#
        )
    } else {
        // The suite's own page shows it after it took the answer.
        r#"<p id="submission_complete">Taken</p>"#.to_owned()
    };
    format!("<!doctype html><html lang=\"en\"><head><title>Relying party</title></head><body>{inside}</body></html>")
}
