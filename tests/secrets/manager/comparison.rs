//! Compares a backend's results with its documented deviations.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::manager::backend::Outcome;

/// The failure of each deviating case.
pub(crate) type Deviations = BTreeMap<String, String>;

/// One sentence for each result that is not as documented.
pub(crate) fn differences(outcomes: &BTreeMap<&str, Outcome>, known: &Deviations) -> Vec<String> {
    let mut differences = Vec::new();
    for (case, outcome) in outcomes {
        match (outcome, known.get(*case)) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => differences.push(format!("{case}: passes now; remove its deviation")),
            (Err(found), None) => differences.push(format!("{case}: {found}")),
            (Err(found), Some(documented)) if found != documented => {
                differences.push(format!("{case}: deviates otherwise: {found} (documented: {documented})"));
            }
            (Err(_), Some(_)) => {}
        }
    }
    let unknown = known.keys().filter(|case| !outcomes.contains_key(case.as_str()));
    differences.extend(unknown.map(|case| format!("{case}: there is no such case")));
    differences
}

/// The version and the deviations of one backend in `deviations.json`.
pub(crate) fn documented(page: &str, backend: &str) -> (String, Deviations) {
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
        BTreeMap::from([("passing", Ok(())), ("broken", Err("expected 400, found 200".to_owned()))])
    }

    fn known(pairs: &[(&str, &str)]) -> Deviations {
        pairs.iter().map(|(case, what)| ((*case).to_owned(), (*what).to_owned())).collect()
    }

    #[test]
    fn outcomes_as_documented_do_not_differ() {
        let known = known(&[("broken", "expected 400, found 200")]);
        assert_eq!(differences(&outcomes(), &known), Vec::<String>::new());
    }

    #[test]
    fn a_deviation_removed_from_the_list_is_a_difference() {
        assert_eq!(differences(&outcomes(), &known(&[])), ["broken: expected 400, found 200"]);
    }

    #[test]
    fn a_deviation_that_was_fixed_is_a_difference() {
        let known = known(&[("broken", "expected 400, found 200"), ("passing", "expected 400, found 200")]);
        assert_eq!(differences(&outcomes(), &known), ["passing: passes now; remove its deviation"]);
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
