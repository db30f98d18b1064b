//! docs/GLOSSARY.md names every table, and what it says of types, tables, routes and metrics exists.

use std::collections::BTreeSet;
use std::path::Path;

/// The cells of a Markdown table below `heading`, without its head.
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let section = page.split(heading).nth(1).unwrap_or_else(|| panic!("the page has no {heading}"));
    let lines =
        section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    lines.skip(2).map(cells).collect()
}

/// What stands between back quotes.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The tables of the initial schemas, by database.
fn tables(database: &str) -> BTreeSet<String> {
    let folder = Path::new("crates/store/migrations").join(database);
    let files = std::fs::read_dir(tests::workspace_root().join(&folder)).unwrap();
    let schema: String = files.map(|file| crate::read(&folder.join(file.unwrap().file_name()))).collect();
    let names = schema.split("CREATE TABLE ").skip(1);
    names.map(|rest| rest.split([' ', '(']).next().unwrap().to_owned()).collect()
}

fn is_defined(path: &str) -> bool {
    let Some((crate_name, name)) = path.split_once("::") else { return false };
    let name = name.rsplit("::").next().unwrap();
    let folder = format!("crates/{}/src", crate_name.replace('_', "-"));
    let sources = crate::rust_files(&folder).into_iter().map(|file| crate::read(&file));
    let is_word = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
    let definitions = ["struct ", "enum ", "trait ", "type "].map(|kind| format!("pub {kind}{name}"));
    sources.into_iter().any(|source| {
        definitions.iter().any(|definition| source.split(definition.as_str()).skip(1).any(is_word))
    })
}

/// What a row of *type, table, route, metric* claims that is not so.
fn untrue(row: &[String], tables: &BTreeSet<String>, routes: &str, metrics: &str) -> Vec<String> {
    let [_, types, in_tables, in_routes, in_metrics] = row else {
        return vec![format!("five cells in {row:?}")];
    };
    let types = quoted(types).into_iter().filter(|path| !is_defined(path));
    let in_tables = quoted(in_tables).into_iter().filter(|table| !tables.contains(*table));
    let in_routes = quoted(in_routes).into_iter().filter(|route| !routes.contains(*route));
    let in_metrics =
        quoted(in_metrics).into_iter().filter(|metric| !metrics.contains(&format!("`{metric}`")));
    types.chain(in_tables).chain(in_routes).chain(in_metrics).map(str::to_owned).collect()
}

#[test]
fn each_step_from_delivery_to_posting_has_the_type_table_route_and_metric_that_the_glossary_says() {
    let (page, tables) = (crate::read(Path::new("docs/GLOSSARY.md")), tables("sqlite"));
    let (routes, metrics) =
        (crate::read(Path::new("docs/API.md")), crate::read(Path::new("docs/METRICS.md")));
    let rows = rows(&page, "## From delivery to posting");
    let words: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('*')).collect();
    assert_eq!(words, ["delivery", "event", "job", "fact", "posting"]);
    for row in rows {
        assert_eq!(untrue(&row, &tables, &routes, &metrics), Vec::<String>::new(), "{row:?}");
    }
}

#[test]
fn every_table_is_in_the_glossary_and_both_databases_have_the_same() {
    let (page, tables) = (crate::read(Path::new("docs/GLOSSARY.md")), (tables("sqlite"), tables("postgres")));
    assert_eq!(tables.0, tables.1);
    let missing: Vec<&String> =
        tables.0.iter().filter(|table| !page.contains(&format!("`{table}`"))).collect();
    assert_eq!(missing, Vec::<&String>::new());
}

#[test]
fn no_word_stands_twice_in_the_glossary() {
    let rows = rows(&crate::read(Path::new("docs/GLOSSARY.md")), "## Words");
    let words: BTreeSet<&String> = rows.iter().map(|row| &row[0]).collect();
    assert_eq!(words.len(), rows.len());
    assert!(words.len() > 20, "{}", words.len());
}

#[test]
fn an_untrue_cell_is_seen() {
    let row = ["event", "`store::Nothing`", "`no_table`", "`GET /nowhere`", "`investiq_nothing`"]
        .map(str::to_owned);
    assert_eq!(untrue(&row, &BTreeSet::new(), "", "").len(), 4);
    assert!(is_defined("webhooks::Delivery") && !is_defined("webhooks::Deliver"));
    assert_eq!(rows("## A\n\n| a | b |\n| - | - |\n| 1 | `2` |\n\nafter", "## A"), [["1", "`2`"]]);
}
