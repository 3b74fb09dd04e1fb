//! Number words written without spaces, alone or with digits: eightfivetwo, 6three14, 一三八.
//!
//! What lives here: taking such a run apart. What must not: deciding whether it is a phone number.
//! The words come from the lexicon; there is nothing to add here.

use once_cell::sync::Lazy;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::lexicon::{LEXICON, Number};
use super::shadow::{Class, Glyph};

/// A piece of a run: glyphs `from..to`, and what they say when they are no digits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RunPart {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) number: Option<Number>,
}

/// All number words as a tree of characters.
struct Trie {
    children: FxHashMap<(u32, char), u32>,
    says: Vec<Option<Number>>,
}

static TRIE: Lazy<Trie> = Lazy::new(|| {
    let mut tree = Trie { children: FxHashMap::default(), says: vec![None] };
    for (word, number) in LEXICON.numbers() {
        let mut node = 0;
        for c in word.chars() {
            let next = u32::try_from(tree.says.len()).unwrap_or(u32::MAX);
            node = *tree.children.entry((node, c)).or_insert(next);
            if node == next {
                tree.says.push(None);
            }
        }
        tree.says[node as usize] = Some(number);
    }
    tree
});

/// Builds the tree now rather than at the first glued word.
pub(super) fn warm_up() {
    Lazy::force(&TRIE);
}

impl Trie {
    /// The number words that `run` starts with, each with its length.
    fn prefixes<'a>(&'a self, run: &'a [Glyph]) -> impl Iterator<Item = (usize, Number)> + 'a {
        let mut node = Some(0);
        run.iter()
            .zip(1..)
            .map_while(move |(glyph, length)| {
                node = self.children.get(&(node?, glyph.plain)).copied();
                node.map(|node| self.says[node as usize].map(|number| (length, number)))
            })
            .flatten()
    }
}

/// The places that number words and digits lead to from the start of `run`, if they lead to its
/// end. Most words stop at their first letters, so this comes before anything that takes longer.
fn reachable_ends(run: &[Glyph]) -> Option<SmallVec<[usize; 16]>> {
    let mut places = SmallVec::new();
    // Bit by bit: whether the place at hand, and those behind it, can be reached.
    let mut reached = 1_u64;
    for (at, glyph) in run.iter().enumerate() {
        if reached & 1 == 1 {
            places.push(at);
            if matches!(glyph.class, Class::Digit(_)) {
                reached |= 1 << 1;
            } else {
                for (length, _) in TRIE.prefixes(&run[at..]) {
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
    (reached & 1 == 1).then_some(places)
}

/// The pieces of `run` (letters and digits without a gap) if number words and digits are all it
/// has, and at least two of them. Of all ways the one with the fewest pieces is taken.
pub(super) fn split(run: &[Glyph]) -> Option<Vec<RunPart>> {
    let is_digit = |at: usize| matches!(run[at].class, Class::Digit(_));
    let places = reachable_ends(run)?;
    // From the end: how many pieces the rest takes at least, and the first of them.
    let mut best: Vec<Option<(usize, usize, Option<Number>)>> = vec![None; run.len() + 1];
    best[run.len()] = Some((0, run.len(), None));
    for from in places.into_iter().rev() {
        if is_digit(from) {
            let joined =
                (from + 1 < run.len() && is_digit(from + 1)).then(|| best[from + 1]).flatten();
            best[from] = match joined {
                Some((pieces, to, None)) => Some((pieces, to, None)),
                _ => best[from + 1].map(|(pieces, ..)| (pieces + 1, from + 1, None)),
            };
            continue;
        }
        for (length, number) in TRIE.prefixes(&run[from..]) {
            let Some((pieces, ..)) = best[from + length] else { continue };
            if best[from].is_none_or(|(fewest, ..)| pieces < fewest) {
                best[from] = Some((pieces + 1, from + length, Some(number)));
            }
        }
    }
    let mut pieces = Vec::new();
    let mut from = 0;
    while from < run.len() {
        let (_, to, number) = best[from]?;
        pieces.push(RunPart { from, to, number });
        from = to;
    }
    (pieces.len() >= 2).then_some(pieces)
}

#[cfg(test)]
mod tests {
    use super::super::shadow::Shadow;
    use super::*;

    fn lengths(text: &str) -> Option<Vec<usize>> {
        let pieces = split(&Shadow::of(text).glyphs)?;
        Some(pieces.iter().map(|piece| piece.to - piece.from).collect())
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
