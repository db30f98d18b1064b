//! Chains as others write them, and everything that can be done to one.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

use audit::export::{ExportFault, Reader, entry_line, first_line, head_line};
use audit::{Entry, Fault, Hash, Head, Key, Sealed, Verified, Verifier, chain};
use proptest::prelude::*;

/// Written by `reference/chain.py` with Python's `hmac` and `hashlib`; its key names were recomputed with
/// `openssl dgst -sha256 -mac HMAC`.
const REFERENCE: &str = include_str!("reference/chain.jsonl");
const REPLACED: &str = "operator:eve";

fn key() -> Key {
    Key::new(&std::array::from_fn::<u8, 32, _>(|place| place as u8)).unwrap()
}

fn other_key() -> Key {
    Key::new(&[9; 32]).unwrap()
}

fn entry(number: usize) -> Entry {
    let detail = format!("{{\"number\":{number}}}");
    Entry::new(
        "2026-01-02T15:04:05Z".parse().unwrap(),
        "operator:ana",
        "webhooks.replay",
        "bridge",
        None,
        &detail,
    )
    .unwrap()
}

fn chained(key: &Key, entries: impl IntoIterator<Item = Entry>) -> (Vec<Sealed>, Head) {
    let (mut all, mut head) = (Vec::new(), Head::start(key));
    for entry in entries {
        let (sealed, next) = chain(key, &head, entry);
        all.push(sealed);
        head = next;
    }
    (all, head)
}

fn verify(key: &Key, entries: &[Sealed], head: &Head) -> Result<Verified, Fault> {
    let mut verifier = Verifier::new(key);
    entries.iter().try_for_each(|sealed| verifier.feed(sealed))?;
    verifier.finish(head)
}

fn export(entries: &[Sealed], head: &Head) -> String {
    let lines = entries.iter().map(entry_line);
    let lines = std::iter::once(first_line()).chain(lines).chain([head_line(head)]);
    lines.map(|line| line + "\n").collect()
}

fn read(key: &Key, text: &str) -> Result<Verified, ExportFault> {
    let mut reader = Reader::new(key);
    text.lines().try_for_each(|line| reader.line(line))?;
    reader.finish()
}

/// A chain of six, something done to it, and what is said of it.
#[track_caller]
fn check(tamper: impl FnOnce(&mut Vec<Sealed>), expected: Fault) {
    let (mut entries, head) = chained(&key(), (1..=6).map(entry));
    tamper(&mut entries);
    let fault = verify(&key(), &entries, &head).unwrap_err();
    assert_eq!(fault, expected);
    assert_eq!(read(&key(), &export(&entries, &head)).unwrap_err(), ExportFault::Chain(expected));
}

fn replaced(sealed: &Sealed) -> Entry {
    let old = &sealed.entry;
    Entry::recorded(old.at_us(), REPLACED, old.action(), old.object(), old.request_id(), old.detail())
}

#[test]
fn a_chain_written_by_python_is_the_chain_written_here() {
    let second = r#"{"events":3,"note":"line\nend \"quoted\""}"#;
    let first = r#"{"events":[{"id":"e1","sha256":"00ff"}]}"#;
    let (entries, head) = chained(
        &key(),
        [
            Entry::recorded(
                1_767_366_245_000_006,
                "provider:bridge",
                "webhooks.receive",
                "batch",
                Some("req-1"),
                first,
            ),
            Entry::recorded(
                1_767_366_245_000_007,
                "operator:Zoë",
                "webhooks.replay",
                "bridge/transfer",
                None,
                second,
            ),
            Entry::recorded(-1, "worker:apply", "ledger.post", "transfer/bridge:abc", Some(""), "null"),
        ],
    );
    assert_eq!(export(&entries, &head), REFERENCE);
    assert_eq!(read(&key(), REFERENCE), Ok(Verified { entries: 3, hash: entries[2].hash }));
}

#[test]
fn a_changed_entry_is_named() {
    check(|entries| entries[3].entry = replaced(&entries[3]), Fault::Changed { sequence: 4 });
    check(|entries| entries[0].hash = Hash::ZERO, Fault::Changed { sequence: 1 });
    check(|entries| entries[2].previous = Hash::ZERO, Fault::Changed { sequence: 3 });
}

