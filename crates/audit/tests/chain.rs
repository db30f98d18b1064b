//! Chains written by another implementation, and every way to tamper with one.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

use audit::export::{ExportError, LineVerifier, entry_line, first_line, head_line};
use audit::{ChainError, Entry, Hash, Head, Key, SealedEntry, VerifiedChain, Verifier, append};
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

fn chained(key: &Key, entries: impl IntoIterator<Item = Entry>) -> (Vec<SealedEntry>, Head) {
    let (mut all, mut head) = (Vec::new(), Head::start(key));
    for entry in entries {
        let (sealed, next) = append(key, &head, entry);
        all.push(sealed);
        head = next;
    }
    (all, head)
}

fn verify(key: &Key, entries: &[SealedEntry], head: &Head) -> Result<VerifiedChain, ChainError> {
    let mut verifier = Verifier::new(key);
    entries.iter().try_for_each(|sealed| verifier.feed(sealed))?;
    verifier.finish(head)
}

fn export(entries: &[SealedEntry], head: &Head) -> String {
    let lines = entries.iter().map(entry_line);
    let lines = std::iter::once(first_line()).chain(lines).chain([head_line(head)]);
    lines.map(|line| line + "\n").collect()
}

fn verify_export(key: &Key, text: &str) -> Result<VerifiedChain, ExportError> {
    let mut verifier = LineVerifier::new(key);
    text.lines().try_for_each(|line| verifier.line(line))?;
    verifier.finish()
}

/// Tampers with a chain of six and expects this error.
#[track_caller]
fn check(tamper: impl FnOnce(&mut Vec<SealedEntry>), expected: ChainError) {
    let (mut entries, head) = chained(&key(), (1..=6).map(entry));
    tamper(&mut entries);
    let error = verify(&key(), &entries, &head).unwrap_err();
    assert_eq!(error, expected);
    assert_eq!(verify_export(&key(), &export(&entries, &head)).unwrap_err(), ExportError::Chain(expected));
}

fn replaced(sealed: &SealedEntry) -> Entry {
    let old = &sealed.entry;
    Entry::from_stored(old.at_us(), REPLACED, old.action(), old.object(), old.request_id(), old.detail())
}

#[test]
fn chains_are_identical_to_those_of_the_python_reference() {
    let second = r#"{"events":3,"note":"line\nend \"quoted\""}"#;
    let first = r#"{"events":[{"id":"e1","sha256":"00ff"}]}"#;
    let (entries, head) = chained(
        &key(),
        [
            Entry::from_stored(
                1_767_366_245_000_006,
                "provider:bridge",
                "webhooks.receive",
                "batch",
                Some("req-1"),
                first,
            ),
            Entry::from_stored(
                1_767_366_245_000_007,
                "operator:Zoë",
                "webhooks.replay",
                "bridge/transfer",
                None,
                second,
            ),
            Entry::from_stored(-1, "worker:apply", "ledger.post", "transfer/bridge:abc", Some(""), "null"),
        ],
    );
    assert_eq!(export(&entries, &head), REFERENCE);
    assert_eq!(verify_export(&key(), REFERENCE), Ok(VerifiedChain { entries: 3, hash: entries[2].hash }));
}

#[test]
fn a_changed_entry_is_reported() {
    check(|entries| entries[3].entry = replaced(&entries[3]), ChainError::Changed { sequence: 4 });
    check(|entries| entries[0].hash = Hash::ZERO, ChainError::Changed { sequence: 1 });
    check(|entries| entries[2].previous = Hash::ZERO, ChainError::Changed { sequence: 3 });
}

#[test]
fn a_missing_entry_is_reported() {
    check(|entries| drop(entries.remove(2)), ChainError::Missing { sequence: 3, found: 4 });
    check(|entries| drop(entries.remove(0)), ChainError::Missing { sequence: 1, found: 2 });
}

#[test]
fn a_gap_closed_by_renumbering_is_detected() {
    let close = |entries: &mut Vec<SealedEntry>| {
        entries.remove(2);
        entries[2..].iter_mut().for_each(|sealed| sealed.sequence -= 1);
    };
    check(close, ChainError::Changed { sequence: 3 });
}

