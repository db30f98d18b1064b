//! `analyze` prints what the server responds, and the same as a page of text.
//!
//! The pages are snapshots: `INSTA_UPDATE=always cargo test -p tests --test ops analyze`, then review the diff.

use std::process::Command;

use serde_json::Value;
use tests::ServerOptions;

use crate::command::Workspace;

/// A file as a source exports it, from `tests/fixtures/market_data`.
fn export(name: &str) -> String {
    tests::workspace_root().join("tests/fixtures/market_data").join(name).display().to_string()
}

fn assert_page(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn the_json_is_the_response_of_the_route() {
    let workspace = Workspace::new();
    let server = ServerOptions::new().start();
    for (arguments, query) in [
        ("AAPL", "AAPL"),
        ("MSFT --timeframe 1w --days 1500", "MSFT?timeframe=1w&days=1500"),
        ("GOOG --timeframe 1M", "GOOG?timeframe=1M"),
        ("FB --days 1", "FB?days=1"),
    ] {
        let printed = workspace.run(&format!("analyze {arguments} --json"));
        let response = server.get(&format!("/api/analyze/{query}"), &[]);
        assert_eq!((printed.exit_code, response.status), (0, 200), "{printed:?}");
        assert_eq!(printed.stdout, response.body + "\n", "{arguments}");
    }
}

/// Without the time at which the file was read.
fn timeless(body: &str) -> Value {
    let mut analysis: Value = serde_json::from_str(body).unwrap();
    for member in ["timestamp", "fetched_at"] {
        assert!(analysis.as_object_mut().unwrap().remove(member).unwrap().is_string(), "{member}");
    }
    analysis
}

#[test]
fn files_are_analyzed_as_the_server_does() {
    let workspace = Workspace::new();
    let directory = workspace.path("prices");
    std::fs::create_dir(&directory).unwrap();
    std::fs::copy(export("yahoo_download.csv"), directory.join("BRK-B.csv")).unwrap();
    let server = ServerOptions::new().set("MARKET_DATA_DIR", directory.display().to_string()).start();
    let response = timeless(&server.get("/api/analyze/BRK-B", &[]).body);
    assert_eq!(response["data_source"], "csv directory");
    let of_file = workspace.run("analyze BRK-B --csv prices/BRK-B.csv --json");
    assert_eq!(timeless(&of_file.stdout), response, "{of_file:?}");
    let workspace = workspace.set("MARKET_DATA_DIR", &directory.display().to_string());
    let of_directory = workspace.run("analyze BRK-B --json");
    assert_eq!(timeless(&of_directory.stdout), response, "{of_directory:?}");
}

#[test]
fn the_page_fits_its_width_and_the_locale() {
    let page = |locale: &str, columns: &str, arguments: &str| {
        let workspace = Workspace::new().set("LC_ALL", locale).set("COLUMNS", columns);
        let result = workspace.run(&format!("analyze {arguments}"));
        assert_eq!((result.exit_code, result.stderr.as_str()), (0, ""), "{result:?}");
        let columns: usize = columns.parse().unwrap();
        let widest = result.stdout.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(columns.min(100)), "{widest:?} of {columns}:\n{}", result.stdout);
        assert!(!result.stdout.contains('\u{1b}'), "a pipe has no colours");
        result.stdout
    };
    assert_page("analyze_wide", &page("C.UTF-8", "200", "AAPL"));
    let narrow = page("C", "60", "IBM --timeframe 1w");
    assert!(narrow.is_ascii(), "{narrow}");
    assert_page("analyze_narrow", &narrow);
    page("en_US.utf8", "48", "MSFT --timeframe 1M");
}

#[test]
fn the_page_of_a_file_shows_how_it_was_read_and_what_is_missing() {
    let workspace = Workspace::new().set("LANG", "C.UTF-8").set("COLUMNS", "100");
    std::fs::copy(export("investing_uk.csv"), workspace.path("AAPL.csv")).unwrap();
    let result = workspace.run("analyze AAPL --csv AAPL.csv");
    let lines = result.stdout.lines().map(|line| line.split(", read at").next().unwrap());
    assert_page("analyze_file", &lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn text_of_a_file_cannot_control_the_terminal() {
    let workspace = Workspace::new();
    let text = std::fs::read_to_string(export("yahoo_download.csv")).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let rows: String = rows.lines().map(|row| format!("{row},x\n")).collect();
    std::fs::write(workspace.path("A.csv"), format!("{},\u{1b}[31mextra\n{rows}", header.trim_end()))
        .unwrap();
    let result = workspace.run("analyze A --csv A.csv");
    assert!(result.stdout.contains("not used:"), "{result:?}");
    assert!(!result.stdout.contains('\u{1b}'), "{result:?}");
}

#[test]
fn a_terminal_has_colours_unless_they_are_refused() {
    let colours = |name: &str, value: &str| {
        let mut command = Command::new("script");
        let program = format!("{} analyze AAPL", tests::binary("investiq").display());
        command.args(["--quiet", "--return", "--command", &program, "/dev/null"]);
        let output = command.env_clear().env("TERM", "xterm").env(name, value).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).contains("\u{1b}[32m")
    };
    assert!(colours("LANG", "C.UTF-8"));
    assert!(!colours("NO_COLOR", "1"));
    assert!(!colours("TERM", "dumb"));
}

#[test]
fn what_cannot_be_analyzed_is_said_with_a_remedy() {
    let workspace = Workspace::new();
    std::fs::copy(export("stooq_no_data.csv"), workspace.path("empty.csv")).unwrap();
    for (arguments, exit_code, expected) in [
        (
            "NONE",
            2,
            "no data for symbol NONE: the bundled sample has AAPL, FB, GOOG, IBM, MSFT; --csv FILE reads",
        ),
        ("AAPL --csv empty.csv", 2, "empty.csv cannot be used: no column for date"),
        ("AAPL --csv nowhere.csv", 2, "nowhere.csv cannot be used: reading the file failed"),
        ("AAPL --days 0", 1, "0 is not in 1..=20000"),
        ("AAPL --timeframe 1h", 1, "--timeframe"),
        ("../AAPL", 1, "<SYMBOL>"),
    ] {
        let result = workspace.run(&format!("analyze {arguments}"));
        assert_eq!((result.exit_code, result.stdout.as_str()), (exit_code, ""), "{result:?}");
        assert!(result.stderr.contains(expected), "{result:?}");
    }
}

#[test]
fn prices_that_are_wider_than_the_page_are_printed() {
    let workspace = Workspace::new();
    let rows: String = (1..=28).map(|day| format!("2024-02-{day:02},1e80,3e80,1e80,2e80,5\n")).collect();
    std::fs::write(workspace.path("wide.csv"), format!("Date,Open,High,Low,Close,Volume\n{rows}")).unwrap();
    let page = workspace.run("analyze WIDE --csv wide.csv");
    assert!(page.exit_code == 0 && page.stdout.contains("WIDE"), "{page:?}");
}