#[test]
fn a_missing_entry_is_named() {
    check(|entries| drop(entries.remove(2)), Fault::Missing { sequence: 3, found: 4 });
    check(|entries| drop(entries.remove(0)), Fault::Missing { sequence: 1, found: 2 });
}

#[test]
fn a_gap_that_is_closed_by_renumbering_is_seen() {
    let close = |entries: &mut Vec<Sealed>| {
        entries.remove(2);
        entries[2..].iter_mut().for_each(|sealed| sealed.sequence -= 1);
    };
    check(close, Fault::Changed { sequence: 3 });
}

#[test]
fn an_entry_out_of_order_is_named() {
    check(|entries| entries.swap(1, 2), Fault::Missing { sequence: 2, found: 3 });
    check(|entries| entries.insert(5, entries[1].clone()), Fault::OutOfOrder { sequence: 2, expected: 6 });
    let exchange = |entries: &mut Vec<Sealed>| {
        let (second, third) = (entries[1].entry.clone(), entries[2].entry.clone());
        (entries[1].entry, entries[2].entry) = (third, second);
    };
    check(exchange, Fault::Changed { sequence: 2 });
}

#[test]
fn an_entry_that_stands_twice_is_named() {
    check(|entries| entries.insert(3, entries[2].clone()), Fault::Repeated { sequence: 3 });
}

#[test]
fn an_end_that_was_cut_off_is_seen() {
    check(|entries| entries.truncate(4), Fault::Truncated { sequence: 5, head: 6 });
    check(Vec::clear, Fault::Truncated { sequence: 1, head: 6 });
}

#[test]
fn a_fork_by_two_writers_with_the_key_is_named() {
    let (entries, head) = chained(&key(), (1..=3).map(entry));
    let (twin, _) = chained(&key(), [1, 2, 30].map(entry));
    let both = [&entries[..], &twin[2..]].concat();
    assert_eq!(verify(&key(), &both, &head), Err(Fault::Forked { sequence: 3 }));

    let (other, other_head) = chained(&key(), [1, 20, 3, 4].map(entry));
    let crossed = [&entries[..3], &other[3..]].concat();
    assert_eq!(verify(&key(), &crossed, &other_head), Err(Fault::Forked { sequence: 4 }));
    assert_eq!(
        verify(&key(), &entries, &chained(&key(), [1, 20, 3].map(entry)).1),
        Err(Fault::Forked { sequence: 3 })
    );
}

#[test]
fn an_entry_added_behind_the_head_is_seen() {
    let (entries, _) = chained(&key(), (1..=3).map(entry));
    let (_, earlier) = chained(&key(), (1..=2).map(entry));
    assert_eq!(verify(&key(), &entries, &earlier), Err(Fault::BeyondHead { sequence: 3 }));
}

#[test]
fn another_key_is_named_and_cannot_write_the_chain_anew() {
    let (entries, head) = chained(&other_key(), (1..=2).map(entry));
    let unknown = Fault::UnknownKey { sequence: 1, key: other_key().id() };
    assert_eq!(verify(&key(), &entries, &head), Err(unknown));
    let renamed: Vec<Sealed> =
        entries.into_iter().map(|sealed| Sealed { key: key().id(), ..sealed }).collect();
    assert_eq!(verify(&key(), &renamed, &head), Err(Fault::Changed { sequence: 1 }));
}

#[test]
fn a_head_is_believed_for_its_seal_alone() {
    let (_, head) = chained(&key(), (1..=3).map(entry));
    let written = head.written();
    assert_eq!(written.open(&key()), Ok(head));
    let mut moved = written;
    moved.sequence = 2;
    assert_eq!(moved.open(&key()), Err(Fault::HeadChanged { sequence: 2 }));
    let unknown = Fault::UnknownKey { sequence: 3, key: key().id() };
    assert_eq!(written.open(&other_key()), Err(unknown));
}

#[test]
fn a_chain_goes_on_under_a_new_key_and_is_checked_with_both() {
    let (mut entries, head) = chained(&other_key(), (1..=2).map(entry));
    let rotated = key().and_older(&[9; 32]).unwrap();
    let (third, head) = chain(&rotated, &head, entry(3));
    entries.push(third);
    assert_eq!(verify(&rotated, &entries, &head).unwrap().entries, 3);
    let unknown = Fault::UnknownKey { sequence: 1, key: other_key().id() };
    assert_eq!(verify(&key(), &entries, &head), Err(unknown));
}

