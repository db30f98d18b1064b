//! `${NAME}` and `${NAME:-default}` in the values of a configuration file.

use secrets::Environment;

/// The text with every reference replaced.
///
/// # Errors
/// A reference is not closed, its name is invalid, or its variable is not set and there is no default.
pub(super) fn expand(text: &str, environment: &Environment) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (reference, after) = after.split_once('}').ok_or("has a `${` that is not closed")?;
        let (name, default) = match reference.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (reference, None),
        };
        if !is_name(name) {
            return Err("has a `${…}` with an invalid variable name".into());
        }
        let value = environment.get(name).or(default);
        out.push_str(before);
        out.push_str(value.ok_or_else(|| format!("needs the variable {name}, which is not set"))?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn is_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(is_inner) && !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_replaced_or_rejected_and_never_left() {
        let environment = Environment::from_iter([("HOST", "db"), ("EMPTY", "")]);
        for (text, expected) in [
            ("plain", Some("plain")),
            ("${HOST}", Some("db")),
            ("a-${HOST}-${HOST:-x}", Some("a-db-db")),
            ("${NONE:-fallback}", Some("fallback")),
            ("${EMPTY:-fallback}", Some("fallback")),
            ("${NONE:-}", Some("")),
            ("$HOST", Some("$HOST")),
            ("${NONE}", None),
            ("${EMPTY}", None),
            ("${HOST", None),
            ("${}", None),
            ("${1A}", None),
            ("${A B:-x}", None),
        ] {
            assert_eq!(expand(text, &environment).ok().as_deref(), expected, "{text}");
        }
    }
}
