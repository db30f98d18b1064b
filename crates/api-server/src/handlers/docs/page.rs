//! The pages: the OpenAPI document and the list of problems as a person reads them.

use std::fmt::Write;

use serde_json::Value;

use super::markdown::{self, escape};

/// The reference page of an OpenAPI document.
pub(super) fn reference(document: &Value) -> String {
    let operations = operations(document);
    let mut body = String::new();
    let title = text(&document["info"]["title"]);
    let version = text(&document["info"]["version"]);
    let description = paragraphs(text(&document["info"]["description"]));
    // Writing to a String cannot fail.
    let _infallible = write!(
        body,
        "<h1>{}</h1><p class=\"muted\">Version {} · <a href=\"/openapi.json\">openapi.json</a> · \
         <a href=\"/docs/problems\">problems</a></p>{description}<nav><ul>",
        escape(title),
        escape(version),
    );
    for operation in &operations {
        let _infallible = write!(
            body,
            "<li><a href=\"#{id}\"><span class=\"method\">{method}</span> {path}</a></li>",
            id = operation.id(),
            method = operation.method,
            path = escape(operation.path),
        );
    }
    body.push_str("</ul></nav>");
    operations.iter().for_each(|operation| body.push_str(&operation.html()));
    body.push_str("<h2 id=\"schemas\">Shapes</h2>");
    for (name, schema) in members(&document["components"]["schemas"]) {
        body.push_str(&schema_html(name, schema));
    }
    page(title, &body)
}

/// The page of problems.
pub(super) fn problems(markdown: &str) -> String {
    page("Problems", &markdown::html(markdown))
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"/docs/style.css\">\
         </head><body>{body}</body></html>",
        escape(title)
    )
}

struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    value: &'a Value,
}

/// Every operation, in the order of the document's tags: what a reader came for first.
fn operations(document: &Value) -> Vec<Operation<'_>> {
    let tags: Vec<_> = document["tags"].as_array().into_iter().flatten().map(|tag| &tag["name"]).collect();
    let place = |operation: &Operation<'_>| tags.iter().position(|tag| **tag == operation.value["tags"][0]);
    let paths = members(&document["paths"]);
    let mut operations: Vec<_> = paths
        .flat_map(|(path, methods)| {
            members(methods).map(move |(method, value)| Operation { method, path, value })
        })
        .collect();
    operations.sort_by_key(place);
    operations
}

impl Operation<'_> {
    fn id(&self) -> String {
        let path = self.path.replace(|character: char| !character.is_ascii_alphanumeric(), "-");
        format!("{}{path}", self.method)
    }

    fn html(&self) -> String {
        let Self { method, path, value } = self;
        let mut out = format!(
            "<h2 id=\"{}\"><span class=\"method\">{method}</span> <code>{}</code></h2><p>{}</p>{}",
            self.id(),
            escape(path),
            escape(text(&value["summary"])),
            paragraphs(text(&value["description"])),
        );
        if *method == "get" {
            let example = path.replace("{symbol}", "AAPL");
            let _infallible = write!(out, "<p>Try <a href=\"{example}\">{example}</a></p>");
        }
        out.push_str(&table("Parameters", parameter_rows(value)));
        out.push_str(&table("Body", body_rows(&value["requestBody"])));
        let is_error = |(status, _): &(&str, &Value)| status.starts_with(['4', '5']);
        let (errors, answers): (Vec<_>, Vec<_>) = members(&value["responses"]).partition(is_error);
        out.push_str(&table("Answers", answers.into_iter().map(response_row).collect()));
        let errors = table("", errors.into_iter().map(response_row).collect());
        if !errors.is_empty() {
            let _infallible = write!(out, "<details><summary>Problems</summary>{errors}</details>");
        }
        out
    }
}

fn parameter_rows(operation: &Value) -> Vec<String> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters
        .map(|parameter| {
            format!(
                "<td><code>{}</code></td><td>{}</td><td>{}</td>",
                escape(text(&parameter["name"])),
                shape(&parameter["schema"]),
                escape(text(&parameter["description"])),
            )
        })
        .collect()
}

fn body_rows(body: &Value) -> Vec<String> {
    let content = members(&body["content"]);
    content
        .map(|(media_type, content)| {
            format!("<td><code>{}</code></td><td>{}</td>", escape(media_type), shape(&content["schema"]))
        })
        .collect()
}

fn response_row((status, response): (&str, &Value)) -> String {
    let content: Vec<_> =
        members(&response["content"]).map(|(_, content)| shape(&content["schema"])).collect();
    format!(
        "<td><code>{status}</code></td><td>{}</td><td>{}</td>",
        escape(text(&response["description"])),
        content.join(", ")
    )
}

fn schema_html(name: &str, schema: &Value) -> String {
    let parts = schema["allOf"].as_array().map_or_else(|| vec![schema], |parts| parts.iter().collect());
    let mut rows = Vec::new();
    for part in parts {
        if part["$ref"].is_string() {
            rows.push(format!("<td colspan=\"3\">everything of {}</td>", shape(part)));
        }
        for (field, value) in members(&part["properties"]) {
            rows.push(format!(
                "<td><code>{}</code></td><td>{}</td><td>{}</td>",
                escape(field),
                shape(value),
                escape(text(&value["description"])),
            ));
        }
    }
    let description = paragraphs(text(&schema["description"]));
    format!("<h3 id=\"{0}\">{0}</h3>{description}{1}", escape(name), table("", rows))
}

/// A schema in a few words, with links to the shapes that it names.
fn shape(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = escape(reference.rsplit('/').next().unwrap_or_default());
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    let alternatives = ["oneOf", "anyOf", "allOf"].iter().find_map(|key| schema[*key].as_array());
    if let Some(alternatives) = alternatives {
        return alternatives.iter().map(shape).collect::<Vec<_>>().join(" or ");
    }
    let named = match &schema["type"] {
        Value::Array(names) => names.iter().map(text).collect::<Vec<_>>().join(" or "),
        Value::String(name) if name == "array" => format!("list of {}", shape(&schema["items"])),
        Value::String(name) => name.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => "any".to_owned(),
    };
    let values = schema["enum"].as_array().into_iter().flatten();
    let values = values.map(|value| format!("<code>{}</code>", escape(text(value)))).collect::<Vec<_>>();
    if values.is_empty() { named } else { format!("{named}: {}", values.join(", ")) }
}

fn table(title: &str, rows: Vec<String>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let heading = if title.is_empty() { String::new() } else { format!("<h3>{title}</h3>") };
    format!("{heading}<table><tbody><tr>{}</tr></tbody></table>", rows.join("</tr><tr>"))
}

fn paragraphs(text: &str) -> String {
    let paragraphs = text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty());
    paragraphs.map(|paragraph| format!("<p>{}</p>", escape(paragraph))).collect()
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
