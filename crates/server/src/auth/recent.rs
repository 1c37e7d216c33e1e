//! A bounded memory of what happened lately.

use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

/// Values by key, each kept for a time since it was put there, the oldest forgotten first when there are too many.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    lifetime: SignedDuration,
    capacity: usize,
    kept: HashMap<K, (Timestamp, V)>,
    /// What was put in, oldest first; entries that were replaced or removed since are passed over.
    order: VecDeque<(Timestamp, K)>,
}

impl<K: Eq + Hash + Clone, V> Recent<K, V> {
    /// An empty memory.
    pub(crate) fn new(lifetime: SignedDuration, capacity: usize) -> Self {
        Self { lifetime, capacity, kept: HashMap::new(), order: VecDeque::new() }
    }

    /// What is kept under a key.
    pub(crate) fn get_mut(&mut self, key: &K, now: Timestamp) -> Option<&mut V> {
        let lifetime = self.lifetime;
        let (at, value) = self.kept.get_mut(key)?;
        (now.duration_since(*at) < lifetime).then_some(value)
    }

    /// Keeps a value in place of any other under the key.
    pub(crate) fn insert(&mut self, key: K, value: V, now: Timestamp) {
        self.kept.insert(key.clone(), (now, value));
        self.order.push_back((now, key));
        while let Some((at, _)) = self.order.front() {
            if self.order.len() <= self.capacity && now.duration_since(*at) < self.lifetime {
                break;
            }
            let Some((at, key)) = self.order.pop_front() else { break };
            if self.kept.get(&key).is_some_and(|(kept_at, _)| *kept_at == at) {
                self.kept.remove(&key);
            }
        }
    }

    /// Forgets a key.
    pub(crate) fn remove(&mut self, key: &K) {
        self.kept.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::clock::from_millis;

    fn recent() -> Recent<u32, &'static str> {
        Recent::new(SignedDuration::from_millis(10), 3)
    }

    #[test]
    fn values_are_kept_for_their_time_since_they_were_put_there_last() {
        let mut recent = recent();
        recent.insert(1, "a", from_millis(0));
        assert_eq!(recent.get_mut(&1, from_millis(9)), Some(&mut "a"));
        assert_eq!(recent.get_mut(&1, from_millis(10)), None);
        recent.insert(1, "b", from_millis(5));
        recent.insert(2, "c", from_millis(12));
        assert_eq!(recent.get_mut(&1, from_millis(14)), Some(&mut "b"));
        recent.remove(&1);
        assert_eq!(recent.get_mut(&1, from_millis(14)), None);
    }

    #[test]
    fn the_oldest_make_room_and_nothing_grows() {
        let mut recent = recent();
        for key in 0..100 {
            recent.insert(key, "x", from_millis(0));
        }
        assert_eq!((recent.kept.len(), recent.order.len()), (3, 3));
        assert!(recent.get_mut(&99, from_millis(0)).is_some() && recent.get_mut(&96, from_millis(0)).is_none());
        for _ in 0..100 {
            recent.insert(99, "x", from_millis(1));
            recent.remove(&99);
        }
        assert!(recent.order.len() <= 3 && recent.kept.len() <= 3);
    }
}