#[test]
fn a_database_set_back_whole_is_seen_with_a_head_that_was_kept() {
    let (entries, kept) = chained(&key(), (1..=4).map(entry));
    let (_, earlier) = chained(&key(), (1..=2).map(entry));
    assert_eq!(verify(&key(), &entries[..2], &earlier).unwrap().entries, 2, "the chain alone cannot tell");
    let check = |entries: &[Sealed], head: &Head| {
        let key = key();
        let mut verifier = Verifier::new(&key).witness(kept);
        entries.iter().try_for_each(|sealed| verifier.feed(sealed))?;
        verifier.finish(head)
    };
    assert_eq!(check(&entries[..2], &earlier), Err(Fault::Truncated { sequence: 3, head: 4 }));
    let (rewritten, end) = chained(&key(), [1, 2, 3, 40, 5].map(entry));
    assert_eq!(check(&rewritten, &end), Err(Fault::Rewritten { sequence: 4 }));
    assert_eq!(check(&entries, &kept).unwrap().entries, 4);
}

#[test]
fn what_was_added_since_a_head_is_checked_alone() {
    let (entries, head) = chained(&key(), (1..=4).map(entry));
    let (_, earlier) = chained(&key(), (1..=2).map(entry));
    let key = key();
    let mut verifier = Verifier::after(&key, &earlier);
    entries[2..].iter().for_each(|sealed| verifier.feed(sealed).unwrap());
    assert_eq!(verifier.finish(&head).unwrap().entries, 4);
}

#[test]
fn an_export_says_nothing_that_no_key_authenticates() {
    let whole: Vec<&str> = REFERENCE.lines().collect();
    let check = |lines: &[&str]| read(&key(), &lines.join("\n")).unwrap_err();
    assert_eq!(check(&whole[1..]), ExportFault::Format);
    assert_eq!(check(&whole[..4]), ExportFault::NoHead { sequence: 3 });
    assert_eq!(check(&[]), ExportFault::NoHead { sequence: 0 });
    assert_eq!(check(&[&whole[..], &whole[1..2]].concat()), ExportFault::AfterHead { line: 6 });
    let more = whole[1].replacen('{', "{\"approved\":true,", 1);
    assert_eq!(check(&[whole[0], &more]), ExportFault::Line { line: 2 });
    let twice = whole[1].replacen("\"sequence\":1,", "\"sequence\":7,\"sequence\":1,", 1);
    assert_eq!(check(&[whole[0], &twice]), ExportFault::Line { line: 2 });
}

#[test]
fn a_fault_says_its_entry_and_its_word() {
    let fault = Fault::Missing { sequence: 3, found: 4 };
    assert_eq!((fault.sequence(), fault.reason()), (3, "missing"));
    assert_eq!(fault.to_string(), "entry 3 is missing: entry 4 stands in its place");
}

proptest! {
    #[test]
    fn no_byte_of_an_export_can_be_another(place in 0..REFERENCE.len(), byte in 1_u8..=255) {
        let mut bytes = REFERENCE.as_bytes().to_vec();
        bytes[place] ^= byte;
        if let Ok(text) = String::from_utf8(bytes) {
            // A last line end, or one that is written with a carriage return, is no part of a line.
            prop_assert!(text.lines().eq(REFERENCE.lines()) || read(&key(), &text).is_err());
        }
    }

    #[test]
    fn fields_cannot_trade_letters(texts in prop::array::uniform4("[a-c=]{1,4}"), at in 0_usize..3) {
        let [actor, action, object, detail] = &texts;
        let joined = [actor.as_str(), action, object, detail].concat();
        let ends = [actor.len(), actor.len() + action.len(), actor.len() + action.len() + object.len()];
        let mut moved = ends;
        moved[at] -= 1;
        let split = |ends: [usize; 3]| {
            let field = |from: usize, to: usize| joined.get(from..to).unwrap().to_owned();
            Entry::recorded(0, &field(0, ends[0]), &field(ends[0], ends[1]), &field(ends[1], ends[2]), None,
                &field(ends[2], joined.len()))
        };
        prop_assume!(moved.is_sorted());
        let hash = |entry| chain(&key(), &Head::start(&key()), entry).0.hash;
        prop_assert_ne!(hash(split(ends)), hash(split(moved)));
    }
}
