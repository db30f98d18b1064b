//! `tools/start` with the real programs and a `cargo` that builds nothing.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tests::{binary, workspace_root};

/// What the script calls; nothing else is in its path.
const PROGRAMS: [&str; 12] =
    ["awk", "bash", "cat", "curl", "dirname", "dpkg-query", "env", "find", "grep", "mkdir", "sed", "sleep"];

/// A directory with the script, the programs that it would build, and the tools that it calls.
struct Checkout(tempfile::TempDir);

impl Checkout {
    fn new() -> Self {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let root = directory.path();
        for folder in ["tools", "path", "target/quick"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        for script in ["tools/start", "tools/install-packages"] {
            std::fs::copy(workspace_root().join(script), root.join(script)).unwrap();
        }
        for program in ["api-server", "investiq"] {
            symlink(binary(program), root.join("target/quick").join(program)).unwrap();
        }
        for program in PROGRAMS {
            let folders = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(program));
            let found = folders.iter().find(|path| path.exists());
            symlink(found.unwrap_or_else(|| panic!("no {program}")), root.join("path").join(program))
                .unwrap();
        }
        symlink("/bin/true", root.join("path/cargo")).unwrap();
        Self(directory)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let root = self.0.path();
        let mut command = tests::interruptible(&root.join("tools/start"));
        command.args(arguments).current_dir("/").env_clear().env("HOME", root).env("PATH", root.join("path"));
        command.env("SECRETS_DIR", root.join("secrets")).stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Names in the directory of its data.
    fn data(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path().join("data")).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn is_listening(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Fails with status 1 and this message.
fn assert_fails(output: &Output, message: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr.contains(message), "{message} is not in {stderr}");
}

#[test]
fn an_analysis_is_printed_and_nothing_is_left_running() {
    let (checkout, port) = (Checkout::new(), free_port());
    let output = checkout.run(&["--port", &port.to_string(), "--once", "IBM"]);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let address = format!("server: http://127.0.0.1:{port}    reference: http://127.0.0.1:{port}/docs");
    for expected in ["IBM  International Business Machines", "Contributions", address.as_str()] {
        assert!(stdout.contains(expected), "{expected} is not in {stdout}");
    }
    assert!(!is_listening(port), "{stdout}");
    assert_eq!(
        checkout.data(),
        ["api-server.log", "investiq.db", "investiq.db.audit-key", "investiq.db.checkpoint"]
    );
}

/// Ends the script, if a failed test leaves it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(Command::new("kill").arg(self.0.id().to_string()).status());
        drop(self.0.wait());
    }
}

#[test]
fn an_interrupt_stops_the_server() {
    let (checkout, port) = (Checkout::new(), free_port());
    let mut script = Running(checkout.command(&["--port", &port.to_string()]).spawn().unwrap());
    let mut lines = BufReader::new(script.0.stdout.take().unwrap()).lines();
    let is_started = lines.by_ref().any(|line| line.unwrap() == "stop:   Ctrl-C");
    assert!(is_started && is_listening(port));
    let interrupt = Command::new("kill").args(["-INT", &script.0.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    assert_eq!(script.0.wait().unwrap().code(), Some(130));
    let mut stderr = String::new();
    script.0.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(stderr, "");
    assert!(!is_listening(port));
    let log = std::fs::read_to_string(checkout.0.path().join("data/api-server.log")).unwrap();
    assert!(log.contains("drained: all requests completed"), "{log}");
}

#[test]
fn what_prevents_a_start_is_named() {
    let checkout = Checkout::new();
    for arguments in [["--port", "0"], ["--port", "65536"], ["--port", "x"]] {
        assert_fails(&checkout.run(&arguments), "--port needs a number from 1 to 65535");
    }
    assert_fails(&checkout.run(&["--port"]), "--port needs a number from 1 to 65535");
    assert_fails(&checkout.run(&["--fast"]), "unknown option --fast; see tools/start --help");

    for address in [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED] {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let holder = format!("port {port} is in use by process {} (", std::process::id());
        assert_fails(&checkout.run(&["--port", &port.to_string()]), &holder);
    }

    let port = free_port().to_string();
    let mut invalid = checkout.command(&["--port", &port]);
    let output = invalid.env("REQUEST_TIMEOUT_SECS", "never").output().unwrap();
    assert_fails(&output, "tools/start: the server did not start");
    assert_fails(&output, "REQUEST_TIMEOUT_SECS");

    std::fs::remove_file(checkout.0.path().join("path/cargo")).unwrap();
    assert_fails(&checkout.run(&["--port", &port]), "cargo not found; install Rust");
}
