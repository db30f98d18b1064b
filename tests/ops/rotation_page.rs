//! Executes every command of `docs/secrets-rotation.md`, in the order of the page.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use tests::polygon::FakePolygon;
use tests::secrets_manager::FakeSecretsManager;
use tests::{Server, ServerOptions, workspace_root};

use crate::command::{Workspace, set_mode};

const PAGE: &str = "docs/secrets-rotation.md";
/// Executed blocks: with a server, and with AWS.
const FILES: &str = "sh run";
const AWS: &str = "sh run aws";
/// The output of setting up an empty account.
const TRANSCRIPT: &str = "text transcript";
/// Files that the page expects: values issued by vendors.
const VENDOR_VALUES: [(&str, &str); 4] = [
    ("new-polygon-key", "vendor-made-Kq70w7dHk3mZq9xT1bR"),
    ("newer-polygon-key", "vendor-made-Zp4wRk7nXt9vMq1zGc6"),
    ("alpaca-id", "PKQ7X2M9V4T8ZB3C5D1F"),
    ("alpaca-secret", "u8Hn2vTx3qWm6zLr1pKc9yBs5dJgQe7a"),
];

/// A fenced block: the words after its fence, and its text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) kind: String,
    pub(crate) text: String,
}

fn page() -> String {
    std::fs::read_to_string(workspace_root().join(PAGE)).unwrap()
}

pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let fenced = page.split("\n```").skip(1).step_by(2);
    let block = |fenced: &str| {
        let (kind, text) = fenced.split_once('\n').unwrap();
        Block { kind: kind.trim().to_owned(), text: text.to_owned() }
    };
    fenced.map(block).collect()
}

/// Runs a script with `set -euo pipefail`.
pub(crate) fn shell(workspace: &Workspace, text: &str, url: &str) {
    let directory = tests::binary("investiq").parent().unwrap().to_string_lossy().into_owned();
    let output = workspace
        .command(&[])
        .get_envs()
        .fold(&mut Command::new("bash"), |shell, (name, value)| match value {
            Some(value) => shell.env(name, value),
            None => shell,
        })
        .args(["-euo", "pipefail", "-c", text])
        .env("PATH", format!("{directory}:/usr/bin:/bin"))
        .env("INVESTIQ_URL", url)
        .current_dir(workspace.path(""))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success(),
        "the page's command:\n{text}\nfails with {:?}:\n{out}{err}",
        output.status
    );
}

/// Executes blocks of one kind. Functions of a block are defined in the next ones, as for a reader.
fn execute(workspace: &Workspace, kind: &str, mut url: impl FnMut() -> String) {
    let mut functions = String::new();
    let page = blocks(&page());
    let run: Vec<&Block> = page.iter().filter(|block| block.kind == kind).collect();
    assert!(run.len() >= 5, "{kind}: {}", run.len());
    for block in run {
        let url = if block.text.contains("$INVESTIQ_URL") { url() } else { String::new() };
        shell(workspace, &format!("{functions}{}", block.text), &url);
        let defined = block.text.lines().filter(|line| line.contains("() {"));
        functions.extend(defined.map(|line| format!("{line}\n")));
    }
}

fn write_vendor_values(workspace: &Workspace) {
    for (name, value) in VENDOR_VALUES {
        std::fs::write(workspace.path(name), value).unwrap();
        set_mode(&workspace.path(name), 0o600);
    }
}

fn serve(workspace: &Workspace, vendor: &FakePolygon) -> Server {
    ServerOptions::new()
        .set("SECRETS_DIR", workspace.path("secrets").to_string_lossy())
        .set("REQUIRE_AUTH", "true")
        .set("POLYGON_BASE_URL", vendor.base_url())
        .start()
}

#[test]
fn every_command_with_files_works() {
    let (workspace, vendor) = (Workspace::new(), FakePolygon::start());
    write_vendor_values(&workspace);
    vendor.accept_keys(&VENDOR_VALUES.map(|(_, value)| value));
    let mut server = None;
    execute(&workspace, FILES, || server.get_or_insert_with(|| serve(&workspace, &vendor)).url(""));
    assert!(server.is_some(), "some block calls the server");
    for written in ["findings.json", "report.json", "rotation.ics"] {
        assert!(workspace.path(written).exists(), "{written}");
    }
}

#[test]
fn every_command_with_aws_works() {
    let aws = FakeSecretsManager::start();
    let workspace = crate::aws::account(&aws.endpoint_url());
    write_vendor_values(&workspace);
    execute(&workspace, AWS, String::new);
}

#[test]
fn the_transcript_is_the_output() {
    let aws = FakeSecretsManager::start();
    let setup = crate::aws::account(&aws.endpoint_url()).run("secrets setup-aws");
    let page = blocks(&page());
    let transcripts: Vec<&Block> = page.iter().filter(|block| block.kind == TRANSCRIPT).collect();
    assert!(matches!(&transcripts[..], [only] if only.text == setup.stdout.trim_end()), "{}", setup.stdout);
}

#[test]
fn every_block_is_of_a_tested_kind() {
    let kinds: BTreeSet<String> = blocks(&page()).into_iter().map(|block| block.kind).collect();
    assert_eq!(kinds, BTreeSet::from([FILES, AWS, TRANSCRIPT, "yaml", "json"].map(str::to_owned)));
}

#[test]
fn every_manifest_is_valid_yaml() {
    for block in blocks(&page()).iter().filter(|block| block.kind == "yaml") {
        let tree = serde_saphyr::from_str::<serde_json::Value>(&block.text);
        assert!(tree.is_ok_and(|tree| tree.is_object()), "{}", block.text);
    }
}

#[test]
fn the_policy_is_valid_json() {
    let page = blocks(&page());
    let policies: Vec<&Block> = page.iter().filter(|block| block.kind == "json").collect();
    assert!(matches!(&policies[..], [only] if serde_json::from_str::<serde_json::Value>(&only.text).is_ok()));
}

#[test]
fn the_page_and_the_code_have_the_same_bound_of_an_emergency() {
    let catalogue = secrets::Catalogue::product();
    let bound_s = secrets::rotation::emergency_bound(catalogue.get("api_keys").unwrap()).as_secs();
    assert!(page().contains(&format!("A process that reaches AWS does so within {bound_s} seconds")));
}

#[test]
fn the_inventory_has_every_secret() {
    let page = page();
    let inventory = page.split("\n## ").find(|section| section.starts_with("Inventory")).unwrap();
    let list = Workspace::new().run("secrets list --json").json();
    for line in list["secrets"].as_array().unwrap() {
        let name = line["name"].as_str().unwrap();
        assert!(inventory.contains(&format!("`{name}`")), "{name} is not in the inventory");
    }
}

#[test]
fn blocks_are_parsed_and_failing_commands_detected() {
    let found = blocks("text\n```sh run\nfalse\n```\nmore\n```yaml\na: 1\n```\n");
    let block = |kind: &str, text: &str| Block { kind: kind.to_owned(), text: text.to_owned() };
    assert_eq!(found, [block("sh run", "false"), block("yaml", "a: 1")]);
    let failed = std::panic::catch_unwind(|| shell(&Workspace::new(), "true\nfalse | true\ntrue", ""));
    assert!(failed.is_err(), "a failure within a pipe counts");
}
