//! A set of ids as ranges: ids are given in order, so that a set of ten million takes a few ranges.

use std::collections::BTreeMap;

/// The last id of each range, by its first.
#[derive(Debug, Default)]
pub(in crate::ledger) struct IdSet(BTreeMap<i64, i64>);

impl IdSet {
    pub(super) fn insert(&mut self, id: i64) {
        if self.contains(id) {
            return;
        }
        let before = self.0.range(..id).next_back().filter(|(_, last)| id.checked_sub(1) == Some(**last));
        let first = before.map_or(id, |(first, _)| *first);
        let last = id.checked_add(1).and_then(|next| self.0.remove(&next)).unwrap_or(id);
        self.0.insert(first, last);
    }

    pub(in crate::ledger) fn contains(&self, id: i64) -> bool {
        self.0.range(..=id).next_back().is_some_and(|(_, last)| id <= *last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_range() {
        let mut set = IdSet::default();
        for id in [3, 1, 2, 2, 9, i64::MAX] {
            set.insert(id);
        }
        assert_eq!(set.0, BTreeMap::from([(1, 3), (9, 9), (i64::MAX, i64::MAX)]));
        let found: Vec<i64> =
            [0, 1, 3, 4, 9, 10, i64::MAX].into_iter().filter(|id| set.contains(*id)).collect();
        assert_eq!(found, [1, 3, 9, i64::MAX]);
    }
}
