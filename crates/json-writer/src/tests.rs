//! The output equals that of `serde_json` for every shape of value.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Serialize;

use super::*;

fn json_of<T: Serialize>(value: &T) -> String {
    let mut out = Vec::new();
    write(&mut out, value).unwrap();
    String::from_utf8(out).unwrap()
}

fn check<T: Serialize>(value: &T) {
    assert_eq!(json_of(value), serde_json::to_string(value).unwrap());
}

#[derive(Serialize)]
enum Shape {
    Unit,
    Newtype(f64),
    Tuple(u8, char),
    Struct { value: Option<i8> },
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Pair(u64, i128);

#[derive(Serialize)]
struct Everything<'a> {
    shapes: [Shape; 4],
    unit: Unit,
    pair: Pair,
    nothing: (),
    empty: (Vec<u8>, BTreeMap<String, bool>),
    text: &'a str,
    #[serde(flatten)]
    map: BTreeMap<&'a str, f32>,
}

#[test]
fn every_shape_is_written_as_serde_json_writes_it() {
    check(&Everything {
        shapes: [Shape::Unit, Shape::Newtype(0.1), Shape::Tuple(1, '"'), Shape::Struct { value: None }],
        unit: Unit,
        pair: Pair(u64::MAX, i128::MIN),
        nothing: (),
        empty: (Vec::new(), BTreeMap::new()),
        text: "a \"quoted\" \\ line\n",
        map: BTreeMap::from([("one", 1.5), ("two\t", -0.0)]),
    });
    check(&[f64::NAN, f64::INFINITY, -0.0, 1e300, 1e-12, 430.47, 1.0]);
    check(&Some(true));
}

#[test]
fn a_key_that_is_not_a_string_is_refused() {
    assert!(write(&mut Vec::new(), &BTreeMap::from([(1, 2)])).is_err());
}

proptest! {
    #[test]
    fn every_string_and_number_is_written_as_serde_json_writes_it(
        texts in prop::collection::vec(".{0,40}|[\\x00-\\x7f]{0,40}", 0..4),
        numbers in prop::collection::vec(prop::num::f64::ANY, 0..4),
    ) {
        let pair = (texts, numbers);
        prop_assert_eq!(json_of(&pair), serde_json::to_string(&pair).unwrap());
    }
}
