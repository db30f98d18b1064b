//! Signatures by a Python process with `cryptography` (`signer.py`), and by the program `openssl`.
//!
//! Nothing here computes one: a verifier is tested against signatures of independent code.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::workspace_root;

#[derive(Debug)]
pub struct Signer {
    child: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

#[derive(Clone, Debug)]
pub struct KeyPair {
    /// The public key, SPKI in PEM.
    pub pem: String,
    /// The public key, SPKI in DER, in Base64.
    pub der: String,
    /// The private key, PKCS #8 in PEM, for `openssl`.
    pub private_pem: String,
}

impl Signer {
    pub fn start() -> Self {
        let mut child = Command::new(workspace_root().join("target/venv/bin/python"))
            .arg(workspace_root().join("tests/harness/signer.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts from target/venv, which `tests/run` creates");
        let writer = child.stdin.take().expect("stdin is piped");
        let reader = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Self { child, pipes: Mutex::new((writer, reader)) }
    }

    /// Returns the key of this name, generating it at first: `P-256`, `P-384`, or the bits of an RSA key.
    pub fn key(&self, name: &str, kind: &str) -> KeyPair {
        let key = self.call(json!({"op": "key", "name": name, "kind": kind}));
        KeyPair { pem: text(&key, "pem"), der: text(&key, "der"), private_pem: text(&key, "private_pem") }
    }

    /// The timestamped `Alpaca-Signature` of a body.
    pub fn alpaca(&self, secret: &str, t: i64, body: &[u8]) -> String {
        self.header(json!({"op": "alpaca", "secret": secret, "t": t, "body": BASE64_STANDARD.encode(body)}))
    }

    /// The `Alpaca-Signature` of the body alone, in hex.
    pub fn alpaca_body_only(&self, secret: &str, body: &[u8]) -> String {
        self.header(json!({"op": "alpaca", "secret": secret, "body": BASE64_STANDARD.encode(body)}))
    }

    /// The `X-Webhook-Signature` of a body, as Bridge signs.
    pub fn bridge(&self, key: &str, t_ms: i64, body: &[u8]) -> String {
        self.bridge_as(key, t_ms, body, "double")
    }

    /// Like `bridge`, in another scheme: `single`, `pss`, `sha1`, `sha512`.
    pub fn bridge_as(&self, key: &str, t_ms: i64, body: &[u8], scheme: &str) -> String {
        let body = BASE64_STANDARD.encode(body);
        self.header(json!({"op": "bridge", "key": key, "t": t_ms, "body": body, "scheme": scheme}))
    }

    /// The `X-Circle-Signature` of a body, as Circle signs.
    pub fn circle(&self, key: &str, body: &[u8]) -> String {
        self.circle_as(key, body, "der")
    }

    /// Like `circle`, in another form: `raw`, `high_s`, `low_s`, `zero_r`, `zero_s`, `trailing`.
    pub fn circle_as(&self, key: &str, body: &[u8], form: &str) -> String {
        let body = BASE64_STANDARD.encode(body);
        self.header(json!({"op": "circle", "key": key, "body": body, "form": form}))
    }

    /// An SNS message with `SignatureVersion` and `Signature`.
    pub fn sns(&self, key: &str, message: &Value, version: &str) -> Value {
        self.call(json!({"op": "sns", "key": key, "message": message, "version": version}))["message"].take()
    }

    /// A self-signed certificate of an authority.
    pub fn authority(&self, name: &str, key: &str) -> String {
        let request = json!({"op": "certificate", "name": name, "key": key, "common_name": name});
        text(&self.call(request), "pem")
    }

    /// A host's certificate by an authority, valid between these days from now.
    pub fn certificate(&self, key: &str, host: &str, issuer: &str, days: (i32, i32)) -> String {
        let request = json!({"op": "certificate", "name": format!("{key} for {host}"), "key": key,
            "common_name": host, "names": [host], "issuer": issuer, "days": [days.0, days.1]});
        text(&self.call(request), "pem")
    }

    /// Any request that `signer.py` handles.
    pub fn call(&self, request: Value) -> Value {
        let mut pipes = self.pipes.lock().expect("no thread panics while it holds the lock");
        let (writer, reader) = &mut *pipes;
        writeln!(writer, "{request}").expect("the signer reads");
        writer.flush().expect("the signer reads");
        let mut line = String::new();
        reader.read_line(&mut line).expect("the signer responds");
        drop(pipes);
        let response: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert!(response.get("error").is_none(), "{request}: {response}");
        response
    }

    fn header(&self, request: Value) -> String {
        text(&self.call(request), "header")
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The output of `openssl` with these arguments and this input, run in `directory`.
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

fn text(response: &Value, member: &str) -> String {
    response[member].as_str().unwrap_or_else(|| panic!("{member} in {response}")).to_owned()
}
