use super::*;
use crate::api_keys::{KeyMode, generate};

const ONE: &str = "k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1";
const TWO: &str = "Zq8Wm3Xc6Vb9Nn2Ll5Kk7Jj1Hh4Gg0Ff";

#[test]
fn keys_have_the_role_after_the_colon_or_else_the_lowest() {
    let ours = generate(KeyMode::Paper).unwrap();
    let set = KeySet::check(&format!("{ONE} , {TWO}:admin,{}:trader\n", ours.expose())).unwrap();
    let role = |text: &str| set.find(text.as_bytes()).map(|key| key.role);
    assert_eq!(role(ONE), Some(Role::Viewer));
    assert_eq!(role(TWO), Some(Role::Admin));
    assert_eq!(role(ours.expose()), Some(Role::Trader));
    for unknown in
        ["", "x", ONE.trim_start_matches('k'), &format!("{ONE} "), &format!("{TWO}:admin"), &"x".repeat(5000)]
    {
        assert_eq!(role(unknown), None, "{unknown:?}");
    }
    assert_eq!(set.len(), 3);
    assert!(KeySet::check(" \n").unwrap().is_empty());
    assert_eq!(KeySet::check(&format!("{ONE}\r\n{TWO}:admin\n")).unwrap().len(), 2);
}

#[test]
fn every_error_is_reported_by_position_without_any_part_of_a_key() {
    let mut mistyped = generate(KeyMode::Live).unwrap().expose().to_owned();
    mistyped.pop();
    let long = "k7Vn2Qx9".repeat(20);
    let text = format!(
        "{ONE},{TWO}:root,short,changeme-{TWO},{ONE}:admin,,{mistyped},{long},caf\u{e9}{TWO},:viewer"
    );
    let errors = KeySet::check(&text).unwrap_err();
    assert_eq!(
        errors.0,
        [
            KeyError::UnknownRole(2),
            KeyError::Weak(3),
            KeyError::Placeholder(4),
            KeyError::Duplicate { position: 5, first: 1 },
            KeyError::Empty(6),
            KeyError::Mistyped(7),
            KeyError::TooLong(8),
            KeyError::Unprintable(9),
            KeyError::Empty(10),
        ]
    );
    let message = errors.to_string();
    for part in ["k7Vn2Q", "Zq8Wm3", "short", "changeme", "root", "iq_live_"] {
        assert!(!message.contains(part), "{part} is in {message}");
    }
}

#[test]
fn nothing_that_is_printed_of_a_key_is_part_of_it() {
    let set = KeySet::check(ONE).unwrap();
    let key = set.find(ONE.as_bytes()).unwrap();
    let printed = format!("{set:?} {key:?} {}", key.label());
    assert!(
        ONE.as_bytes().windows(6).all(|part| !printed.contains(std::str::from_utf8(part).unwrap())),
        "{printed}"
    );
}
