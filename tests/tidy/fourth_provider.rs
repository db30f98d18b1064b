//! A provider is declared once: a patch adds one in a folder of its own and at most five lines elsewhere, and a server built from
//! the patched copy of the workspace verifies, stores, posts, shows and counts its deliveries.
//!
//! The copy is at a fixed place below `target/` and shares its build directory, so that dependencies are not built again. Its
//! version differs: cargo would otherwise take a crate of the copy for the one of the workspace.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use tests::providers::{ADMIN_KEY, SignedRequest, now};
use tests::{Server, ServerOptions, workspace_root};

const PATCH: &str = "tests/fixtures/fourth_provider.patch";
/// The new provider's module, fixtures and pages.
const OWN: [&str; 4] =
    ["crates/webhooks/src/column.rs", "crates/webhooks/src/column/", "tests/fixtures/", "docs/"];
const LINES_ELSEWHERE_MAX: usize = 5;
const SECRET: &str = "Vb9Nn2Ll5Kk7Jp4wRk7nXt9vMq1zGc6y";

/// The lines that a patch adds or changes in each file.
fn changed_lines(patch: &str) -> Vec<(&str, usize)> {
    let files = patch.split("\n+++ b/").skip(1).map(|file| file.split_once('\n').unwrap());
    let count = |text: &str, sign: char| text.lines().filter(|line| line.starts_with(sign)).count();
    files
        .map(|(path, text)| {
            let text = text.split("\ndiff --git ").next().unwrap();
            (path, count(text, '+').max(count(text, '-')))
        })
        .collect()
}

fn lines_elsewhere(patch: &str) -> usize {
    let elsewhere =
        changed_lines(patch).into_iter().filter(|(path, _)| !OWN.iter().any(|own| path.starts_with(own)));
    elsewhere.map(|(_, lines)| lines).sum()
}

/// Every file but ignored ones.
fn workspace_files() -> BTreeSet<PathBuf> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(workspace_root())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split('\0').map(PathBuf::from).filter(|path| workspace_root().join(path).is_file()).collect()
}

/// Makes `to` a copy of the workspace with the patch. Files that are the same keep their times, so that cargo does not build
/// them again.
fn copy_patched(to: &Path) {
    let staging = tempfile::tempdir().unwrap();
    let mut paths = workspace_files();
    for path in &paths {
        let (from, to) = (workspace_root().join(path), staging.path().join(path));
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(&from, &to).unwrap();
    }
    let patch = workspace_root().join(PATCH);
    let output = Command::new("git").arg("apply").arg(&patch).current_dir(staging.path()).output().unwrap();
    assert!(output.status.success(), "git apply {PATCH}: {}", String::from_utf8_lossy(&output.stderr));
    let manifest = staging.path().join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let (before, rest) = text.split_once("\nversion = \"").unwrap();
    let (version, after) = rest.split_once('"').unwrap();
    std::fs::write(manifest, format!("{before}\nversion = \"{version}-fourth\"{after}")).unwrap();
    let patch = std::fs::read_to_string(patch).unwrap();
    paths.extend(changed_lines(&patch).into_iter().map(|(path, _)| PathBuf::from(path)));
    for path in files_below(to).difference(&paths) {
        std::fs::remove_file(to.join(path)).unwrap();
    }
    for path in &paths {
        let (content, to) = (std::fs::read(staging.path().join(path)).unwrap(), to.join(path));
        if std::fs::read(&to).ok().as_ref() != Some(&content) {
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::write(&to, content).unwrap();
        }
    }
}

fn files_below(directory: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(next) = directories.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => directories.push(entry.path()),
                false => drop(found.insert(entry.path().strip_prefix(directory).unwrap().to_owned())),
            }
        }
    }
    found
}

