//! Tests that compare the documentation with the code: routes, OpenAPI, problems, settings and metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::problem::Kind;

const ROUTER: &str = include_str!("router.rs");
const API_PAGE: &str = include_str!("../../../docs/API.md");
const METRICS_PAGE: &str = include_str!("../../../docs/METRICS.md");
const PROBLEMS_PAGE: &str = include_str!("../../../docs/PROBLEMS.md");

/// The calls that register each method in router.rs, of routes without a scope.
const CALLS: [(&str, &str); 2] = [("GET", "get("), ("POST", "post(")];

/// `GET /path` for every route and method in router.rs, except those of webhooks.
fn registered_routes() -> BTreeSet<String> {
    let keyed = crate::router::scopes().map(|(method, path, _)| format!("{} {path}", method.to_uppercase()));
    let mut routes: BTreeSet<String> = keyed.collect();
    for route in ROUTER.split(".route(\"").skip(1) {
        let (path, handlers) = route.split_once('"').unwrap();
        let handlers = handlers.lines().next().unwrap();
        for (method, call) in CALLS {
            if handlers.contains(call) {
                routes.insert(format!("{method} {path}"));
            }
        }
    }
    routes
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
fn the_router_the_openapi_document_and_the_page_have_the_same_routes() {
    let routes: BTreeSet<String> =
        crate::openapi::routes().into_iter().map(|(method, path)| format!("{method} {path}")).collect();
    let is_derived = |route: &&String| route.contains(webhooks::ENDPOINTS_PATH);
    let (derived, listed): (BTreeSet<_>, BTreeSet<_>) = routes.iter().partition(is_derived);
    assert_eq!(listed, registered_routes().iter().collect());
    assert!(listed.len() > 10 && derived.len() >= domain::Provider::ALL.len(), "{routes:?}");
    assert_eq!(routes, described_routes());
    assert_eq!(routes, first_cells(API_PAGE, "Routes"));
}

#[test]
fn the_page_and_the_openapi_document_name_the_scope_of_every_keyed_route() {
    let document = serde_json::to_value(crate::openapi::document()).unwrap();
    let mut keyed = BTreeSet::new();
    for (method, path, scope) in crate::router::scopes() {
        let row = format!("| `{} {path}` | ", method.to_uppercase());
        let row = API_PAGE.lines().find(|line| line.starts_with(&row)).unwrap_or_else(|| panic!("{row}"));
        let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        assert!(cell.starts_with(&format!("`{scope}`")), "{row}");
        let operation = &document["paths"][path][method];
        let required = serde_json::json!([{ "api_key": [scope.as_str()] }, { "bearer": [scope.as_str()] }]);
        let security: Vec<_> = operation["security"].as_array().unwrap().iter().rev().take(2).rev().collect();
        assert_eq!(serde_json::to_value(security).unwrap(), required, "{method} {path}");
        assert!(operation["description"].as_str().unwrap().contains(scope.as_str()), "{method} {path}");
        keyed.insert((path, method));
    }
    // Every other route says that it requires nothing.
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if !keyed.contains(&(path.as_str(), method.as_str())) {
                assert_eq!(operation["security"], serde_json::json!([{}]), "{method} {path}");
            }
        }
    }
}

