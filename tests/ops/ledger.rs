//! `ledger verify` and `ledger rebuild` on the books of a server.

use crate::fixture::Fixture;

/// Drops the triggers that keep the rows of the journal from being changed, as somebody who may write to the database can.
const UNTRIGGER: &str = "DROP TRIGGER ledger_entries_no_update";

fn report(fixture: &Fixture) -> String {
    let shown = fixture.workspace.run("ledger verify --json");
    assert!(shown.exit_code == 0 || shown.exit_code == 3, "{shown:?}");
    shown.stdout
}

#[test]
fn changed_books_are_named_and_restored() {
    let mut fixture = Fixture::start();
    for sample in ["alpaca/nta/deposit", "alpaca/trade/new", "bridge/transfer.created"] {
        assert_eq!(fixture.outcome(&format!("--sample {sample}")).1, "stored");
    }
    fixture.wait_until_applied();
    // While the server runs.
    let whole = fixture.workspace.run("ledger verify --json");
    assert_eq!((whole.exit_code, &whole.json()["whole"]), (0, &true.into()), "{whole:?}");
    assert!(whole.json()["transactions"].as_u64().unwrap() >= 1, "{whole:?}");
    assert_eq!(fixture.workspace.run("ledger rebuild").exit_code, 0);
    fixture.stop();
    // A thousand times as much money, in the journal and in the balances: the audit chain itself is intact.
    fixture.sql(&format!("{UNTRIGGER}; UPDATE ledger_entries SET minor = minor * 1000"));
    fixture.sql("UPDATE ledger_balances SET balance = balance * 1000, flow = flow * 1000");
    assert_eq!(fixture.workspace.run("audit verify").exit_code, 0);
    let damaged = fixture.workspace.run("ledger verify --json");
    assert_eq!((damaged.exit_code, &damaged.json()["whole"]), (3, &false.into()), "{damaged:?}");
    let tables: Vec<String> = damaged.json()["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["table"].as_str().unwrap().to_owned())
        .collect();
    assert!(tables.contains(&"ledger_transactions".to_owned()), "{damaged:?}");
    let would = fixture.workspace.run("ledger rebuild --dry-run");
    assert_eq!(would.exit_code, 3, "{would:?}");
    assert!(would.stdout.contains("would be excluded"), "{would:?}");
    assert_eq!(report(&fixture), damaged.stdout, "a dry run changes nothing");
    let rebuilt = fixture.workspace.run("ledger rebuild");
    assert_eq!(rebuilt.exit_code, 0, "{rebuilt:?}");
    assert!(rebuilt.stdout.ends_with("The books are whole.\n"), "{rebuilt:?}");
    assert_eq!(fixture.workspace.run("ledger verify").exit_code, 0);
    assert_eq!(fixture.workspace.run("audit verify").exit_code, 0);
    let exported = fixture.workspace.run("audit export");
    assert!(exported.stdout.contains(r#""action":"ledger.rebuild""#), "{exported:?}");
}

/// Reads the exports with Python's `csv` and `json`, which share no code with the product: their rows are the same, and each
/// currency sums to zero.
const READ: &str = "
import csv, json, sys, collections, decimal
rows = list(csv.DictReader(open(sys.argv[1], newline='')))
assert rows == [json.loads(line) for line in open(sys.argv[2])], 'the two exports differ'
sums = collections.Counter()
for row in rows:
    sums[row['currency']] += decimal.Decimal(row['amount'])
assert rows and not any(sums.values()), sums
print(len(rows))
";

#[test]
fn reports_are_printed_and_exports_are_read_by_python() {
    let fixture = Fixture::start();
    for sample in ["alpaca/nta/deposit", "alpaca/trade/partial_fill", "bridge/transfer.created"] {
        assert_eq!(fixture.outcome(&format!("--sample {sample}")).1, "stored");
    }
    fixture.wait_until_applied();
    let run = |arguments: &str| fixture.workspace.run(arguments);
    let trial = run("ledger report trial-balance");
    assert!(trial.stdout.starts_with("ACCOUNT "), "{trial:?}");
    let totals: Vec<&str> = trial.stdout.lines().filter(|line| line.starts_with("total ")).collect();
    assert!(!totals.is_empty() && totals.iter().all(|line| line.ends_with(" 0.00")), "{trial:?}");
    let lots = run("ledger report lots --format json").json();
    assert_eq!((&lots["schema"], &lots["report"]), (&"investiq.ledger.report.v1".into(), &"lots".into()));
    let holdings = run("ledger report holdings --format csv");
    let lot = &lots["rows"][0];
    let [account, symbol, quantity] =
        ["account", "symbol", "quantity"].map(|name| lot[name].as_str().unwrap());
    assert!(holdings.stdout.contains(&format!("\r\n{account},{symbol},{quantity},")), "{holdings:?}");
    assert_eq!(
        run("ledger report holdings --known-at 2020-01-01T00:00:00Z --format csv").stdout.lines().count(),
        1
    );
    let refused = run("ledger report statement");
    assert_eq!(refused.exit_code, 1, "{refused:?}");
    assert!(refused.stderr.contains("account: a statement needs"), "{refused:?}");

    let exported = run("ledger export entries.csv");
    assert_eq!(exported.exit_code, 0, "{exported:?}");
    // A directory takes the name `entries`; what an interrupted export left is replaced.
    std::fs::write(fixture.workspace.path(".entries.jsonl.partial"), "{").unwrap();
    assert_eq!(run("ledger export . --format jsonl").exit_code, 0);
    let read = fixture.workspace.program("python3".as_ref(), &["-c", READ, "entries.csv", "entries.jsonl"]);
    let read = crate::command::CommandResult::from_output({ read }.output().unwrap());
    assert_eq!(read.exit_code, 0, "{read:?}");
    assert!(exported.stderr.contains(&format!("exported {} entries", read.stdout.trim())), "{exported:?}");
    let again = run("ledger export entries.csv");
    assert!(again.exit_code == 2 && again.stderr.contains("exists; name a new file"), "{again:?}");
    assert!(!fixture.workspace.path(".entries.jsonl.partial").exists());
}
