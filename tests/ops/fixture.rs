//! A server that accepts the deliveries that `investiq webhooks send` signs for every provider.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use tests::{Server, ServerOptions};

use crate::command::{CommandResult, Workspace};

/// The accepted topic: Circle's sandbox (developers.circle.com, notifications quickstart).
pub(crate) const TOPIC: &str = "arn:aws:sns:us-east-1:908968368384:sandbox_platform-notifications-topic";
/// The Base64 of 32 random bytes.
const AUDIT_KEY: &str = "9tQyIhpGdPqvZ0r6LwqHs5rT8m1mWc2k1m0oYx3nB4c=";
const CIRCLE_API_KEY: &str = "TEST_API_KEY:Rq8Wm3Xc6Vb9Nn2L:p5Kk7Jp4wRk7nXt9vMq1zGc6y";

/// `webhooks host-keys`, killed when dropped.
pub(crate) struct HostedKeys {
    child: Child,
    /// The settings that it prints: `CIRCLE_BASE_URL=…`, `SNS_BASE_URL=…`.
    pub(crate) settings: Vec<(String, String)>,
}

/// A workspace with keys, a server that trusts them, and a host of the keys of Circle and SNS.
pub(crate) struct Fixture {
    pub(crate) workspace: Workspace,
    server: Option<Server>,
    _keys: HostedKeys,
}

impl HostedKeys {
    pub(crate) fn start(workspace: &Workspace) -> Self {
        let mut child =
            workspace.command(&["webhooks", "host-keys", "--bind", "127.0.0.1:0"]).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().take(2).map(Result::unwrap);
        let setting = |line: String| {
            let (name, value) = line.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        };
        let settings: Vec<_> = lines.map(setting).collect();
        Self { child, settings }
    }
}

impl Drop for HostedKeys {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Fixture {
    /// A server as in docs/webhooks.md.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Like `start`, with more settings.
    pub(crate) fn start_with(settings: &[(&str, &str)]) -> Self {
        let workspace = Workspace::new();
        assert_eq!(workspace.run("webhooks keygen").exit_code, 0);
        for name in webhooks::PROVIDERS.iter().filter_map(|provider| provider.secret()) {
            let value = std::fs::read_to_string(workspace.path("webhook-keys").join(name)).unwrap();
            workspace.write_secret(name, &value, 0o444);
        }
        workspace.write_secret("circle_api_key", CIRCLE_API_KEY, 0o444);
        workspace.write_secret("audit_key", AUDIT_KEY, 0o444);
        let keys = HostedKeys::start(&workspace);
        let hosts = keys.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        // Samples are of both lists of entries.
        let both = [("LEDGER_ALPACA_ENTRIES", "either")];
        let settings: Vec<(&str, &str)> =
            both.into_iter().chain(hosts).chain(settings.iter().copied()).collect();
        let server = Some(serve(&workspace, &settings));
        Self { workspace, server, _keys: keys }
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().expect("the server is running")
    }

    /// Runs `webhooks send` against the server.
    pub(crate) fn send(&self, arguments: &str) -> CommandResult {
        let url = self.server.as_ref().expect("the server is running").url("");
        self.workspace.run(&format!("webhooks send --url {url} {arguments}"))
    }

    /// Status and outcome of a single delivery.
    #[track_caller]
    pub(crate) fn outcome(&self, arguments: &str) -> (u64, String) {
        let result = self.send(&format!("{arguments} --json"));
        let json = result.json();
        let responses = json["responses"].as_array().unwrap();
        assert_eq!(responses.len(), 1, "{result:?}");
        (responses[0]["status"].as_u64().unwrap(), responses[0]["outcome"].as_str().unwrap().to_owned())
    }

    /// Waits until no job is left.
    pub(crate) fn wait_until_applied(&self) {
        self.server.as_ref().expect("the server is running").wait_until("no job is left", |_| {
            ["pending", "leased"].iter().all(|status| {
                let left = self.workspace.run(&format!("webhooks list --status {status} --json"));
                left.json()["events"].as_array().unwrap().is_empty()
            })
        });
    }

    /// Stops the server; the database remains.
    pub(crate) fn stop(&mut self) {
        let mut server = self.server.take().expect("the server is running");
        server.signal("TERM");
        assert!(server.wait().is_some(), "{}", server.log());
    }

    /// A GET without a key.
    pub(crate) fn get_json(&self, path: &str) -> serde_json::Value {
        let response = self.server.as_ref().expect("the server is running").get(path, &[]);
        assert_eq!(response.status, 200, "{path}: {response:?}");
        response.json()
    }

    pub(crate) fn log(&self) -> String {
        self.server.as_ref().expect("the server is running").log()
    }

    /// Changes the database directly.
    pub(crate) fn sql(&self, statements: &str) {
        sql(&self.workspace, "data/investiq.db", statements);
    }
}

/// A server with its secrets and its database in the workspace.
pub(crate) fn serve(workspace: &Workspace, settings: &[(&str, &str)]) -> Server {
    let options = ServerOptions::new()
        .unset("AUDIT_KEY")
        .set("SECRETS_DIR", workspace.path("secrets").to_string_lossy())
        .set("CIRCLE_SNS_TOPICS", TOPIC)
        .database_file(&workspace.path("data/investiq.db"));
    settings.iter().fold(options, |options, (name, value)| options.set(name, *value)).start()
}

/// Runs statements with Python's `sqlite3`, which shares no code with the product.
pub(crate) fn sql(workspace: &Workspace, file: &str, statements: &str) {
    let code =
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.executescript(sys.argv[2]); db.close()";
    let mut python = Command::new("python3");
    let path = workspace.path(file);
    let mut child = python
        .args(["-c", code])
        .arg(path)
        .arg(statements)
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3 is installed by `tests/run`");
    let mut errors = String::new();
    drop(child.stderr.take().unwrap().read_to_string(&mut errors));
    assert!(child.wait().unwrap().success(), "{statements}: {errors}");
}
