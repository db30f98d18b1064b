//! Pages agree with what stands: links lead somewhere, deliverables are tracked, bans give reasons.

use std::path::{Path, PathBuf};

/// What the project promises to contain.
const DELIVERABLES: &[&str] = &[
    ".ci/run",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "clippy.toml",
    "configs/alertmanager/alertmanager.yml",
    "configs/config.yaml",
    "configs/development.yaml",
    "configs/grafana/dashboards/rail-backend-overview.json",
    "configs/production.yaml",
    "configs/prometheus.production.yml",
    "configs/prometheus.yml",
    "configs/prometheus/alert_rules/app_alerts.yml",
    "configs/staging.yaml",
    "crates/market-data/sample/SOURCES.md",
    "deny.toml",
    "docs/API.md",
    "docs/ARCHITECTURE.md",
    "docs/GLOSSARY.md",
    "docs/METRICS.md",
    "docs/PROBLEMS.md",
    "docs/STYLE.md",
    "docs/api-keys.md",
    "docs/logs.md",
    "docs/market-data.md",
    "docs/runbook.md",
    "docs/secrets-rotation.md",
    "docs/upgrade.md",
    "docs/webhooks.md",
    "rust-toolchain.toml",
    "secrets/.gitignore",
    "secrets/README.md",
    "tools/bare-root",
    "tools/bench",
    "tools/dashboards",
    "tools/install-packages",
    "tools/start",
    "tests/run",
];

/// Relative link targets of a Markdown page, without their fragments.
fn links(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in page.split("](").skip(1) {
        let target = part.split([')', ' ', '#']).next().unwrap_or_default();
        if !target.is_empty()
            && !target.contains("://")
            && !target.starts_with("mailto:")
            && !target.starts_with('/')
        {
            found.push(target.to_owned());
        }
    }
    found
}

#[test]
fn every_deliverable_is_tracked() {
    let tracked = crate::tracked_files();
    let missing: Vec<&&str> =
        DELIVERABLES.iter().filter(|path| !tracked.contains(&PathBuf::from(path))).collect();
    assert_eq!(missing, Vec::<&&str>::new());
}

#[test]
fn every_relative_link_leads_to_a_file() {
    let root = tests::workspace_root();
    for page in crate::tracked_files().iter().filter(|path| path.extension().is_some_and(|kind| kind == "md"))
    {
        let folder = page.parent().unwrap_or(Path::new(""));
        for target in links(&crate::read(page)) {
            assert!(root.join(folder).join(&target).exists(), "{} links to {target}", page.display());
        }
    }
}

#[test]
fn links_are_found() {
    assert_eq!(
        links("see [a](docs/A.md#b), [c](https://c.example), [d](#e), [f](g.md \"h\")"),
        ["docs/A.md", "g.md"]
    );
}

#[test]
fn every_ban_has_a_reason() {
    for (page, begins) in [("clippy.toml", "{ path ="), ("deny.toml", "{ crate =")] {
        let text = crate::read(Path::new(page));
        let bans: Vec<&str> = text.lines().map(str::trim).filter(|line| line.starts_with(begins)).collect();
        assert!(!bans.is_empty(), "{page} bans something");
        for ban in bans {
            assert!(ban.contains("reason = \""), "{page}: {ban}");
        }
    }
}

#[test]
fn the_readme_begins_with_the_two_commands() {
    let readme = crate::read(Path::new("README.md"));
    // The first line of each block, below the line that opens it.
    let commands: Vec<&str> =
        readme.split("```sh").skip(1).filter_map(|block| block.lines().nth(1)).collect();
    assert_eq!(commands.first().copied(), Some("tools/start"));
    assert!(commands.contains(&"tests/run"), "{commands:?}");
}

#[test]
fn ci_formats_lints_and_tests_in_that_order() {
    let ci = crate::read(Path::new(".ci/run"));
    let steps = ["cargo fmt", "cargo clippy", "tests/run"]
        .map(|step| ci.find(step).unwrap_or_else(|| panic!("{step}")));
    assert!(steps.is_sorted(), "{steps:?}");
}
