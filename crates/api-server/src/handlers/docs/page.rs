//! The HTML of the OpenAPI document and of the list of problems.

use std::fmt::Write;

use serde_json::Value;

use super::markdown;

/// The API reference.
pub(super) fn reference(document: &Value) -> String {
    let operations = operations(document);
    let mut body = String::new();
    let title = text(&document["info"]["title"]);
    let version = text(&document["info"]["version"]);
    let description = markdown::html(text(&document["info"]["description"]));
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
    body.push_str("<h2 id=\"schemas\">Schemas</h2>");
    for (name, schema) in members(&document["components"]["schemas"]) {
        body.push_str(&schema_html(name, schema));
    }
    page(title, &body)
}

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

/// Every operation, in the order of the document's tags.
fn operations(document: &Value) -> Vec<Operation<'_>> {
    let tags: Vec<_> = document["tags"].as_array().into_iter().flatten().map(|tag| &tag["name"]).collect();
    let tag_index =
        |operation: &Operation<'_>| tags.iter().position(|tag| **tag == operation.value["tags"][0]);
    let paths = members(&document["paths"]);
    let mut operations: Vec<_> = paths
        .flat_map(|(path, methods)| {
            members(methods).map(move |(method, value)| Operation { method, path, value })
        })
        .collect();
    operations.sort_by_key(tag_index);
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
            markdown::html(text(&value["description"])),
        );
        if *method == "get" {
            let example = path.replace("{symbol}", "AAPL");
            let _infallible = write!(out, "<p>Try <a href=\"{example}\">{example}</a></p>");
        }
        out.push_str(&table("Parameters", parameter_rows(value)));
        out.push_str(&table("Body", body_rows(&value["requestBody"])));
        out.push_str(&table("Responses", members(&value["responses"]).map(response_row).collect()));
        out
    }
}

fn parameter_rows(operation: &Value) -> Vec<String> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let row = |parameter: &Value| {
        row(text(&parameter["name"]), &parameter["schema"], text(&parameter["description"]))
    };
    parameters.map(row).collect()
}

fn row(name: &str, schema: &Value, description: &str) -> String {
    let [name, description] = [name, description].map(escape);
    format!("<td><code>{name}</code></td><td>{}</td><td>{description}</td>", summary(schema))
}

fn body_rows(body: &Value) -> Vec<String> {
    let row = |(media_type, content): (&str, &Value)| {
        format!("<td><code>{}</code></td><td>{}</td>", escape(media_type), summary(&content["schema"]))
    };
    members(&body["content"]).map(row).collect()
}

fn response_row((status, response): (&str, &Value)) -> String {
    if response["$ref"].is_string() {
        return format!(
            "<td>others</td><td>A <a href=\"/docs/problems\">problem</a></td><td>{}</td>",
            summary(response)
        );
    }
    let content: Vec<_> =
        members(&response["content"]).map(|(_, content)| summary(&content["schema"])).collect();
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
            rows.push(format!("<td colspan=\"3\">all fields of {}</td>", summary(part)));
        }
        let fields = members(&part["properties"]);
        rows.extend(fields.map(|(field, value)| row(field, value, text(&value["description"]))));
    }
    let description = markdown::html(text(&schema["description"]));
    format!("<h3 id=\"{0}\">{0}</h3>{description}{1}", escape(name), table("", rows))
}

/// A schema in a few words, with links to the schemas that it refers to.
fn summary(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = escape(reference.rsplit('/').next().unwrap_or_default());
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    let alternatives = ["oneOf", "anyOf", "allOf"].iter().find_map(|key| schema[*key].as_array());
    if let Some(alternatives) = alternatives {
        return alternatives.iter().map(summary).collect::<Vec<_>>().join(" or ");
    }
    let type_name = match &schema["type"] {
        Value::Array(names) => names.iter().map(text).collect::<Vec<_>>().join(" or "),
        Value::String(name) if name == "array" => format!("list of {}", summary(&schema["items"])),
        Value::String(name) => name.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => "any".to_owned(),
    };
    let values = schema["enum"].as_array().into_iter().flatten();
    let values = values.map(|value| format!("<code>{}</code>", escape(text(value)))).collect::<Vec<_>>();
    if values.is_empty() { type_name } else { format!("{type_name}: {}", values.join(", ")) }
}

fn table(title: &str, rows: Vec<String>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let heading = if title.is_empty() { String::new() } else { format!("<h3>{title}</h3>") };
    format!("{heading}<table><tbody><tr>{}</tr></tbody></table>", rows.join("</tr><tr>"))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
