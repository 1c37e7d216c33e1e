//! A data directory of its own, and the real binary over it.

use serde_json::Value;
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

pub const PASSWORD: &str = "correct horse battery";

pub struct Doorward {
    pub directory: tempfile::TempDir,
    pub port: u16,
}

impl Doorward {
    /// A directory in which nothing is yet.
    pub fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("password"), format!("{PASSWORD}\n")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { directory, port }
    }

    /// With an administrator.
    pub fn set_up() -> Self {
        let doorward = Self::empty();
        doorward.ok(&[
            "init",
            "--public-url",
            &doorward.url(""),
            "--admin-username",
            "admin",
            "--admin-email",
            "a@example.org",
            "--admin-password-file",
            &doorward.password_file(),
        ]);
        doorward
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub fn password_file(&self) -> String {
        self.directory.path().join("password").display().to_string()
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DOORWARD_")) {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).arg("--data-dir").arg(self.data());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// Runs a command that must succeed; what it printed.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must succeed and print JSON.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[arguments, &["-o", "json"]].concat())).unwrap()
    }

    /// Runs a command that must fail with this exit code and say these words; nothing may be on standard output.
    #[track_caller]
    pub fn fails(&self, arguments: &[&str], code: i32, words: &[&str]) {
        let output = self.run(arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(output.stdout.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
        assert!(text.starts_with("error: ") && !text.contains("panicked"), "{arguments:?}: {text}");
        for word in words {
            assert!(text.contains(word), "{arguments:?}: no {word:?} in {text}");
        }
    }

    /// Everything that commands show, to compare before and after.
    pub fn everything(&self) -> Vec<Value> {
        let nouns = [["user", "list"], ["group", "list"], ["app", "list"], ["key", "list"], ["mapping", "list"]];
        nouns.iter().map(|arguments| self.json(arguments)).collect()
    }

    /// Starts the server and waits until it is ready.
    pub fn serve(&self) -> Server {
        let listen = format!("127.0.0.1:{}", self.port);
        let child =
            self.command().args(["serve", "--listen", &listen]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let server = Server { child: child.unwrap(), port: self.port };
        until("the server is ready", Duration::from_secs(20), || server.status("/-/health/ready/") == Some(200));
        server
    }
}

pub struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// The status of an answer to a GET request.
    pub fn status(&self, path: &str) -> Option<u16> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.split(' ').nth(1)?.parse().ok()
    }

    /// Sends SIGTERM and waits; exit code and what was printed.
    pub fn stop(mut self) -> (Option<i32>, String) {
        let kill = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let status = self.child.wait().unwrap();
        let mut text = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        (status.code(), text)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, or a test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something holds; fails if it takes longer than the limit.
pub fn until(what: &str, limit: Duration, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
