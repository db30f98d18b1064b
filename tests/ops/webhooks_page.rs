//! Every command of `docs/webhooks.md` is executed as it stands there, in the order of the page, beside a server that is
//! started as the page says.

use std::collections::BTreeSet;

use tests::{Server, workspace_root};

use crate::command::Place;
use crate::page::{Block, blocks, shell};
use crate::trial::{HostedKeys, TOPIC, serve};

/// The blocks that are executed, those that say how a server is started, and those that show a form.
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

/// The page's server, but on a free port and asking free ports.
fn start(place: &Place, keys: &HostedKeys, block: &str) -> Server {
    let asked = |name: &str, said: String| {
        keys.settings.iter().find(|(found, _)| found == name).map_or(said, |(_, address)| address.clone())
    };
    let said = settings(block).into_iter().filter(|(name, _)| name != "SECRETS_DIR");
    let all: Vec<(String, String)> = said.map(|(name, value)| (name.clone(), asked(&name, value))).collect();
    let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    serve(place, &all)
}

#[test]
fn every_command_works_as_the_page_says() {
    let blocks = blocks(&page());
    let [server] = of_kind(&blocks, SERVER)[..] else { panic!("one block starts a server") };
    assert!(server.starts_with("investiq webhooks host-keys --bind "), "{server}");
    let place = Place::new().set("SECRETS_DIR", "secrets");
    let run = of_kind(&blocks, RUN);
    assert!(run.len() >= 12, "{}", run.len());
    shell(&place, run[0], "");
    let keys = HostedKeys::start(&place);
    let server = start(&place, &keys, server);
    for block in &run[1..] {
        shell(&place, block, &server.url(""));
    }
    for written in ["event.json", "headers", "body.json", "head-of-today.json", "chain.jsonl"] {
        assert!(place.path(written).exists(), "{written}");
    }
}

#[test]
fn the_server_of_the_page_is_the_one_of_the_other_tests() {
    let blocks = blocks(&page());
    let settings = settings(of_kind(&blocks, SERVER)[0]);
    let names: Vec<&str> = settings.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["CIRCLE_BASE_URL", "SNS_BASE_URL", "CIRCLE_SNS_TOPICS", "SECRETS_DIR"]);
    assert!(settings.contains(&("CIRCLE_SNS_TOPICS".to_owned(), TOPIC.to_owned())));
}

#[test]
fn no_command_of_the_page_is_left_out() {
    let blocks = blocks(&page());
    let kinds: BTreeSet<&str> = blocks.iter().map(|block| block.kind.as_str()).collect();
    assert_eq!(kinds, BTreeSet::from([RUN, SERVER, TEXT]));
    assert!(of_kind(&blocks, TEXT).iter().all(|text| !text.contains("investiq ")));
}

#[test]
fn every_reason_for_a_refusal_is_explained() {
    let page = page();
    let table = page.split("\n| reason | ").nth(1).unwrap().split("\n\n").next().unwrap();
    for reason in webhooks::Rejection::REASONS {
        assert!(table.contains(&format!("`{reason}`")), "{reason}");
    }
}

#[test]
fn the_page_counts_tries_as_the_store_does() {
    assert_eq!(store::ATTEMPTS_MAX, 8);
    assert!(page().contains("given up after eight tries"));
}

#[test]
fn the_page_names_every_command() {
    let page = page();
    for (group, help) in [("webhooks", "webhooks --help"), ("audit", "audit --help")] {
        let help = Place::new().run(help).out;
        let commands = help.split("\nCommands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
        let names = commands.lines().filter_map(|line| line.split_whitespace().next());
        for name in names.filter(|name| *name != "help") {
            assert!(page.contains(&format!("investiq {group} {name}")), "{group} {name}");
        }
    }
}
