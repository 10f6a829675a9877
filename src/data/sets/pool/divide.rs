//! A seeded split of pictures by share, within each class, whole groups at a time.

use std::collections::BTreeMap;

use crate::catalog::Config;
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

impl Rule {
    /// As a configuration says it.
    pub fn of(config: &Config, grouped: bool) -> Self {
        Self { share: config.maybe_number("test").unwrap_or(0.1), seed: config.int("seed") as u64, grouped }
    }
}

/// The members of groups, in the order in which these are drawn.
type Groups<'a> = BTreeMap<(u64, &'a str), Vec<usize>>;

/// Which pictures, each with its own name or that of its group, and its class, are for testing. That depends on names and the seed: one
/// that is added later moves hardly any other.
pub fn by_share(items: &[(String, Option<&str>)], rule: Rule) -> Vec<bool> {
    let mut strata: BTreeMap<Option<&str>, Groups> = BTreeMap::new();
    for (index, (name, class)) in items.iter().enumerate() {
        let mut digest = Digest::new();
        digest.word(rule.seed);
        digest.bytes(name.as_bytes());
        // A group of several classes would stand on both sides if each class were divided by itself.
        let class = class.filter(|_| !rule.grouped);
        strata.entry(class).or_default().entry((digest.finish(), name)).or_default().push(index);
    }
    let mut testing = vec![false; items.len()];
    let counts: Vec<usize> = strata.values().map(|groups| groups.values().map(Vec::len).sum()).collect();
    for ((groups, count), most) in strata.values().zip(&counts).zip(shares(&counts, rule.share)) {
        let mut taken = 0;
        for members in groups.values() {
            if taken < most && taken + members.len() < *count {
                taken += members.len();
                members.iter().for_each(|&i| testing[i] = true);
            }
        }
    }
    testing
}

/// How many of each class are for testing: a share of all, at least one, divided among the classes by largest remainders.
fn shares(counts: &[usize], share: f64) -> Vec<usize> {
    let ideal: Vec<f64> = counts.iter().map(|&count| count as f64 * share).collect();
    let mut each: Vec<usize> = ideal.iter().map(|x| x.floor() as usize).collect();
    let wanted = (ideal.iter().sum::<f64>().round() as usize).max(1);
    let mut order: Vec<usize> = (0..counts.len()).collect();
    // Sorting keeps the order of classes among equals.
    order.sort_by(|&a, &b| ideal[b].fract().total_cmp(&ideal[a].fract()));
    for class in order {
        if each.iter().sum::<usize>() < wanted && each[class] + 1 < counts[class] {
            each[class] += 1;
        }
    }
    each
}
