//! No command prints the value of a secret, and every command is tested.

use std::collections::BTreeSet;

use tests::secrets_manager::FakeSecretsManager;

use crate::command::{CANARY, Workspace};

/// For the environment, so that it differs from the file's.
const CANARY_ENV: &str = "c4n4ry-Jp4wRk7nXt9vMq1zGc6yLs8bHd2fKe";

/// At least one run of every command, with values in every source that it reads.
const RUNS: &[&str] = &[
    "analyze AAPL --json",
    "audit export",
    "audit checkpoint",
    "audit verify",
    "audit verify --file value --json",
    "audit verify --file value --key value",
    "completions bash",
    "man .",
    "config check production --resolve --connect",
    "config check production --resolve --json",
    "config check development --resolve --strict",
    "data check .",
    "doctor --offline --time-url http://127.0.0.1:9",
    "init --profile production --domain api.acme-invest.net",
    "keys generate",
    "ledger rebuild --dry-run",
    "ledger verify",
    "migrate --dry-run",
    "reconcile alpaca --file value",
    "reconcile bridge",
    "secrets check --profile production",
    "secrets check --profile production --json",
    "secrets check --profile development",
    "secrets explain polygon_api_key",
    "secrets explain polygon_api_key --json --profile production",
    "secrets explain audit_key",
    "secrets init --directory secrets --replace audit_key",
    "secrets init --directory secrets --json",
    "secrets list",
    "secrets list --json",
    "secrets report",
    "secrets report --json",
    "secrets report --ics",
    "secrets retire polygon_api_key --unused",
    "secrets set polygon_api_key --directory secrets --replace --from-file value",
    "secrets set polygon_api_key --directory secrets --replace --from-file value --json --dry-run",
    "secrets set audit_key --directory secrets --replace --from-file value",
    "storage accept",
    "webhooks dead-letter list",
    "webhooks dead-letter requeue --all",
    "webhooks host-keys --bind 0.0.0.0:0",
    "webhooks keygen",
    "webhooks list",
    "webhooks replay --all",
    "webhooks retention",
    "webhooks samples",
    "webhooks send --sample alpaca/trade/fill --key value --url http://127.0.0.1:9",
    "webhooks send --sample bridge/transfer.created --key value --url http://127.0.0.1:9",
    "webhooks show 1",
    "webhooks test-signature --channel alpaca/trade --file value --headers value",
    "webhooks test-signature --channel bridge --file value --headers value --json",
    "customers link c-1 alpaca:a1",
    "customers unlink c-1 alpaca:a1",
    "customers list --json",
    "bans add 192.0.2.1 --for 1h --reason test",
    "bans list --json",
    "bans remove 192.0.2.1",
    "keys create --name test --scope ledger:read --account alpaca:a1",
    "keys list --json",
    "keys show AAAAAAAA",
    "keys usage AAAAAAAA",
    "keys rotate AAAAAAAA",
    "keys revoke AAAAAAAA --reason test",
    "ledger post value",
    "ledger list",
    "ledger show 1",
    "ledger approve 1",
    "ledger reject 1 --reason x",
    "ledger reverse 1 --reason x",
    "ledger report trial-balance",
    "ledger export entries.csv",
    "ledger reviews list --json",
    "ledger reviews show 1",
    "ledger reviews resolve 1 --reason x",
];

/// The same for commands that use AWS, in an order in which each has something to do.
const AWS_RUNS: &[&str] = &[
    "secrets setup-aws --dry-run",
    "secrets setup-aws",
    "secrets setup-aws --json",
    "secrets set polygon_api_key --to aws --from-file value",
    "secrets set circle_api_key --to aws --from-file value --json",
    "secrets report --json",
    "secrets explain polygon_api_key",
    "secrets rotate alpaca_webhook_secret --dry-run",
    "secrets rotate alpaca_webhook_secret --json",
    "secrets rotate polygon_api_key --from-file value",
    "secrets status",
    "secrets status alpaca_webhook_secret --json",
    "secrets resume alpaca_webhook_secret --reported",
    "secrets retire alpaca_webhook_secret --unused",
    "secrets rollback alpaca_webhook_secret --json",
    "secrets abort polygon_api_key",
    "secrets rotate --due --json",
    "secrets emergency api_keys --reason leaked",
    "secrets emergency polygon_api_key --reason leaked --from-file value --json",
    "secrets delete polygon_api_key --json",
    "secrets restore polygon_api_key",
    "secrets audit",
    "secrets check --profile development --json",
];

