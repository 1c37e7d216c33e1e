//! What `make test` tells the tests about the machine.

use anyhow::{Context, Result};

/// The value of an environment variable that `make test` sets.
///
/// # Errors
/// When it is not set. A test that cannot run must not look like one that passed.
pub fn required(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| {
        format!(
            "{name} is not set: run these tests with `make test` (or `scripts/test`), which prepares what they need"
        )
    })
}

/// The value of an environment variable that somebody may set; else nothing.
#[must_use]
pub fn optional(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// The first of these programs that stands on this machine; a name is looked up in `PATH`.
///
/// # Errors
/// When none of them does.
pub fn program(candidates: &[&str]) -> Result<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<_> = std::env::split_paths(&path).collect();
    places.extend(["/usr/sbin".into(), "/usr/bin".into()]);
    candidates
        .iter()
        // Joining an absolute path gives that path itself.
        .flat_map(|name| places.iter().map(move |place| place.join(name)))
        .find(|file| file.is_file())
        .map(|file| file.display().to_string())
        .with_context(|| format!("none of {candidates:?} is on this machine: run `make test`, which installs them"))
}

/// Chooses the crypto library of every TLS client in this process. Calling it again does no harm.
pub fn choose_crypto() {
    // An error means that another thread was faster with the same choice.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Whether these tests run as root, as which servers want to be told another user.
#[must_use]
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}
