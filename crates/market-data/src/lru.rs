//! A map by symbol that holds a bounded number of values and drops the one unused for longest.

use std::collections::HashMap;

use domain::Symbol;

#[derive(Debug)]
pub(crate) struct Lru<V> {
    entries: HashMap<Symbol, Entry<V>>,
    entries_max: usize,
    /// Rises with every use: the order of uses, without a clock.
    uses: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    used_at: u64,
}

impl<V> Lru<V> {
    /// Holds at most `entries_max` values, at least one.
    pub(crate) fn new(entries_max: usize) -> Self {
        Self { entries: HashMap::new(), entries_max: entries_max.max(1), uses: 0 }
    }

    pub(crate) fn get(&mut self, symbol: &Symbol) -> Option<&V> {
        self.uses += 1;
        let entry = self.entries.get_mut(symbol)?;
        entry.used_at = self.uses;
        Some(&entry.value)
    }

    /// Whether another value was dropped to make room.
    pub(crate) fn insert(&mut self, symbol: Symbol, value: V) -> bool {
        let is_full = self.entries.len() >= self.entries_max && !self.entries.contains_key(&symbol);
        if is_full {
            let oldest =
                self.entries.iter().min_by_key(|(_, entry)| entry.used_at).map(|(symbol, _)| *symbol);
            oldest.and_then(|symbol| self.entries.remove(&symbol));
        }
        self.uses += 1;
        self.entries.insert(symbol, Entry { value, used_at: self.uses });
        is_full
    }

    pub(crate) fn remove(&mut self, symbol: &Symbol) {
        self.entries.remove(symbol);
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Symbol, &V)> {
        self.entries.iter().map(|(symbol, entry)| (symbol, &entry.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_unused_for_longest_goes_first() {
        let symbol = |text: &str| text.parse::<Symbol>().unwrap();
        let mut lru = Lru::new(2);
        assert!(!lru.insert(symbol("A"), 1));
        assert!(!lru.insert(symbol("B"), 2));
        assert_eq!(lru.get(&symbol("A")), Some(&1));
        assert!(lru.insert(symbol("C"), 3), "B is dropped");
        assert_eq!(lru.get(&symbol("B")), None);
        assert_eq!(lru.get(&symbol("A")), Some(&1));
        assert!(!lru.insert(symbol("A"), 4), "a value that is there is replaced");
        assert_eq!(lru.iter().count(), 2);
    }
}
