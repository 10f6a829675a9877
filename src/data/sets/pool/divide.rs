//! A seeded split of pictures by share, within each class, whole groups at a time.

use std::collections::BTreeMap;

use crate::random::Digest;

/// How a set is divided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// The share that is for testing.
    pub share: f64,
    /// Another seed divides otherwise.
    pub seed: u64,
    /// Whether names are those of groups, which may hold pictures of several classes.
    pub grouped: bool,
}

/// Which pictures, each with its own name or that of its group, and its class, are for testing. That depends on names and the seed: one
/// that is added later moves hardly any other.
pub fn by_share(items: &[(String, Option<&str>)], rule: Rule) -> Vec<bool> {
    let mut strata: BTreeMap<Option<&str>, BTreeMap<(u64, &str), Vec<usize>>> = BTreeMap::new();
    for (index, (name, class)) in items.iter().enumerate() {
        let mut digest = Digest::new();
        digest.word(rule.seed);
        digest.bytes(name.as_bytes());
        // A group of several classes would stand on both sides if each class were divided by itself.
        let class = class.filter(|_| !rule.grouped);
        strata.entry(class).or_default().entry((digest.finish(), name)).or_default().push(index);
    }
    let mut testing = vec![false; items.len()];
    for groups in strata.values() {
        let count: usize = groups.values().map(Vec::len).sum();
        let wanted = (count as f64 * rule.share).round() as usize;
        let most = wanted.clamp(usize::from(count > 1), count.max(1) - 1);
        let mut taken = 0;
        for members in groups.values() {
            if taken < most && taken + members.len() < count {
                taken += members.len();
                members.iter().for_each(|&i| testing[i] = true);
            }
        }
    }
    testing
}
