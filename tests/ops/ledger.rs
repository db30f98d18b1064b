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
