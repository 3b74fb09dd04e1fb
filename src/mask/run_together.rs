//! [`split`] for number words without spaces, alone or with digits: eightfivetwo, 6three14, 一三八.
//!
//! This module must not decide whether such a run is a phone number. The words come from the
//! lexicon, so a new word needs no change here.

use once_cell::sync::Lazy;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::lexicon::{LEXICON, Number};
use super::shadow::{Class, Glyph};

/// A part of a run: the glyphs `from..to`, and their number if they are a word.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RunPart {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) number: Option<Number>,
}

/// All number words as a tree of characters.
struct Trie {
    children: FxHashMap<(u32, char), u32>,
    /// The number of the word that ends at each node, if one does.
    numbers: Vec<Option<Number>>,
}

static TRIE: Lazy<Trie> = Lazy::new(|| {
    let mut tree = Trie { children: FxHashMap::default(), numbers: vec![None] };
    for (word, number) in LEXICON.numbers() {
        let mut node = 0;
        for c in word.chars() {
            let next = u32::try_from(tree.numbers.len()).unwrap_or(u32::MAX);
            node = *tree.children.entry((node, c)).or_insert(next);
            if node == next {
                tree.numbers.push(None);
            }
        }
        tree.numbers[node as usize] = Some(number);
    }
    tree
});

/// Builds the tree now, so that the first run does not wait for it.
pub(super) fn warm_up() {
    Lazy::force(&TRIE);
}

impl Trie {
    /// Returns the number words that are prefixes of `run`, each with its length.
    fn prefixes<'a>(&'a self, run: &'a [Glyph]) -> impl Iterator<Item = (usize, Number)> + 'a {
        let mut node = Some(0);
        run.iter()
            .zip(1..)
            .map_while(move |(glyph, length)| {
                node = self.children.get(&(node?, glyph.plain)).copied();
                node.map(|node| self.numbers[node as usize].map(|number| (length, number)))
            })
            .flatten()
    }
}

/// Returns the indexes that number words and digits reach from the start of `run`; `None` if they
/// do not reach its end.
///
/// This check comes first because it is cheap: most words fail at their first letters.
fn reachable_ends(run: &[Glyph]) -> Option<SmallVec<[usize; 16]>> {
    let mut indexes = SmallVec::new();
    // Bit `n` means that the index `n` places after the current one is reachable.
    let mut reached = 1_u64;
    for (index, glyph) in run.iter().enumerate() {
        if reached & 1 == 1 {
            indexes.push(index);
            if matches!(glyph.class, Class::Digit(_)) {
                reached |= 1 << 1;
            } else {
                for (length, _) in TRIE.prefixes(&run[index..]) {
                    reached |=
                        1_u64.checked_shl(u32::try_from(length).unwrap_or(u32::MAX)).unwrap_or(0);
                }
            }
        }
        reached >>= 1;
        if reached == 0 {
            return None;
        }
    }
    (reached & 1 == 1).then_some(indexes)
}

/// Splits `run`, which is letters and digits without a gap, into number words and digits.
///
/// Returns the split with the fewest parts. `None` if `run` contains anything else, or if the split
/// has fewer than two parts.
pub(super) fn split(run: &[Glyph]) -> Option<Vec<RunPart>> {
    let is_digit = |index: usize| matches!(run[index].class, Class::Digit(_));
    let indexes = reachable_ends(run)?;
    // For each index, from the end: the minimum number of parts from there, and the first of them.
    let mut best: Vec<Option<(usize, usize, Option<Number>)>> = vec![None; run.len() + 1];
    best[run.len()] = Some((0, run.len(), None));
    for from in indexes.into_iter().rev() {
        if is_digit(from) {
            let joined =
                (from + 1 < run.len() && is_digit(from + 1)).then(|| best[from + 1]).flatten();
            best[from] = match joined {
                Some((parts, to, None)) => Some((parts, to, None)),
                _ => best[from + 1].map(|(parts, ..)| (parts + 1, from + 1, None)),
            };
            continue;
        }
        for (length, number) in TRIE.prefixes(&run[from..]) {
            let Some((parts, ..)) = best[from + length] else { continue };
            if best[from].is_none_or(|(fewest, ..)| parts < fewest) {
                best[from] = Some((parts + 1, from + length, Some(number)));
            }
        }
    }
    let mut parts = Vec::new();
    let mut from = 0;
    while from < run.len() {
        let (_, to, number) = best[from]?;
        parts.push(RunPart { from, to, number });
        from = to;
    }
    (parts.len() >= 2).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::shadow::Shadow;

    fn lengths(text: &str) -> Option<Vec<usize>> {
        let parts = split(&Shadow::of(text).glyphs)?;
        Some(parts.iter().map(|part| part.to - part.from).collect())
    }

    #[test]
    fn run_together_words_are_split() {
        assert_eq!(lengths("eightfivetwo"), Some(vec![5, 4, 3]));
        assert_eq!(lengths("一三八"), Some(vec![1, 1, 1]));
    }

    #[test]
    fn run_together_allows_digits_between() {
        assert_eq!(lengths("6three14four"), Some(vec![1, 5, 2, 4]));
    }

    #[test]
    fn run_together_leaves_other_words_whole() {
        assert_eq!(lengths("someone"), None);
        assert_eq!(lengths("oneself"), None);
        assert_eq!(lengths("9f86d0"), None);
        assert_eq!(lengths("seven"), None);
    }
}