#[test]
fn an_entry_out_of_order_is_reported() {
    check(|entries| entries.swap(1, 2), ChainError::Missing { sequence: 2, found: 3 });
    check(
        |entries| entries.insert(5, entries[1].clone()),
        ChainError::OutOfOrder { sequence: 2, expected: 6 },
    );
    let exchange = |entries: &mut Vec<SealedEntry>| {
        let (second, third) = (entries[1].entry.clone(), entries[2].entry.clone());
        (entries[1].entry, entries[2].entry) = (third, second);
    };
    check(exchange, ChainError::Changed { sequence: 2 });
}

#[test]
fn a_repeated_entry_is_reported() {
    check(|entries| entries.insert(3, entries[2].clone()), ChainError::Repeated { sequence: 3 });
}

#[test]
fn truncation_is_detected() {
    check(|entries| entries.truncate(4), ChainError::Truncated { sequence: 5, head: 6 });
    check(Vec::clear, ChainError::Truncated { sequence: 1, head: 6 });
}

#[test]
fn a_fork_by_two_writers_with_the_key_is_reported() {
    let (entries, head) = chained(&key(), (1..=3).map(entry));
    let (twin, _) = chained(&key(), [1, 2, 30].map(entry));
    let both = [&entries[..], &twin[2..]].concat();
    assert_eq!(verify(&key(), &both, &head), Err(ChainError::Forked { sequence: 3 }));

    let (other, other_head) = chained(&key(), [1, 20, 3, 4].map(entry));
    let crossed = [&entries[..3], &other[3..]].concat();
    assert_eq!(verify(&key(), &crossed, &other_head), Err(ChainError::Forked { sequence: 4 }));
    assert_eq!(
        verify(&key(), &entries, &chained(&key(), [1, 20, 3].map(entry)).1),
        Err(ChainError::Forked { sequence: 3 })
    );
}

#[test]
fn an_entry_added_after_the_head_is_detected() {
    let (entries, _) = chained(&key(), (1..=3).map(entry));
    let (_, earlier) = chained(&key(), (1..=2).map(entry));
    assert_eq!(verify(&key(), &entries, &earlier), Err(ChainError::BeyondHead { sequence: 3 }));
}

#[test]
fn another_key_is_reported_and_cannot_rewrite_the_chain() {
    let (entries, head) = chained(&other_key(), (1..=2).map(entry));
    let unknown = ChainError::UnknownKey { sequence: 1, key: other_key().id() };
    assert_eq!(verify(&key(), &entries, &head), Err(unknown));
    let renamed: Vec<SealedEntry> =
        entries.into_iter().map(|sealed| SealedEntry { key: key().id(), ..sealed }).collect();
    assert_eq!(verify(&key(), &renamed, &head), Err(ChainError::Changed { sequence: 1 }));
}

#[test]
fn a_head_is_authentic_only_by_its_seal() {
    let (_, head) = chained(&key(), (1..=3).map(entry));
    let unverified = head.to_stored();
    assert_eq!(unverified.verify(&key()), Ok(head));
    let mut moved = unverified;
    moved.sequence = 2;
    assert_eq!(moved.verify(&key()), Err(ChainError::HeadChanged { sequence: 2 }));
    let unknown = ChainError::UnknownKey { sequence: 3, key: key().id() };
    assert_eq!(unverified.verify(&other_key()), Err(unknown));
}

#[test]
fn a_chain_continues_under_a_new_key_and_is_checked_with_both() {
    let (mut entries, head) = chained(&other_key(), (1..=2).map(entry));
    let rotated = key().and_older(&[9; 32]).unwrap();
    let (third, head) = append(&rotated, &head, entry(3));
    entries.push(third);
    assert_eq!(verify(&rotated, &entries, &head).unwrap().entries, 3);
    let unknown = ChainError::UnknownKey { sequence: 1, key: other_key().id() };
    assert_eq!(verify(&key(), &entries, &head), Err(unknown));
}

#[test]
fn a_changed_key_id_is_not_taken_for_a_missing_key() {
    let (mut entries, head) = chained(&key(), (1..=2).map(entry));
    entries[1].key = other_key().id();
    assert_eq!(verify(&key(), &entries, &head), Err(ChainError::Changed { sequence: 2 }));
    let mut unverified = head.to_stored();
    unverified.key = other_key().id();
    assert_eq!(unverified.verify(&key()), Err(ChainError::HeadChanged { sequence: 2 }));
}

