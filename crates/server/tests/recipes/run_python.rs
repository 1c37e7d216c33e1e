//! Runs one of the scripts beside this file by a real Python.

use serde_json::Value;
use std::{
    io::Write as _,
    process::{Command, Stdio},
};

/// Gives a script its input as JSON and reads its answer. `given["text"]` is shown if it fails.
pub(crate) fn run(script: &str, given: &Value) -> Value {
    let mut child = Command::new("python3")
        .args(["-I", "-S", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this test needs python3 on the PATH");
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\n{}", given["text"].as_str().unwrap());
    serde_json::from_slice(&output.stdout).unwrap()
}
