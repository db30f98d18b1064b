//! Signatures by others: a Python process with `cryptography`, and the program `openssl`.
//!
//! A test of a verifier says something only when the signature comes from code not written by the same hand, so nothing
//! here computes one. See `signer.py`.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::workspace_root;

/// A process that signs; it ends when it is dropped.
#[derive(Debug)]
pub struct Signer {
    child: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

/// A key pair that the signer made.
#[derive(Clone, Debug)]
pub struct KeyPair {
    /// The public key, SPKI in PEM.
    pub pem: String,
    /// The public key, SPKI in DER, in base64.
    pub der: String,
    /// The private key, PKCS #8 in PEM, for `openssl`.
    pub private_pem: String,
}

impl Signer {
    /// Starts the process.
    ///
    /// # Panics
    /// When it does not start; `tests/run` installs what it needs.
    #[must_use]
    pub fn start() -> Self {
        let mut child = Command::new(workspace_root().join("target/venv/bin/python"))
            .arg(workspace_root().join("tests/harness/signer.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts from target/venv, which `tests/run` makes");
        let writer = child.stdin.take().expect("stdin is piped");
        let reader = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Self { child, pipes: Mutex::new((writer, reader)) }
    }

    /// Makes a key of this name, or gives the one that is there: `P-256`, `P-384`, or the bits of an RSA key.
    #[must_use]
    pub fn key(&self, name: &str, kind: &str) -> KeyPair {
        let made = self.ask(json!({"op": "key", "name": name, "kind": kind}));
        KeyPair { pem: text(&made, "pem"), der: text(&made, "der"), private_pem: text(&made, "private_pem") }
    }

    /// The timestamped `Alpaca-Signature` of a body.
    #[must_use]
    pub fn alpaca(&self, secret: &str, t: i64, body: &[u8]) -> String {
        self.header(json!({"op": "alpaca", "secret": secret, "t": t, "body": BASE64_STANDARD.encode(body)}))
    }

    /// The `Alpaca-Signature` over nothing but the body, in hex.
    #[must_use]
    pub fn alpaca_body_only(&self, secret: &str, body: &[u8]) -> String {
        self.header(json!({"op": "alpaca", "secret": secret, "body": BASE64_STANDARD.encode(body)}))
    }

    /// The `X-Webhook-Signature` of a body by Bridge, as it signs.
    #[must_use]
    pub fn bridge(&self, key: &str, t_ms: i64, body: &[u8]) -> String {
        self.bridge_as(key, t_ms, body, "double")
    }

    /// The same in another scheme: `single`, `pss`, `sha1`, `sha512`.
    #[must_use]
    pub fn bridge_as(&self, key: &str, t_ms: i64, body: &[u8], scheme: &str) -> String {
        let body = BASE64_STANDARD.encode(body);
        self.header(json!({"op": "bridge", "key": key, "t": t_ms, "body": body, "scheme": scheme}))
    }

    /// The `X-Circle-Signature` of a body, as Circle signs.
    #[must_use]
    pub fn circle(&self, key: &str, body: &[u8]) -> String {
        self.circle_as(key, body, "der")
    }

    /// The same in another form: `raw`, `high_s`, `low_s`, `zero_r`, `zero_s`, `trailing`.
    #[must_use]
    pub fn circle_as(&self, key: &str, body: &[u8], form: &str) -> String {
        let body = BASE64_STANDARD.encode(body);
        self.header(json!({"op": "circle", "key": key, "body": body, "form": form}))
    }

    /// An SNS message with `SignatureVersion` and `Signature`.
    #[must_use]
    pub fn sns(&self, key: &str, message: &Value, version: &str) -> Value {
        self.ask(json!({"op": "sns", "key": key, "message": message, "version": version}))["message"].take()
    }

    /// The certificate of an authority that signs itself.
    #[must_use]
    pub fn authority(&self, name: &str, key: &str) -> String {
        let asked = json!({"op": "certificate", "name": name, "key": key, "common_name": name});
        text(&self.ask(asked), "pem")
    }

    /// A certificate by an authority for a host, valid between these days from now.
    #[must_use]
    pub fn certificate(&self, key: &str, host: &str, issuer: &str, days: (i32, i32)) -> String {
        let asked = json!({"op": "certificate", "name": format!("{key} for {host}"), "key": key,
            "common_name": host, "names": [host], "issuer": issuer, "days": [days.0, days.1]});
        text(&self.ask(asked), "pem")
    }

    /// Asks for anything that `signer.py` does.
    ///
    /// # Panics
    /// When it could not.
    #[must_use]
    pub fn ask(&self, question: Value) -> Value {
        let mut pipes = self.pipes.lock().expect("nobody panics between a question and its answer");
        let (writer, reader) = &mut *pipes;
        writeln!(writer, "{question}").expect("the signer reads");
        writer.flush().expect("the signer reads");
        let mut line = String::new();
        reader.read_line(&mut line).expect("the signer answers");
        drop(pipes);
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert!(answer.get("error").is_none(), "{question}: {answer}");
        answer
    }

    fn header(&self, question: Value) -> String {
        text(&self.ask(question), "header")
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What `openssl` writes when it is given these arguments and this input, in a directory.
///
/// # Panics
/// When it fails.
#[must_use]
pub fn openssl(directory: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl starts: `tests/run` installs it");
    child.stdin.take().expect("stdin is piped").write_all(input).expect("openssl reads");
    let output = child.wait_with_output().expect("openssl ends");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn text(answer: &Value, member: &str) -> String {
    answer[member].as_str().unwrap_or_else(|| panic!("{member} in {answer}")).to_owned()
}
