//! A small Debian of its own for programs that put themselves into the machine: name services, PAM, mail, RADIUS.
//!
//! `scripts/clients-env` makes the directory once. Each test gets a copy-on-write view of it in a mount and a process
//! namespace: it sees the machine's network, and whatever it writes or leaves running goes away with the value.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::process::Server;
use crate::{environment, wait};

/// Mounts the view, says by which number the outside knows the first process, and stays.
const KEEPER: &str = r#"set -e
mount -t tmpfs doorward "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=$2:$3,upperdir=$1/upper,workdir=$1/work" "$1/root"
read -r pid rest </proc/self/stat
mount -t proc proc "$1/root/proc"
exec chroot "$1/root" sh -c 'echo "ready $0"; exec sleep infinity' "$pid"
"#;

/// A file that lies in the Debian from the beginning.
#[derive(Debug, Clone)]
pub struct File {
    /// Absolute path.
    pub path: String,
    /// What it holds.
    pub text: String,
    /// Permissions, such as `0o600`; it belongs to root.
    pub mode: u32,
}

impl File {
    /// One that everybody can read.
    pub fn open(path: &str, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), text: text.into(), mode: 0o644 }
    }

    /// One that only root can read.
    pub fn private(path: &str, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), text: text.into(), mode: 0o600 }
    }
}

/// What a program did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it printed on standard output.
    pub stdout: String,
    /// What it printed on standard error.
    pub stderr: String,
}

impl Ran {
    /// What it printed, if it ended with 0.
    ///
    /// # Errors
    /// If it did not; the text holds all it printed.
    pub fn ok(self) -> Result<String> {
        ensure!(self.code == Some(0), "exit code {:?}: {}{}", self.code, self.stdout, self.stderr);
        Ok(self.stdout)
    }
}

/// A Debian that lives as long as the value.
#[derive(Debug)]
pub struct Debian {
    // In this order: the first process takes all others with it, and then nobody uses the directory.
    pid: Pid,
    _keeper: Server,
    directory: TempDir,
}

/// The first process in the namespaces. All others end with it.
#[derive(Debug)]
struct Pid(String);

impl Drop for Pid {
    fn drop(&mut self) {
        // The keeper's outer process ignores polite signals; without the inner one it ends at once.
        let _ = Command::new("kill").args(["-KILL", &self.0]).status();
    }
}

impl Debian {
    /// Starts one with some files of one's own in it.
    ///
    /// # Errors
    /// When `make test` did not prepare it, or the machine allows no namespaces.
    pub async fn start(files: &[File]) -> Result<Self> {
        let base = environment::required("DOORWARD_TEST_DEBIAN")?;
        let directory = TempDir::with_prefix("doorward-debian-")?;
        let (view, layer) = (directory.path().join("view"), directory.path().join("files"));
        std::fs::create_dir(&view)?;
        std::fs::create_dir(&layer)?;
        let hosts = File::open("/etc/hosts", "127.0.0.1 localhost\n");
        for file in files.iter().chain([&hosts]) {
            put(&layer, file)?;
        }
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]);
        command.args(["sh", "-c", KEEPER, "sh"]).args([&view, &layer, Path::new(&base)]);
        let keeper = Server::start("debian", &mut command, directory.path())?;
        let pid = wait::until("a Debian of its own (only root can have one)", Duration::from_secs(10), async || {
            Ok(keeper.output().lines().find_map(|line| line.strip_prefix("ready ").map(str::to_owned)))
        });
        let pid = Pid(pid.await.with_context(|| keeper.output())?);
        Ok(Self { _keeper: keeper, pid, directory })
    }

    /// A program inside it.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid.0, "--mount", "--pid", "--root", "--wdns=/", "--", program]);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LANG", "C.UTF-8");
        command
    }

    /// Runs a program inside it to its end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run<S: AsRef<OsStr>>(&self, program: &str, arguments: &[S]) -> Result<Ran> {
        self.run_with(program, arguments, "")
    }

    /// Runs a program that is told something on its standard input.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run_with<S: AsRef<OsStr>>(&self, program: &str, arguments: &[S], input: &str) -> Result<Ran> {
        let mut command = self.command(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // It may end without reading everything.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output()?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) })
    }

    /// Starts a server inside it that stays in the foreground.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn serve(&self, program: &str, arguments: &[&str]) -> Result<Server> {
        let mut command = self.command(program);
        command.args(arguments);
        Server::start(program, &mut command, self.directory.path())
    }
}

fn put(layer: &Path, file: &File) -> Result<()> {
    let path = layer.join(file.path.trim_start_matches('/'));
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(&path, &file.text)?;
    Ok(std::fs::set_permissions(&path, PermissionsExt::from_mode(file.mode))?)
}
