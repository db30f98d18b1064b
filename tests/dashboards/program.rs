//! A program that listens on a free port in a directory of its own, killed when dropped.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for a program to listen.
const WAIT: Duration = Duration::from_secs(30);
/// A port that was free a moment ago may be in use by now.
const STARTS_MAX: usize = 3;

pub(crate) struct Program {
    child: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Program {
    /// Starts a program of `tests/run`, given its arguments for a port and an empty directory, and waits until it listens.
    pub(crate) fn start(name: &str, arguments: impl Fn(u16, &Path) -> Vec<String>) -> Self {
        let started = (0..STARTS_MAX).find_map(|_| Self::try_start(name, &arguments));
        started.unwrap_or_else(|| panic!("{name} does not start"))
    }

    fn try_start(name: &str, arguments: &impl Fn(u16, &Path) -> Vec<String>) -> Option<Self> {
        let (port, directory) = (free_port(), tempfile::tempdir().unwrap());
        let child = Command::new(name)
            .args(arguments(port, directory.path()))
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}: tests/run installs it"));
        let mut program = Self { child, port, _directory: directory };
        let deadline = Instant::now() + WAIT;
        while Instant::now() < deadline && program.child.try_wait().unwrap().is_none() {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(program);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
