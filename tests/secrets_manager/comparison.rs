//! What a backend did, compared with what is written down of it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::backend::Outcome;

/// What each known deviation does, by its case.
pub(crate) type Known = BTreeMap<String, String>;

/// Where a backend's outcomes differ from what is written down: every difference is a sentence.
pub(crate) fn differences(outcomes: &BTreeMap<&str, Outcome>, known: &Known) -> Vec<String> {
    let mut differences = Vec::new();
    for (case, outcome) in outcomes {
        match (outcome, known.get(*case)) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => differences.push(format!("{case}: passes now; remove its deviation")),
            (Err(found), None) => differences.push(format!("{case}: {found}")),
            (Err(found), Some(written)) if found != written => {
                differences.push(format!("{case}: deviates otherwise: {found} (written: {written})"));
            }
            (Err(_), Some(_)) => {}
        }
    }
    let unknown = known.keys().filter(|case| !outcomes.contains_key(case.as_str()));
    differences.extend(unknown.map(|case| format!("{case}: there is no such case")));
    differences
}

/// Reads the part of `deviations.json` that is about one backend: its version and its deviations.
pub(crate) fn written(page: &str, backend: &str) -> (String, Known) {
    let page: Value = serde_json::from_str(page).unwrap();
    let part = &page[backend];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let deviations = part["deviations"].as_object().unwrap();
    let known = deviations.iter().map(|(case, what)| (case.clone(), text(what))).collect();
    (text(&part["version"]), known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes() -> BTreeMap<&'static str, Outcome> {
        BTreeMap::from([("kept", Ok(())), ("broken", Err("expected 400, found 200".to_owned()))])
    }

    fn known(pairs: &[(&str, &str)]) -> Known {
        pairs.iter().map(|(case, what)| ((*case).to_owned(), (*what).to_owned())).collect()
    }

    #[test]
    fn outcomes_as_written_do_not_differ() {
        let known = known(&[("broken", "expected 400, found 200")]);
        assert_eq!(differences(&outcomes(), &known), Vec::<String>::new());
    }

    #[test]
    fn a_deviation_removed_from_the_list_is_a_difference() {
        assert_eq!(differences(&outcomes(), &known(&[])), ["broken: expected 400, found 200"]);
    }

    #[test]
    fn a_deviation_that_was_mended_is_a_difference() {
        let known = known(&[("broken", "expected 400, found 200"), ("kept", "expected 400, found 200")]);
        assert_eq!(differences(&outcomes(), &known), ["kept: passes now; remove its deviation"]);
    }

    #[test]
    fn a_deviation_of_another_kind_is_a_difference() {
        let found = differences(&outcomes(), &known(&[("broken", "expected 400, found 500")]));
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("deviates otherwise"), "{found:?}");
    }

    #[test]
    fn a_deviation_of_no_case_is_a_difference() {
        let known = known(&[("broken", "expected 400, found 200"), ("renamed", "anything")]);
        assert_eq!(differences(&outcomes(), &known), ["renamed: there is no such case"]);
    }
}
