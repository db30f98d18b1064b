//! `docs/runbook.md` has a section for each alert, and no other, with what somebody who was woken needs.

use std::collections::BTreeMap;
use std::path::Path;

const PAGE: &str = "docs/runbook.md";
const RULES: &str = "configs/prometheus/alert_rules";
/// What each section says, in this order.
const PARTS: [&str; 5] =
    ["**Meaning.** ", "**Impact.** ", "**Diagnosis.**", "**Mitigation.** ", "**Prevention.** "];

/// The sections of the page under `## Alerts`, by their headings.
fn sections(page: &str) -> BTreeMap<&str, &str> {
    let alerts = page.split("\n## ").find_map(|part| part.strip_prefix("Alerts\n")).unwrap();
    alerts.split("\n### ").skip(1).filter_map(|section| section.split_once('\n')).collect()
}

/// The alerts of rule files, with where their runbook is.
fn alerts(rules: &str) -> BTreeMap<&str, &str> {
    let alerts = rules.split("- alert: ").skip(1).map(|rule| {
        let name = rule.lines().next().unwrap().trim();
        let runbook = rule.lines().find_map(|line| line.trim().strip_prefix("runbook_url: "));
        (name, runbook.unwrap_or_else(|| panic!("{name} has no runbook_url")))
    });
    alerts.collect()
}

/// The rules of every file.
fn all_rules() -> String {
    let files: Vec<_> = crate::tracked_files().into_iter().filter(|path| path.starts_with(RULES)).collect();
    assert!(!files.is_empty(), "no file of alert rules in {RULES}");
    files.iter().map(|path| crate::read(path)).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_alert_has_a_section_and_every_section_an_alert() {
    let (page, rules) = (crate::read(Path::new(PAGE)), all_rules());
    let (sections, alerts) = (sections(&page), alerts(&rules));
    assert!(alerts.len() > 30, "{alerts:?}");
    let (headings, names) = (sections.keys().collect::<Vec<_>>(), alerts.keys().collect::<Vec<_>>());
    assert_eq!(headings, names, "{PAGE} and {RULES}");
    for (name, runbook) in alerts {
        let anchor = format!("/{PAGE}#{}", name.to_lowercase());
        assert!(runbook.trim_matches('"').ends_with(&anchor), "{name}: {runbook}");
    }
}

#[test]
fn every_section_says_what_it_means_and_what_to_do() {
    let page = crate::read(Path::new(PAGE));
    for (name, section) in sections(&page) {
        let places = PARTS.map(|part| section.find(part).unwrap_or_else(|| panic!("{name}: {part}")));
        assert!(places.is_sorted(), "{name}: {PARTS:?} in this order");
    }
}

#[test]
fn every_link_within_the_page_leads_to_a_heading() {
    let page = crate::read(Path::new(PAGE));
    let headings: Vec<String> = page
        .lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')))
        .map(|heading| heading.to_lowercase().replace(' ', "-"))
        .collect();
    let links: Vec<&str> = page.split("](#").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(links.len() > 20, "{links:?}");
    for link in links {
        assert!(headings.iter().any(|heading| heading == link), "#{link}");
    }
}

#[test]
fn a_missing_section_is_seen() {
    let page = "# R\n\n## Alerts\n\n### One\n\ntext\n\n### Two\n\ntext\n\n## Procedures\n\n### Three\n";
    assert_eq!(sections(page).into_keys().collect::<Vec<_>>(), ["One", "Two"]);
    let rules =
        "      - alert: One\n        annotations:\n          runbook_url: \"x/docs/runbook.md#one\"\n";
    assert_eq!(alerts(rules), BTreeMap::from([("One", "\"x/docs/runbook.md#one\"")]));
}