#[test]
fn no_command_prints_a_value() {
    for profile in ["development", "production"] {
        let workspace = Workspace::new();
        workspace.run("secrets init");
        std::fs::write(workspace.path("value"), CANARY).unwrap();
        workspace.write_secret("polygon_api_key", CANARY, 0o444);
        // In a wrong format, so that its error could quote it.
        workspace.write_secret("bridge_webhook_secret", &format!("{CANARY}\n{CANARY}"), 0o444);
        let directory = workspace.path("secrets").to_string_lossy().into_owned();
        let workspace = workspace
            .set("SECRETS_DIR", &directory)
            .set("INVESTIQ_PROFILE", profile)
            .set("POLYGON_API_KEY", CANARY_ENV)
            .set("DATABASE_URL", &format!("postgres://u:{CANARY_ENV}@localhost/x"))
            .set("POLYGON_BASE_URL", "http://127.0.0.1:9")
            .set("RUST_LOG", "trace")
            .set("RUST_BACKTRACE", "1");
        for run in RUNS {
            let result = workspace.run(run);
            let text = format!("{}{}", result.stdout, result.stderr);
            assert!(!text.is_empty(), "{run} prints something");
            for canary in [CANARY, CANARY_ENV] {
                assert!(!text.contains(canary), "{run} prints a value:\n{text}");
            }
            let files = std::fs::read_dir(workspace.path("secrets")).unwrap().map(Result::unwrap);
            for file in files.filter(|file| file.file_name() != ".gitignore") {
                let value = std::fs::read_to_string(file.path()).unwrap();
                assert!(!text.contains(&value), "{run} prints a value:\n{text}");
            }
        }
    }
}

#[test]
fn no_command_prints_a_value_that_is_in_aws() {
    let aws = FakeSecretsManager::start();
    let workspace = crate::aws::account(&aws.endpoint_url())
        .set("AWS_SECRET_ACCESS_KEY", CANARY_ENV)
        .set("RUST_LOG", "trace");
    std::fs::write(workspace.path("value"), CANARY).unwrap();
    let names = workspace.run("secrets list --json").json();
    let names: Vec<String> = names["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["aws_id"].as_str().unwrap().to_owned())
        .collect();
    for run in AWS_RUNS {
        let result = workspace.run(run);
        let text = format!("{}{}", result.stdout, result.stderr);
        assert!(!text.is_empty(), "{run} prints something");
        assert!(!text.contains(CANARY) && !text.contains(CANARY_ENV), "{run} prints a value:\n{text}");
        let labels = ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"];
        let values = names.iter().flat_map(|name| labels.map(|label| aws.text(name, label)));
        for value in values.flatten() {
            assert!(!text.contains(&value), "{run} prints a value:\n{text}");
        }
    }
    let record = std::fs::read_to_string(workspace.path(".local/state/investiq/audit.jsonl")).unwrap();
    assert!(record.contains("polygon_api_key") && !record.contains(CANARY), "{record}");
}

#[test]
fn every_command_is_tested() {
    let help = |path: &str| Workspace::new().run(&format!("{path} --help")).stdout;
    let known: BTreeSet<String> = tests::help::commands("", &help).into_iter().collect();
    let is_tested =
        |command: &&String| RUNS.iter().chain(AWS_RUNS).any(|run| run.starts_with(command.as_str()));
    let missing: Vec<&String> = known.iter().filter(|command| !is_tested(command)).collect();
    assert!(known.contains("secrets check"), "{known:?}");
    assert_eq!(missing, Vec::<&String>::new(), "add a run of it to RUNS or AWS_RUNS");
}

#[test]
fn usage_errors_end_with_1_and_help_with_0() {
    let workspace = Workspace::new();
    for invalid in ["", "secrets", "secrets no-such", "secrets check --profile prod", "secrets list --yes"] {
        assert_eq!(workspace.run(invalid).exit_code, 1, "{invalid:?}");
    }
    for valid in ["--help", "--version", "secrets --help", "help config check"] {
        assert_eq!(workspace.run(valid).exit_code, 0, "{valid}");
    }
}
