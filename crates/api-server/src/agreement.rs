//! Tests that hold pages and code together: routes, OpenAPI, problems and settings.

use std::collections::BTreeSet;

use crate::config;
use crate::problem::Kind;

const ROUTER: &str = include_str!("router.rs");
const API_PAGE: &str = include_str!("../../../docs/API.md");
const PROBLEMS_PAGE: &str = include_str!("../../../docs/PROBLEMS.md");

/// What the router's page calls for each method.
const CALLS: [(&str, &str); 5] = [
    ("GET", "get("),
    ("POST", "post("),
    ("POST", "post_and_head("),
    ("HEAD", "post_and_head("),
    ("DELETE", "delete("),
];

/// `GET /path` for every route and method of the router's page.
fn routes() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for route in ROUTER.split(".route(\"").skip(1) {
        let (path, handlers) = route.split_once('"').unwrap();
        let handlers = handlers.lines().next().unwrap();
        for (method, call) in CALLS {
            if handlers.contains(call) {
                found.insert(format!("{method} {path}"));
            }
        }
    }
    found
}

fn described_routes() -> BTreeSet<String> {
    let document = serde_json::to_value(crate::openapi::document()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, methods)| {
        methods.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    operations.collect()
}

/// The first cell of each row of the table under `heading`, without its backticks.
fn first_cells(page: &str, heading: &str) -> BTreeSet<String> {
    let section = page.split_once(&format!("## {heading}\n")).unwrap().1;
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap().to_owned()).collect()
}

#[test]
fn the_router_the_openapi_document_and_the_page_name_the_same_routes() {
    let routes = routes();
    assert!(routes.len() > 10, "{routes:?}");
    assert_eq!(routes, described_routes());
    assert_eq!(routes, first_cells(API_PAGE, "Routes"));
    let counted = crate::router::ROUTES.map(|(method, path)| format!("{method} {path}"));
    assert_eq!(routes, BTreeSet::from(counted));
}

#[test]
fn every_operation_describes_its_refusals() {
    let document = serde_json::to_value(crate::openapi::document()).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let has = |status: &str| operation["responses"][status].is_object();
            assert!(has("200"), "{method} {path}");
            let is_api = path.starts_with("/api/");
            let refusals = ["400", "401", "403", "404", "405", "413", "415", "422", "429", "500", "503"];
            assert!(!is_api || refusals.into_iter().all(has), "{method} {path}");
        }
    }
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn every_kind_of_problem_is_a_heading_with_its_status_and_nothing_else_is() {
    let mut headings = BTreeSet::new();
    for section in PROBLEMS_PAGE.split("\n## ").skip(1) {
        let (heading, text) = section.split_once("\n\n").unwrap();
        headings.insert(heading.to_owned());
        let kind = Kind::ALL.into_iter().find(|kind| kind.code() == heading);
        let status = kind.unwrap_or_else(|| panic!("{heading} is no kind")).status().as_u16();
        assert!(text.starts_with(&format!("**Status {status}.** ")), "{heading} is {status}");
        assert!(text.contains("**What to do:** "), "{heading}");
        let iana = kind.and_then(|kind| {
            kind.type_uri().strip_prefix("https://iana.org/assignments/http-problem-types#")
        });
        assert!(iana.is_none_or(|name| text.contains(&format!("`{name}`"))), "{heading}");
    }
    let kinds: BTreeSet<_> = Kind::ALL.into_iter().map(|kind| kind.code().to_owned()).collect();
    assert_eq!(headings, kinds);
}

#[test]
fn every_setting_stands_in_the_page_with_its_variable_and_its_default() {
    let settings = config::settings();
    for setting in &settings {
        let default = config::default_text(setting.path);
        let row = format!("| `{}` | `{}` | `{default}` | ", setting.variable, setting.path);
        assert!(API_PAGE.contains(&row), "docs/API.md lacks {row}");
    }
    let rows = API_PAGE.split_once("| variable | setting |").unwrap().1;
    let rows = rows.split("\n\n").next().unwrap().lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, settings.len(), "docs/API.md names a setting that is not there");
}
