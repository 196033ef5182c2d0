//! What may be remembered between requests: bounded, and forgotten when an epoch moves anywhere.
//!
//! An entry is fresh while the database's `changes` counter stands where it stood when the entry was
//! read, so a stale answer lives for no longer than that counter takes to arrive (at once on this node,
//! a second on the others).

use std::{
    hash::Hash,
    sync::atomic::{AtomicUsize, Ordering},
};

/// A bounded map whose entries are valid for one state of the `changes` counter.
pub(crate) struct Cache<K, V> {
    entries: papaya::HashMap<K, (i64, V)>,
    count: AtomicUsize,
    capacity: usize,
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    /// A cache of at most about `capacity` entries.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: papaya::HashMap::new(), count: AtomicUsize::new(0), capacity }
    }

    /// The entry, if it was read under the present state.
    pub(crate) fn get<Q>(&self, key: &Q, changes: i64) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let entries = self.entries.pin();
        entries.get(key).filter(|(read_at, _)| *read_at == changes).map(|(_, value)| value.clone())
    }

    /// Remembers what was read under `changes`, a state taken *before* the reading. A full cache is
    /// emptied: what is in use comes back with one read each.
    pub(crate) fn insert(&self, key: K, changes: i64, value: V) {
        let entries = self.entries.pin();
        if self.count.load(Ordering::Relaxed) >= self.capacity {
            entries.clear();
            self.count.store(0, Ordering::Relaxed);
        }
        if entries.insert(key, (changes, value)).is_none() {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cache;

    #[test]
    fn entries_die_with_their_state_and_the_size_is_bounded() {
        let cache = Cache::new(4);
        cache.insert("a", 1, "x");
        assert_eq!(cache.get("a", 1), Some("x"));
        assert_eq!(cache.get("a", 2), None);
        for n in 0..100 {
            cache.insert(Box::leak(n.to_string().into_boxed_str()), 1, "y");
            assert!(cache.entries.len() <= 4);
        }
    }
}
