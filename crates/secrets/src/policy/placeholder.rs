//! Placeholders and published examples.

use crate::invalid::PolicyViolation;

/// Texts that mark a placeholder anywhere in a value.
const MARKS: [&str; 14] = [
    "changeme",
    "change-me",
    "change_me",
    "change this",
    "replaceme",
    "replace-me",
    "replace_me",
    "placeholder",
    "your-",
    "your_",
    "yourkey",
    "fixme",
    "insert-",
    "to-be-set",
];
/// Placeholders when they are the whole value.
const WHOLE: [&str; 18] = [
    "secret",
    "password",
    "passwd",
    "test",
    "testing",
    "dummy",
    "default",
    "example",
    "sample",
    "none",
    "null",
    "undefined",
    "todo",
    "admin",
    "root",
    "key",
    "token",
    "value",
];
/// Published by AWS, jwt.io and payment vendors in their documentation.
const EXAMPLES: [&str; 6] = [
    "akiaiosfodnn7example",
    "wjalrxutnfemi/k7mdeng/bpxrficyexamplekey",
    "asiaiosfodnn7example",
    "your-256-bit-secret",
    "a-string-secret-at-least-256-bits-long",
    "whsec_test_secret",
];
/// Texts that mark an example within a longer value, such as a URL.
const EXAMPLE_MARKS: [&str; 2] = ["example.com", "examplekey"];

pub(super) fn violation(text: &str) -> Option<PolicyViolation> {
    let text = text.to_ascii_lowercase();
    let text = zeroize::Zeroizing::new(text);
    if EXAMPLES.contains(&text.as_str()) || EXAMPLE_MARKS.iter().any(|mark| text.contains(mark)) {
        return Some(PolicyViolation::PublishedExample);
    }
    let is_bracketed = (text.starts_with('<') && text.ends_with('>'))
        || (text.starts_with("${") && text.ends_with('}'))
        || (text.starts_with("{{") && text.ends_with("}}"));
    if is_bracketed || WHOLE.contains(&text.as_str()) || MARKS.iter().any(|mark| text.contains(mark)) {
        return Some(PolicyViolation::Placeholder);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found() {
        let placeholders = [
            "changeme",
            "CHANGEME",
            "postgres://iq:changeme@db/iq",
            "<your key>",
            "${POLYGON_API_KEY}",
            "{{ key }}",
            "your-polygon-key",
            "secret",
            "Password",
            "replace_me_now",
            "todo",
            "xx-placeholder-xx",
        ];
        for text in placeholders {
            assert_eq!(violation(text), Some(PolicyViolation::Placeholder), "{text}");
        }
    }

    #[test]
    fn published_examples_are_found() {
        let examples = [
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "your-256-bit-secret",
            "postgres://iq:w8Tz@db.example.com/iq",
        ];
        for text in examples {
            assert_eq!(violation(text), Some(PolicyViolation::PublishedExample), "{text}");
        }
    }

    #[test]
    fn a_real_value_passes() {
        let real = [
            "kT9v2LqXw0cPz7Rb",
            "postgres://iq:mQ2v8sKd@db.internal:5432/iq",
            "PKTEST7Q2M9X4B1V0C8N",
            "latest-keystore-9f",
        ];
        for text in real {
            assert_eq!(violation(text), None, "{text}");
        }
    }
}
