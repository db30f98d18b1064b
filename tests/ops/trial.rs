//! A server of one's own that takes deliveries of everybody whom `investiq` plays.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use tests::{Server, ServerOptions};

use crate::command::{Place, Ran};

/// The topic that the server accepts: one of Circle's sandbox (developers.circle.com, notifications quickstart).
pub(crate) const TOPIC: &str = "arn:aws:sns:us-east-1:908968368384:sandbox_platform-notifications-topic";
/// The Base64 of 32 random bytes.
const AUDIT_KEY: &str = "9tQyIhpGdPqvZ0r6LwqHs5rT8m1mWc2k1m0oYx3nB4c=";
const CIRCLE_API_KEY: &str = "TEST_API_KEY:Rq8Wm3Xc6Vb9Nn2L:p5Kk7Jp4wRk7nXt9vMq1zGc6y";

/// `webhooks host-keys`; it ends when it is dropped.
pub(crate) struct HostedKeys {
    child: Child,
    /// What it says where to ask: `CIRCLE_BASE_URL=…`, `SNS_BASE_URL=…`.
    pub(crate) settings: Vec<(String, String)>,
}

/// A place with keys, a server that trusts them, and whoever answers for Circle and SNS.
pub(crate) struct Trial {
    pub(crate) place: Place,
    server: Option<Server>,
    _keys: HostedKeys,
}

impl HostedKeys {
    /// Answers on a free port.
    pub(crate) fn start(place: &Place) -> Self {
        let mut child = place.command(&["webhooks", "host-keys", "--bind", "127.0.0.1:0"]).spawn().unwrap();
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

impl Trial {
    /// A server as docs/webhooks.md sets one up.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more settings.
    pub(crate) fn start_with(settings: &[(&str, &str)]) -> Self {
        let place = Place::new().set("SECRETS_DIR", "secrets");
        assert_eq!(place.run("webhooks keygen").code, 0);
        for name in ["alpaca_webhook_secret", "bridge_webhook_secret"] {
            let value = std::fs::read_to_string(place.path("webhook-keys").join(name)).unwrap();
            place.plant(name, &value, 0o444);
        }
        place.plant("circle_api_key", CIRCLE_API_KEY, 0o444);
        place.plant("audit_key", AUDIT_KEY, 0o444);
        let keys = HostedKeys::start(&place);
        let asked = keys.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let asked: Vec<(&str, &str)> = asked.chain(settings.iter().copied()).collect();
        let server = Some(serve(&place, &asked));
        Self { place, server, _keys: keys }
    }

    /// Sends something to the server.
    pub(crate) fn send(&self, arguments: &str) -> Ran {
        let url = self.server.as_ref().expect("it runs").url("");
        self.place.run(&format!("webhooks send --url {url} {arguments}"))
    }

    /// What became of the one delivery that was sent.
    #[track_caller]
    pub(crate) fn outcome(&self, arguments: &str) -> (u64, String) {
        let ran = self.send(&format!("{arguments} --json"));
        let json = ran.json();
        let answers = json["answers"].as_array().unwrap();
        assert_eq!(answers.len(), 1, "{ran:?}");
        (answers[0]["status"].as_u64().unwrap(), answers[0]["outcome"].as_str().unwrap().to_owned())
    }

    /// Waits until nothing is left to be done about what was kept.
    pub(crate) fn settle(&self) {
        self.server.as_ref().expect("it runs").until("every delivery is worked on", |_| {
            ["pending", "leased"].iter().all(|status| {
                let left = self.place.run(&format!("webhooks list --status {status} --json"));
                left.json()["events"].as_array().unwrap().is_empty()
            })
        });
    }

    /// Ends the server; what it kept stays.
    pub(crate) fn stop(&mut self) {
        let mut server = self.server.take().expect("it runs");
        server.signal("TERM");
        assert!(server.wait().is_some(), "{}", server.log());
    }

    /// What anybody may read of a server without keys.
    pub(crate) fn read(&self, path: &str) -> serde_json::Value {
        let answer = self.server.as_ref().expect("it runs").get(path, &[]);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    /// Everything that the server logged.
    pub(crate) fn log(&self) -> String {
        self.server.as_ref().expect("it runs").log()
    }

    /// Does something to the database behind everybody's back.
    pub(crate) fn sql(&self, statements: &str) {
        sql(&self.place, "data/investiq.db", statements);
    }
}

/// A server in this place, which finds its secrets there and keeps its database there.
pub(crate) fn serve(place: &Place, settings: &[(&str, &str)]) -> Server {
    let options = ServerOptions::new()
        .unset("AUDIT_KEY")
        .set("SECRETS_DIR", place.path("secrets").to_string_lossy())
        .set("CIRCLE_SNS_TOPICS", TOPIC)
        .database_file(&place.path("data/investiq.db"));
    settings.iter().fold(options, |options, (name, value)| options.set(name, *value)).start()
}

/// Python's own SQLite: whoever changes a database unseen would not use our code.
pub(crate) fn sql(place: &Place, file: &str, statements: &str) {
    let code =
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.executescript(sys.argv[2]); db.close()";
    let mut python = Command::new("python3");
    let path = place.path(file);
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