/// Builds the server of the copy, and returns its path.
fn build(copy: &Path) -> PathBuf {
    let (target, out) =
        (workspace_root().join("target"), workspace_root().join("target/fourth-provider/out"));
    let output = Command::new(env!("CARGO"))
        // With a test, so that dependencies have the features that they have in tests, and are not compiled again.
        .args(["build", "--quiet", "--offline", "--workspace", "--bin", "api-server", "--test", "chain"])
        .current_dir(copy)
        .env("CARGO_BUILD_BUILD_DIR", target)
        .env("CARGO_TARGET_DIR", &out)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out.join("debug/api-server")
}

/// A delivery of Column, signed now.
fn signed(body: &[u8], secret: &str) -> SignedRequest {
    let t = now().as_second();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{t}.").as_bytes());
    mac.update(body);
    let v1 = hex::encode(mac.finalize().into_bytes());
    let headers =
        [("content-type", "application/json".to_owned()), ("x-column-signature", format!("t={t},v1={v1}"))];
    SignedRequest {
        path: "/api/v1/webhooks/column".to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        body: body.to_vec(),
    }
}

fn start(program: &Path) -> Server {
    let options = ServerOptions::new().program(program).set("SECRETS_DIR", "/nowhere");
    options.set("API_KEYS", format!("{ADMIN_KEY}:admin")).set("COLUMN_WEBHOOK_SECRET", SECRET).start()
}

#[test]
fn a_fourth_provider_is_its_own_folder_and_at_most_five_lines() {
    let copy = workspace_root().join("target/fourth-provider/tree");
    let patch = crate::read(Path::new(PATCH));
    assert!(lines_elsewhere(&patch) <= LINES_ELSEWHERE_MAX, "{:?}", changed_lines(&patch));
    copy_patched(&copy);
    let server = start(&build(&copy));

    let sample = "crates/webhooks/src/column/samples/incoming_transfer.completed.json";
    let body = std::fs::read(copy.join(sample)).unwrap();
    let forged = server.deliver(&signed(&body, "another secret of some length"));
    assert_eq!((forged.status, &forged.json()["reason"]), (401, &"signature".into()), "rejected");
    let response = server.deliver(&signed(&body, SECRET));
    assert_eq!((response.status, &response.json()["status"]), (200, &"stored".into()), "verified and stored");
    let copy_of_it = server.deliver(&signed(&body, SECRET));
    assert_eq!(copy_of_it.json()["status"], "duplicate");

    let processed = r#"webhook_jobs_total{outcome="processed",provider="column"}"#;
    server.wait_until("the delivery is applied", |server| server.metric(processed) == Some(1.0));
    let events = server.admin_json("/api/admin/webhooks?provider=column");
    let event = &events["events"][0];
    assert_eq!((&event["channel"], &event["state"]), (&"column".into(), &"done".into()), "shown: {events}");
    let portfolio = server.admin_json("/api/portfolio/column:acct_1");
    assert!(portfolio.to_string().contains("123.45"), "posted: {portfolio}");
    let entries = server.admin_json("/api/ledger/entries?account=column:acct_1");
    assert!(!entries["entries"].as_array().unwrap().is_empty(), "posted: {entries}");
    let counted = |outcome| {
        server.metric(&format!(r#"webhook_deliveries_total{{outcome="{outcome}",provider="column"}}"#))
    };
    assert_eq!(
        ["verified", "stored", "duplicate"].map(counted),
        [Some(2.0), Some(1.0), Some(1.0)],
        "counted"
    );
    let rejected = r#"webhook_rejected_total{provider="column",reason="signature"}"#;
    assert_eq!(server.metric(rejected), Some(1.0), "counted");
}

#[test]
fn a_patch_with_more_lines_elsewhere_is_noticed() {
    let patch = crate::read(Path::new(PATCH));
    let more = format!(
        "{patch}diff --git a/x b/x\n--- a/x\n+++ b/crates/store/src/x.rs\n@@ -1 +1,9 @@\n{}",
        "+x\n".repeat(9)
    );
    assert!(lines_elsewhere(&more) > LINES_ELSEWHERE_MAX);
}