#[test]
fn the_page_of_keys_has_the_scopes_with_their_roles() {
    let page = include_str!("../../../docs/api-keys.md");
    for scope in domain::Scope::ALL {
        let roles = [domain::Role::Viewer, domain::Role::Trader, domain::Role::Admin];
        let roles: Vec<String> = roles
            .into_iter()
            .filter(|role| role.scopes().contains(scope))
            .map(|role| role.to_string())
            .collect();
        let row = page.lines().find(|line| line.starts_with(&format!("| `{scope}` | "))).unwrap();
        assert!(row.ends_with(&format!(" | {} |", roles.join(", "))), "{row}");
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_and_describes_its_errors() {
    let document = serde_json::to_value(crate::openapi::document()).unwrap();
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let responses = &operation["responses"];
            assert!(responses["200"].is_object() || responses["201"].is_object(), "{method} {path}");
            assert_eq!(responses["default"]["$ref"], "#/components/responses/Problem", "{method} {path}");
            // A verb and its object, such as `listSymbols`. Some generators ignore case.
            let id = operation["operationId"].as_str().unwrap();
            let is_camel_case = id.starts_with(|first: char| first.is_ascii_lowercase())
                && id.contains(|other: char| other.is_ascii_uppercase())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
            assert!(is_camel_case && ids.insert(id.to_lowercase()), "{method} {path}: {id}");
        }
    }
    let problem = &document["components"]["responses"]["Problem"]["description"];
    assert!(Kind::ALL.iter().all(|kind| problem.as_str().unwrap().contains(kind.code())), "{problem}");
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn every_reference_of_the_openapi_document_leads_somewhere() {
    let document = serde_json::to_value(crate::openapi::document()).unwrap();
    let text = document.to_string();
    let references: BTreeSet<&str> =
        text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(references.len() > 50, "{references:?}");
    let lost: Vec<_> = references.into_iter().filter(|path| document.pointer(path).is_none()).collect();
    assert_eq!(lost, Vec::<&str>::new());
}

#[test]
fn no_schema_has_a_field_with_its_own_name() {
    let document = serde_json::to_value(crate::openapi::document()).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let fields = schemas.iter().flat_map(|(name, schema)| {
        schema["properties"].as_object().into_iter().flatten().map(move |(field, _)| (name, field))
    });
    // A generator of Python clients has one variable for the field and for the object.
    let (same, others): (Vec<_>, Vec<_>) =
        fields.partition(|(name, field)| field.replace('_', "") == name.to_lowercase());
    assert_eq!(same, []);
    assert!(others.len() > 200, "{}", others.len());
}

#[test]
fn every_kind_of_problem_is_a_heading_with_its_status_and_nothing_else_is() {
    let mut headings = BTreeSet::new();
    for section in PROBLEMS_PAGE.split("\n## ").skip(1) {
        let (heading, text) = section.split_once("\n\n").unwrap();
        headings.insert(heading.to_owned());
        let kind = Kind::ALL.into_iter().find(|kind| kind.code() == heading);
        let status = kind.unwrap_or_else(|| panic!("{heading} is not a kind")).status().as_u16();
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
fn every_setting_is_in_the_page_with_its_variable_and_its_default() {
    let settings = config::settings();
    for setting in &settings {
        let default = config::default_text(setting.path);
        let row = format!("| `{}` | `{}` | `{default}` | ", setting.variable, setting.path);
        assert!(API_PAGE.contains(&row), "docs/API.md lacks {row}");
    }
    let rows = API_PAGE.split_once("| variable | setting |").unwrap().1;
    let rows = rows.split("\n\n").next().unwrap().lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, settings.len(), "docs/API.md has a setting that does not exist");
}

/// Every metric that the server has.
async fn metrics() -> Arc<telemetry::metrics::Metrics> {
    let environment = [("SECRETS_DIR", "/nonexistent")].into_iter().collect();
    let config = config::load(&environment).unwrap();
    let credentials = config::Credentials::load(&config, &environment).await.unwrap();
    let metrics = Arc::new(crate::startup::metrics().unwrap());
    credentials.metrics.register(metrics.families(), &credentials.secrets).unwrap();
    let dependencies = crate::startup::dependency_metrics::Dependencies {
        market_data: Arc::new(market_data::MarketData::bundled()),
        response_cache: Arc::new(crate::response_cache::ResponseCache::new(config.response_cache)),
        health: Arc::new(workers::HealthRegistry::new("polygon")),
        streams: None,
        log_output: telemetry::LogOutput::start(std::io::sink()).unwrap(),
    };
    dependencies.register(metrics.families()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("a.db").display()).parse().unwrap();
    let key = audit::Key::new(&[7; 32]).unwrap();
    let store = store::Store::open(config.store(url), key, telemetry::Clock::System.now()).await.unwrap();
    let runtime = tokio::runtime::Handle::current();
    let process = crate::startup::runtime_metrics::ThisProcess {
        runtime,
        store,
        config_hash: config.hash(),
        expected_nodes: 1,
    };
    process.register(metrics.families()).unwrap();
    metrics
}

/// The rows of docs/METRICS.md: name, kind, labels, meaning.
fn metric_rows() -> BTreeMap<String, [String; 3]> {
    let rows = METRICS_PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
    let cells = rows.map(|row| row.split(" | ").map(str::to_owned).collect::<Vec<_>>());
    let described = cells.map(|cells| {
        let [name, kind, _unit, labels, meaning] = <[String; 5]>::try_from(cells).unwrap();
        (name.trim_end_matches('`').to_owned(), [kind, labels, meaning])
    });
    described.collect()
}

#[tokio::test]
async fn every_metric_is_in_the_page_with_its_kind_labels_and_meaning() {
    let metrics = metrics().await;
    let (rows, helps) = (metric_rows(), metrics.families().helps());
    assert!(helps.len() > 50, "{}", helps.len());
    let meanings = rows.iter().map(|(name, [.., meaning])| (name.clone(), meaning.clone()));
    assert_eq!(meanings.collect::<BTreeMap<_, _>>(), helps);
    for family in metrics.families().gather() {
        let [kind, labels, _] = &rows[family.name()];
        assert_eq!(kind, &format!("{:?}", family.get_field_type()).to_lowercase(), "{}", family.name());
        let pairs = family.get_metric()[0].get_label().iter().map(|pair| format!("`{}`", pair.name()));
        let exposed: BTreeSet<String> = pairs.collect();
        let described = labels.split(", ").filter(|label| !label.is_empty()).map(str::to_owned).collect();
        assert_eq!(exposed, described, "the labels of {}", family.name());
    }
}

#[test]
fn every_metric_has_its_unit_in_its_name_or_counts_things() {
    for (row, name) in
        METRICS_PAGE.lines().filter_map(|line| Some((line, line.strip_prefix("| `")?.split('`').next()?)))
    {
        let unit = row.split(" | ").nth(2).unwrap();
        let suffix = match unit {
            "s" | "s since 1970" => "_seconds",
            "bytes" => "_bytes",
            "USD" => "_usd",
            "1 is 100 %" => "_ratio",
            "smallest units of money" => "_minor",
            _ => continue,
        };
        assert!(
            name.trim_end_matches("_total").ends_with(suffix) || name.contains(&format!("{suffix}_")),
            "{row}"
        );
    }
}
