//! Executes every command of `docs/webhooks.md`, in the order of the page, with a server started as the page says.

use std::collections::BTreeSet;

use tests::{Server, workspace_root};

use crate::command::Workspace;
use crate::fixture::{HostedKeys, TOPIC, serve};
use crate::rotation_page::{Block, blocks, shell};

/// Executed blocks, blocks that start a server, and examples of formats.
const RUN: &str = "sh run";
const SERVER: &str = "sh server";
const TEXT: &str = "text";

fn page() -> String {
    std::fs::read_to_string(workspace_root().join("docs/webhooks.md")).unwrap()
}

fn of_kind<'a>(blocks: &'a [Block], kind: &str) -> Vec<&'a str> {
    blocks.iter().filter(|block| block.kind == kind).map(|block| block.text.as_str()).collect()
}

/// The settings before `api-server` in the block that starts one.
fn settings(block: &str) -> Vec<(String, String)> {
    let line = block.lines().find_map(|line| line.strip_suffix(" api-server")).unwrap();
    let pairs = line.split(' ').map(|setting| setting.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The page's server, but with free ports.
fn start(workspace: &Workspace, keys: &HostedKeys, block: &str) -> Server {
    let with_free_port = |name: &str, value: String| {
        keys.settings.iter().find(|(found, _)| found == name).map_or(value, |(_, address)| address.clone())
    };
    let documented = settings(block).into_iter().filter(|(name, _)| name != "SECRETS_DIR");
    let all: Vec<(String, String)> =
        documented.map(|(name, value)| (name.clone(), with_free_port(&name, value))).collect();
    let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    serve(workspace, &all)
}

#[test]
fn every_command_works() {
    let blocks = blocks(&page());
    let [server] = of_kind(&blocks, SERVER)[..] else { panic!("one block starts a server") };
    assert!(server.starts_with("investiq webhooks host-keys --bind "), "{server}");
    let workspace = Workspace::new();
    let run = of_kind(&blocks, RUN);
    assert!(run.len() >= 12, "{}", run.len());
    shell(&workspace, run[0], "");
    let keys = HostedKeys::start(&workspace);
    let server = start(&workspace, &keys, server);
    for block in &run[1..] {
        shell(&workspace, block, &server.url(""));
    }
    for written in ["event.json", "headers", "body.json", "checkpoint.json", "chain.jsonl"] {
        assert!(workspace.path(written).exists(), "{written}");
    }
}

#[test]
fn the_pages_server_is_configured_as_in_other_tests() {
    let blocks = blocks(&page());
    let settings = settings(of_kind(&blocks, SERVER)[0]);
    let names: Vec<&str> = settings.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["CIRCLE_BASE_URL", "SNS_BASE_URL", "CIRCLE_SNS_TOPICS", "SECRETS_DIR"]);
    assert!(settings.contains(&("CIRCLE_SNS_TOPICS".to_owned(), TOPIC.to_owned())));
}

#[test]
fn every_block_is_of_a_tested_kind() {
    let blocks = blocks(&page());
    let kinds: BTreeSet<&str> = blocks.iter().map(|block| block.kind.as_str()).collect();
    assert_eq!(kinds, BTreeSet::from([RUN, SERVER, TEXT]));
    assert!(of_kind(&blocks, TEXT).iter().all(|text| !text.contains("investiq ")));
}

#[test]
fn every_reason_for_a_rejection_is_explained() {
    let page = page();
    let table = page.split("\n| reason | ").nth(1).unwrap().split("\n\n").next().unwrap();
    for reason in webhooks::Rejection::REASONS {
        assert!(table.contains(&format!("`{reason}`")), "{reason}");
    }
}

#[test]
fn the_page_and_the_store_have_the_same_number_of_attempts() {
    assert_eq!(store::ATTEMPTS_MAX, 8);
    assert!(page().contains("`dead` after eight failed attempts"));
}

#[test]
fn the_page_has_every_command() {
    let page = page();
    for (group, help) in [("webhooks", "webhooks --help"), ("audit", "audit --help")] {
        let help = Workspace::new().run(help).stdout;
        let commands = help.split("\nCommands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
        let names = commands.lines().filter_map(|line| line.split_whitespace().next());
        for name in names.filter(|name| *name != "help") {
            assert!(page.contains(&format!("investiq {group} {name}")), "{group} {name}");
        }
    }
}
