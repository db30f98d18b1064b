//! `docs/logs.md` has every message of the server with its level, and every field of an event. `blackbox/log_lines.rs` compares the
//! types with the lines of a server.

use std::collections::BTreeSet;
use std::path::Path;

use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, Ident, LitStr, Token};

const PAGE: &str = "docs/logs.md";
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
/// Sources that the server does not run.
const OTHERS: [&str; 2] = ["crates/ops", "tests.rs"];

/// One call of a macro that logs.
#[derive(Debug, PartialEq)]
struct Event {
    level: &'static str,
    /// With `…` in place of values.
    message: String,
    fields: Vec<String>,
}

/// The calls in a source. They are found as text, because many are within other macros.
fn events(source: &str) -> Vec<Event> {
    let calls = LEVELS.into_iter().flat_map(|level| {
        let start = format!("tracing::{level}!(");
        let bodies: Vec<&str> = source.split(&start).skip(1).map(body).collect();
        bodies.into_iter().map(move |body| (level, body))
    });
    calls
        .map(|(level, body)| {
            let (fields, message) =
                arguments.parse_str(body).unwrap_or_else(|error| panic!("{body}: {error}"));
            Event { level, message, fields }
        })
        .collect()
}

/// The text up to the parenthesis that ends the call.
fn body(rest: &str) -> &str {
    let (mut depth, mut is_text, mut is_escaped) = (1, false, false);
    for (at, letter) in rest.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_text => is_escaped = true,
            '"' => is_text = !is_text,
            '(' | '[' | '{' if !is_text => depth += 1,
            ')' | ']' | '}' if !is_text => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return rest.split_at(at).0;
        }
    }
    panic!("a call that does not end: {rest}")
}

/// `target: TARGET, field, %field, field = value, "message {value}", …`
fn arguments(input: ParseStream<'_>) -> syn::Result<(Vec<String>, String)> {
    let mut fields = Vec::new();
    while !input.peek(LitStr) {
        if input.peek(Token![%]) {
            input.parse::<Token![%]>()?;
        } else if input.peek(Token![?]) {
            input.parse::<Token![?]>()?;
        }
        let mut name = input.call(Ident::parse_any)?.to_string();
        while input.peek(Token![.]) {
            input.parse::<Token![.]>()?;
            name = format!("{name}.{}", input.call(Ident::parse_any)?);
        }
        if input.peek(Token![:]) {
            input.parse::<Token![:]>()?;
            input.parse::<Expr>()?;
        } else {
            if input.peek(Token![=]) {
                input.parse::<Token![=]>()?;
                if input.peek(Token![%]) {
                    input.parse::<Token![%]>()?;
                } else if input.peek(Token![?]) {
                    input.parse::<Token![?]>()?;
                }
                input.parse::<Expr>()?;
            }
            fields.push(name);
        }
        input.parse::<Token![,]>()?;
    }
    let message = without_values(&input.parse::<LitStr>()?.value());
    // Values of the message.
    input.parse::<Option<Token![,]>>()?;
    input.call(syn::punctuated::Punctuated::<Expr, Token![,]>::parse_terminated)?;
    Ok((fields, message))
}

fn without_values(message: &str) -> String {
    let parts = message.split('{').enumerate().map(|(index, part)| match part.split_once('}') {
        Some((_, rest)) if index > 0 => format!("…{rest}"),
        _ => part.to_owned(),
    });
    parts.collect()
}

/// Every event of the server.
fn all_events() -> Vec<Event> {
    let files = crate::rust_files("crates").into_iter();
    let files = files.filter(|file| {
        let path = file.to_string_lossy();
        path.contains("/src/") && !OTHERS.iter().any(|other| path.starts_with(other) || path.ends_with(other))
    });
    files.flat_map(|file| events(&crate::read(&file))).collect()
}

/// The first cells of a table, and the items of a list, in a section of the page.
fn names<'p>(page: &'p str, heading: &str) -> BTreeSet<&'p str> {
    let section = page.split(&format!("{heading}\n")).nth(1).unwrap_or_else(|| panic!("{heading}"));
    let section = section.split("\n#").next().unwrap();
    let quoted = |line: &'p str| {
        let rest = line.strip_prefix("| ").or_else(|| line.strip_prefix("- "))?;
        match rest.strip_prefix("`` ") {
            Some(rest) => rest.split(" ``").next(),
            None => rest.strip_prefix('`')?.split('`').next(),
        }
    };
    section.lines().filter_map(quoted).collect()
}

#[test]
fn every_message_is_in_the_page_with_its_level() {
    let (page, events) = (crate::read(Path::new(PAGE)), all_events());
    assert!(events.len() > 100, "{}", events.len());
    for level in LEVELS {
        let logged = events.iter().filter(|event| event.level == level);
        let logged: BTreeSet<&str> = logged.map(|event| event.message.as_str()).collect();
        if !logged.is_empty() {
            assert_eq!(names(&page, &format!("### {}", level.to_uppercase())), logged, "{level} in {PAGE}");
        }
    }
}

#[test]
fn every_field_of_an_event_is_in_the_page() {
    let (page, events) = (crate::read(Path::new(PAGE)), all_events());
    let logged: BTreeSet<&str> = events.iter().flat_map(|event| &event.fields).map(String::as_str).collect();
    let standard = BTreeSet::from(["timestamp", "level", "target", "message", "request_id"]);
    let documented: BTreeSet<&str> = &names(&page, "## Events") - &standard;
    assert_eq!(documented, logged, "the fields of events in {PAGE}");
}

#[test]
fn fields_and_messages_are_found() {
    let source = r#"tokio::select! { _ = a => tracing::info!(target: AUDIT, secret = %name.x(), %other.count, ?odd, n, "it ({it}) {}", n) }"#;
    let fields = ["secret", "other.count", "odd", "n"].map(str::to_owned).to_vec();
    assert_eq!(events(source), [Event { level: "info", message: "it (…) …".to_owned(), fields }]);
}
