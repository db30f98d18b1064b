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
fn a_key_reads_the_accounts_in_brackets_and_without_them_all() {
    let set = KeySet::check(&format!("{ONE}:viewer[alpaca:a1+c-7],{TWO}]:trader")).unwrap();
    let key = set.find(ONE.as_bytes()).unwrap();
    let AccountScope::Only { accounts, customers } = &*key.accounts else { panic!("{key:?}") };
    assert_eq!((format!("{accounts:?}"), format!("{customers:?}")), ("{alpaca:a1}".into(), "{c-7}".into()));
    // Brackets are characters of a key, as they were.
    let other = set.find(format!("{TWO}]").as_bytes()).unwrap();
    assert_eq!((&*other.accounts, other.role), (&AccountScope::All, Role::Trader));
    let bracketed = format!("{TWO}[a+b]");
    let plain = KeySet::check(&bracketed).unwrap();
    assert_eq!(*plain.find(bracketed.as_bytes()).unwrap().accounts, AccountScope::All);
    for (entry, expected) in [
        (format!("{ONE}:viewer[]"), KeyError::InvalidAccounts(1)),
        (format!("{ONE}:viewer[alpaca:a1+stripe:a2]"), KeyError::InvalidAccounts(1)),
        (format!("{ONE}:admin[alpaca:a1]"), KeyError::AdminWithAccounts(1)),
        (format!("{ONE}:root[alpaca:a1]"), KeyError::UnknownRole(1)),
        (format!("{ONE}:viewer:alpaca:a1"), KeyError::UnknownRole(1)),
        (format!("{ONE}:viewer,{ONE}:viewer[alpaca:a1]"), KeyError::Duplicate { position: 2, first: 1 }),
    ] {
        assert_eq!(KeySet::check(&entry).unwrap_err().0, [expected], "{entry}");
    }
}

#[test]
fn a_key_whose_accounts_change_does_not_keep_the_old_ones() {
    let older = KeySet::check(&format!("{ONE}:viewer[alpaca:a1+alpaca:a2],{TWO}:viewer[alpaca:a1]")).unwrap();
    let mut newer = KeySet::check(&format!("{ONE}:viewer[alpaca:a1],{TWO}:viewer[alpaca:a1]")).unwrap();
    newer.keep_limits(&older);
    let is_kept = |text: &str| {
        Arc::ptr_eq(&newer.find(text.as_bytes()).unwrap(), &older.find(text.as_bytes()).unwrap())
    };
    assert_eq!((is_kept(ONE), is_kept(TWO)), (false, true));
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
