//! A reader: one shell, in which every block of every page runs, and terminals in which servers run.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::clone::FreshClone;

/// Longest time for a block, for a server to be ready, and for one to end.
const TIMEOUT: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(20);
/// What the shell prints after each block.
const DONE: &str = "done";

/// The addresses of the pages, which are replaced by free ports: other servers may run on this machine.
const SERVER_PORT: u16 = 3000;
const KEYS_PORT: u16 = 3900;

pub(super) struct Reader {
    clone: FreshClone,
    server_environment: BTreeMap<String, String>,
    shell: Child,
    input: ChildStdin,
    done: Receiver<String>,
    blocks: usize,
    ports: [(u16, u16); 2],
    terminals: BTreeMap<&'static str, Terminal>,
}

/// A process group in which a block runs until it is stopped.
struct Terminal {
    child: Child,
    output: PathBuf,
}

impl Reader {
    /// Opens a shell in a fresh clone. `settings` are variables of the shell, `of_servers` those of servers in terminals.
    pub(super) fn start(settings: &[(&str, String)], of_servers: &[(&str, String)]) -> Self {
        let clone = FreshClone::create();
        let ports = [SERVER_PORT, KEYS_PORT].map(|port| (port, free_port()));
        let own = [
            ("PATH", clone.search_path()),
            ("HOME", clone.home().display().to_string()),
            ("BIND_ADDRESS", format!("127.0.0.1:{}", ports[0].1)),
        ];
        let with_own = |settings: &[(&str, String)]| {
            let pairs = own.iter().chain(settings);
            pairs.map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
        };
        let (environment, server_environment) = (with_own(settings), with_own(of_servers));
        let mut shell = command(&clone, &environment)
            .args(["-euo", "pipefail"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash is on every Debian");
        let (sender, done) = channel();
        let lines = BufReader::new(shell.stdout.take().unwrap()).lines().map_while(Result::ok);
        std::thread::spawn(move || lines.for_each(|line| drop(sender.send(line))));
        let input = shell.stdin.take().unwrap();
        Self { clone, server_environment, shell, input, done, blocks: 0, ports, terminals: BTreeMap::new() }
    }

    /// Runs a block in the shell, and returns what it prints on standard output. The error says what it printed.
    pub(super) fn run(&mut self, text: &str) -> Result<String, String> {
        self.check_terminals()?;
        let [script, out, err] = self.write_script(text);
        let line = format!("source {script} >{out} 2>{err} </dev/null; echo {DONE}\n");
        // The shell has ended if an earlier block failed, which was reported then.
        drop(self.input.write_all(line.as_bytes()));
        let done = self.done.recv_timeout(TIMEOUT);
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        match done {
            Ok(line) if line == DONE => Ok(read(&out)),
            Ok(_) | Err(_) => Err(format!("it fails:\n{}{}", read(&out), read(&err))),
        }
    }

    /// Starts a block in a terminal, in place of what runs there, and waits until its server is ready.
    pub(super) fn serve(&mut self, terminal: &'static str, text: &str) -> Result<(), String> {
        self.stop(terminal)?;
        let [script, out, _] = self.write_script(text);
        let output = File::create(&out).unwrap();
        let child = command(&self.clone, &self.server_environment)
            .args(["-euo", "pipefail", &script])
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .process_group(0)
            .spawn()
            .unwrap();
        self.terminals.insert(terminal, Terminal { child, output: PathBuf::from(out) });
        let port = if terminal == super::SERVER { self.ports[0].1 } else { self.ports[1].1 };
        let deadline = Instant::now() + TIMEOUT;
        while !is_ready(terminal, port) {
            self.check_terminals()?;
            if Instant::now() > deadline {
                return Err(format!("it is not ready:\n{}", self.terminals[terminal].output()));
            }
            std::thread::sleep(PAUSE);
        }
        self.check_terminals()
    }

    /// Presses Ctrl-C in a terminal.
    pub(super) fn stop(&mut self, terminal: &'static str) -> Result<(), String> {
        let Some(mut stopped) = self.terminals.remove(terminal) else { return Ok(()) };
        stopped.signal("INT");
        let deadline = Instant::now() + TIMEOUT;
        while stopped.child.try_wait().unwrap().is_none() || stopped.has_processes() {
            if Instant::now() > deadline {
                return Err(format!("it does not stop:\n{}", stopped.output()));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// The path of a file in the clone.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.clone.root().join(name)
    }

    fn check_terminals(&mut self) -> Result<(), String> {
        for (name, terminal) in &mut self.terminals {
            if let Ok(Some(status)) = terminal.child.try_wait() {
                return Err(format!("the {name} has ended ({status}):\n{}", terminal.output()));
            }
        }
        Ok(())
    }

    /// Writes a block with its ports replaced, and returns the paths of its script and its outputs.
    fn write_script(&mut self, text: &str) -> [String; 3] {
        self.blocks += 1;
        let path = |end: &str| self.clone.path(&format!("block-{}.{end}", self.blocks)).display().to_string();
        let [script, out, err] = ["sh", "out", "err"].map(path);
        std::fs::write(&script, with_ports(text, &self.ports)).unwrap();
        [script, out, err]
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        for terminal in self.terminals.values_mut() {
            terminal.signal("KILL");
            drop(terminal.child.wait());
        }
        drop(self.shell.kill());
        drop(self.shell.wait());
    }
}

impl Terminal {
    fn output(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap_or_default()
    }

    fn signal(&self, name: &str) {
        let group = format!("-{}", self.child.id());
        let mut kill = Command::new("kill");
        drop(kill.args([&format!("-{name}"), "--", &group]).stderr(Stdio::null()).status());
    }

    fn has_processes(&self) -> bool {
        let group = format!("-{}", self.child.id());
        let mut kill = Command::new("kill");
        kill.args(["-0", "--", &group]).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}

/// `bash` in the clone, with this environment and no other.
fn command(clone: &FreshClone, environment: &BTreeMap<String, String>) -> Command {
    let mut bash = tests::interruptible(Path::new("bash"));
    bash.env_clear().envs(environment).current_dir(clone.root());
    bash
}

fn with_ports(text: &str, ports: &[(u16, u16)]) -> String {
    let of_start = format!("tools/start --port {}", ports[0].1);
    let text = text.replace("tools/start", &of_start);
    ports.iter().fold(text, |text, (documented, free)| {
        let hosts = ["localhost", "127.0.0.1"].into_iter();
        hosts
            .fold(text, |text, host| text.replace(&format!("{host}:{documented}"), &format!("{host}:{free}")))
    })
}

fn is_ready(terminal: &str, port: u16) -> bool {
    if terminal != super::SERVER {
        return std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    }
    let client = reqwest::blocking::Client::builder().no_proxy().timeout(TIMEOUT).build().unwrap();
    let response = client.get(format!("http://127.0.0.1:{port}/readyz")).send();
    response.is_ok_and(|response| response.status().is_success())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn state_carries_over_and_a_failing_command_is_found() {
    let mut reader = Reader::start(&[], &[]);
    assert_eq!(reader.run("name=value; cd docs\nf() { echo \"$name\"; }\n").unwrap(), "");
    assert_eq!(reader.run("f; basename \"$PWD\"\n").unwrap(), "value\ndocs\n");
    assert!(reader.run("test \"$(git status --short)\" = ''\n").is_ok(), "the clone is clean");
    let failure = reader.run("true\nfalse | true\necho unreached\n").unwrap_err();
    assert!(failure.contains("it fails") && !failure.contains("unreached"), "{failure}");
    let ended = reader.serve(super::SERVER, "echo no server\n").unwrap_err();
    assert!(ended.contains("has ended") && ended.contains("no server"), "{ended}");
}

#[test]
fn only_addresses_of_the_pages_are_replaced() {
    let text = "curl localhost:3000/a http://127.0.0.1:3900 3000\ntools/start\n";
    let expected = "curl localhost:1/a http://127.0.0.1:2 3000\ntools/start --port 1\n";
    assert_eq!(with_ports(text, &[(3000, 1), (3900, 2)]), expected);
}