#[test]
fn a_restored_older_database_is_detected_with_a_checkpoint() {
    let (entries, checkpoint) = chained(&key(), (1..=4).map(entry));
    let (_, earlier) = chained(&key(), (1..=2).map(entry));
    assert_eq!(
        verify(&key(), &entries[..2], &earlier).unwrap().entries,
        2,
        "the chain alone does not reveal it"
    );
    let check = |entries: &[SealedEntry], head: &Head| {
        let key = key();
        let mut verifier = Verifier::new(&key).with_checkpoint(checkpoint);
        entries.iter().try_for_each(|sealed| verifier.feed(sealed))?;
        verifier.finish(head)
    };
    assert_eq!(check(&entries[..2], &earlier), Err(ChainError::Truncated { sequence: 3, head: 4 }));
    let (rewritten, end) = chained(&key(), [1, 2, 3, 40, 5].map(entry));
    assert_eq!(check(&rewritten, &end), Err(ChainError::Rewritten { sequence: 4 }));
    assert_eq!(check(&entries, &checkpoint).unwrap().entries, 4);
}

#[test]
fn entries_after_a_head_can_be_checked_alone() {
    let (entries, head) = chained(&key(), (1..=4).map(entry));
    let (_, earlier) = chained(&key(), (1..=2).map(entry));
    let key = key();
    let mut verifier = Verifier::after(&key, &earlier);
    entries[2..].iter().for_each(|sealed| verifier.feed(sealed).unwrap());
    assert_eq!(verifier.finish(&head).unwrap().entries, 4);
}

#[test]
fn an_export_contains_only_authenticated_content() {
    let whole: Vec<&str> = REFERENCE.lines().collect();
    let check = |lines: &[&str]| verify_export(&key(), &lines.join("\n")).unwrap_err();
    assert_eq!(check(&whole[1..]), ExportError::Format);
    assert_eq!(check(&whole[..4]), ExportError::NoHead { sequence: 3 });
    assert_eq!(check(&[]), ExportError::NoHead { sequence: 0 });
    assert_eq!(check(&[&whole[..], &whole[1..2]].concat()), ExportError::AfterHead { line: 6 });
    let more = whole[1].replacen('{', "{\"approved\":true,", 1);
    assert_eq!(check(&[whole[0], &more]), ExportError::Line { line: 2 });
    let twice = whole[1].replacen("\"sequence\":1,", "\"sequence\":7,\"sequence\":1,", 1);
    assert_eq!(check(&[whole[0], &twice]), ExportError::Line { line: 2 });
}

#[test]
fn an_error_has_its_entry_and_code() {
    let error = ChainError::Missing { sequence: 3, found: 4 };
    assert_eq!((error.sequence(), error.reason()), (3, "missing"));
    assert_eq!(error.to_string(), "entry 3 is missing: found entry 4 in its place");
}

proptest! {
    #[test]
    fn every_changed_byte_of_an_export_is_detected(place in 0..REFERENCE.len(), byte in 1_u8..=255) {
        let mut bytes = REFERENCE.as_bytes().to_vec();
        bytes[place] ^= byte;
        if let Ok(text) = String::from_utf8(bytes) {
            // A last line end, or one that is written with a carriage return, is not part of a line.
            prop_assert!(text.lines().eq(REFERENCE.lines()) || verify_export(&key(), &text).is_err());
        }
    }

    #[test]
    fn letters_cannot_move_between_fields(texts in prop::array::uniform4("[a-c=]{1,4}"), at in 0_usize..3) {
        let [actor, action, object, detail] = &texts;
        let joined = [actor.as_str(), action, object, detail].concat();
        let ends = [actor.len(), actor.len() + action.len(), actor.len() + action.len() + object.len()];
        let mut moved = ends;
        moved[at] -= 1;
        let split = |ends: [usize; 3]| {
            let field = |from: usize, to: usize| joined.get(from..to).unwrap().to_owned();
            Entry::from_stored(0, &field(0, ends[0]), &field(ends[0], ends[1]), &field(ends[1], ends[2]), None,
                &field(ends[2], joined.len()))
        };
        prop_assume!(moved.is_sorted());
        let hash = |entry| append(&key(), &Head::start(&key()), entry).0.hash;
        prop_assert_ne!(hash(split(ends)), hash(split(moved)));
    }
}
