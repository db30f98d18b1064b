//! `docs/webhooks.md` agrees with the code. `reading` executes its commands.

use tests::workspace_root;

use crate::command::Workspace;
use crate::fixture::TOPIC;

fn page() -> String {
    std::fs::read_to_string(workspace_root().join("docs/webhooks.md")).unwrap()
}

#[test]
fn the_page_and_the_other_tests_have_the_same_topic() {
    assert!(page().contains(&format!("CIRCLE_SNS_TOPICS={TOPIC} ")));
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
