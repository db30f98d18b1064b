//! Splits, which the broker tells in two entries.

use super::*;

fn split(qty: &str, details: &str) -> String {
    activity(
        "SPLIT",
        "executed",
        &format!(
            r#""activity_subtype":"FSPLIT","qty":"{qty}","net_amount":"0","details":{{"symbol":"TSLA",{details}}}"#
        ),
    )
}

/// The samples of docs.alpaca.markets/docs/activity-sse: two entries, each with both quantities.
#[test]
fn the_two_halves_of_one_split_are_one_split() {
    for (old, new, expected) in [("0.54796447", "0.821946705", "0.273982235"), ("33", "1.65", "-31.35")] {
        let details = format!(r#""old_qty":"{old}","new_qty":"{new}","group_id":"g""#);
        let kind = FactKind::Split { entry: id("alpaca:r1"), change: expected.parse().unwrap() };
        assert_eq!(
            facts("alpaca/activity", &split(new, &details)),
            [of_holding("2026-01-02T15:04:05Z", kind)]
        );
        assert_eq!(reason("alpaca/activity", &split(&format!("-{old}"), &details)), "no_effect");
    }
}

#[test]
fn a_split_in_one_entry_is_its_change() {
    let kind = FactKind::Split { entry: id("alpaca:r1"), change: "9".parse().unwrap() };
    let whole = split("9", r#""new_symbol":"TSLA","old_qty":"3","new_qty":"12""#);
    assert_eq!(facts("alpaca/activity", &whole), [of_holding("2026-01-02T15:04:05Z", kind)]);
    assert_eq!(
        reason("alpaca/activity", &whole.replace(r#""new_symbol":"TSLA""#, r#""new_symbol":"B""#)),
        "by_hand"
    );
    assert_eq!(reason("alpaca/activity", &whole.replace("executed\"", "canceled\"")), "by_hand");
}

#[test]
fn a_split_without_its_change_is_left_for_review() {
    for (qty, details) in [
        ("12", r#""old_qty":"3""#),
        ("12", r#""new_qty":"12""#),
        ("", r#""old_qty":"3","new_qty":"12""#),
        ("5", r#""old_qty":"3","new_qty":"12""#),
        ("12", r#""old_qty":"0","new_qty":"12""#),
        ("-3", r#""old_qty":"3","new_qty":"0""#),
    ] {
        assert_eq!(reason("alpaca/activity", &split(qty, details)), "by_hand", "{qty} {details}");
    }
    // The older shape: the shares that go in one entry, those that come in another, tied by a group alone.
    for qty in ["-10", "30"] {
        let leg = nta("SPLIT", "0", r#","group_id":"g""#).replace(r#""qty":0"#, &format!(r#""qty":{qty}"#));
        assert_eq!(reason("alpaca/nta", &leg), "by_hand", "{qty}");
    }
}
