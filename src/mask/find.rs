//! Everything there is to hide in one text: runs the rules, and again on what they leave.
//!
//! What lives here: the order of the rules, and their findings as places in the text. What must
//! not: the rules. To add a rule: a call in [`once`].
//!
//! **Invariant:** masking what was masked finds nothing more.

use std::ops::Range;

use super::chain::Scene;
use super::contact;
use super::id_number;
use super::masked::{HIDDEN, hide};
use super::phone;
use super::prefilter;
use super::rule::{Finding, Rule};
use super::shadow::Shadow;
use super::token;
use super::token::Token;

/// How often the rules run on what they left. What they hide can change how the rest reads, so
/// they run until nothing is found; a text that needs more rounds is hostile.
const MAX_ROUNDS: usize = 4;

/// The findings in `text`, in order, not overlapping, on character boundaries.
pub(super) fn all(text: &str) -> Vec<Finding> {
    if !prefilter::may_contain(text) {
        return Vec::new();
    }
    until_stable(text, once(text).0)
}

/// Like [`all`], with the scene of the text, which is built once for both.
pub(super) fn all_and_scene(text: &str) -> (Vec<Finding>, Scene<'_>) {
    let (scene, found) = scene(text);
    let found = if prefilter::may_contain(text) {
        until_stable(text, run(&scene, found).0)
    } else {
        Vec::new()
    };
    (found, scene)
}

/// Adds to what was found in `text` all that is found once that is hidden.
pub(super) fn until_stable(text: &str, mut found: Vec<Finding>) -> Vec<Finding> {
    found = merged(found);
    for round in 1..=MAX_ROUNDS {
        if found.is_empty() {
            break;
        }
        let left = hide(text, &found);
        if !prefilter::may_contain(&left) {
            break;
        }
        let more = if round < MAX_ROUNDS { once(&left).0 } else { all_digit_runs(&left) };
        if more.is_empty() {
            break;
        }
        let places = segments(text, &found);
        found.extend(more.into_iter().map(|finding| {
            let range = original_range(&places, finding.range);
            Finding { range, ..finding }
        }));
        found = merged(found);
    }
    found
}

/// The findings of one run of all rules, and how much work it was: tokens and windows.
pub(super) fn once(text: &str) -> (Vec<Finding>, usize) {
    let (scene, found) = scene(text);
    run(&scene, found)
}

/// Runs all rules on a scene in which `found` was found already.
fn run(scene: &Scene, mut found: Vec<Finding>) -> (Vec<Finding>, usize) {
    let taken: Vec<(Range<usize>, Rule)> = id_number::find(scene);
    found.extend(contact::handles(scene));
    for (tokens, rule) in &taken {
        let last = scene.tokens[..tokens.end].last().map_or(0, |token| token.to);
        let range = scene.shadow.bytes(scene.tokens[tokens.start].from, last);
        found.push(Finding { range, rule: *rule });
    }
    let taken: Vec<_> = taken.into_iter().map(|(tokens, _)| tokens).collect();
    let (numbers, windows) = phone::find(scene, &taken);
    found.extend(numbers);
    (found, scene.tokens.len() + windows)
}

/// The scene of `text`, in which addresses and links are closed, and the findings among those.
pub(super) fn scene(text: &str) -> (Scene<'_>, Vec<Finding>) {
    let shadow = Shadow::of(text);
    let contacts = contact::find(&shadow);
    let tokens = token::tokens(&shadow, &contacts.ranges());
    (Scene::of(shadow, tokens), contacts.found)
}

/// Everything that says digits, whatever it is: the last resort of a text that does not settle.
fn all_digit_runs(text: &str) -> Vec<Finding> {
    let (scene, mut found) = scene(text);
    let says =
        scene.tokens.iter().filter(|token| token.says_digits() || token.kind == token::Kind::Code);
    found.extend(says.map(|Token { from, to, .. }| Finding {
        range: scene.shadow.bytes(*from, *to),
        rule: Rule::National,
    }));
    found
}

/// Findings in order, those that overlap as one.
fn merged(mut found: Vec<Finding>) -> Vec<Finding> {
    found.retain(|finding| !finding.range.is_empty());
    found.sort_by_key(|finding| finding.range.start);
    found.dedup_by(|next, last| {
        let overlaps = next.range.start < last.range.end;
        if overlaps {
            last.range.end = last.range.end.max(next.range.end);
        }
        overlaps
    });
    found
}

/// A stretch of the hidden text and the stretch of the original that it stands for.
struct Segment {
    masked: Range<usize>,
    original: Range<usize>,
    is_verbatim: bool,
}

/// Where each stretch of `text` with `found` hidden came from.
fn segments(text: &str, found: &[Finding]) -> Vec<Segment> {
    let mut places = Vec::with_capacity(found.len() * 2 + 1);
    let mut shown = 0;
    let mut add = |length: usize, original: Range<usize>, kept: bool| {
        places.push(Segment { masked: shown..shown + length, original, is_verbatim: kept });
        shown += length;
    };
    let mut from = 0;
    for Finding { range, .. } in found {
        add(range.start - from, from..range.start, true);
        add(HIDDEN.len(), range.clone(), false);
        from = range.end;
    }
    add(text.len() - from, from..text.len(), true);
    places
}

/// Where a range of the hidden text is in the original; what was hidden counts as a whole.
fn original_range(places: &[Segment], range: Range<usize>) -> Range<usize> {
    let find = |at: usize| {
        let index = places.partition_point(|place| place.masked.end <= at);
        places.get(index)
    };
    let start = find(range.start).map_or(0, |place| {
        if place.is_verbatim {
            place.original.start + (range.start - place.masked.start)
        } else {
            place.original.start
        }
    });
    let end = range.end.checked_sub(1).and_then(find).map_or(start, |place| {
        if place.is_verbatim {
            place.original.start + (range.end - place.masked.start)
        } else {
            place.original.end
        }
    });
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn find_maps_masked_ranges_back_to_the_text() {
        let text = "ab 12345 cd";
        let found = [Finding { range: 3..8, rule: Rule::National }];
        assert_eq!(hide(text, &found), "ab [hidden] cd");
        let places = segments(text, &found);
        assert_eq!(original_range(&places, 0..2), 0..2);
        assert_eq!(original_range(&places, 12..14), 9..11);
        assert_eq!(original_range(&places, 4..6), 3..8);
        assert_eq!(original_range(&places, 1..13), 1..10);
    }

    #[test]
    fn find_merges_overlapping_findings() {
        let finding = |range| Finding { range, rule: Rule::Email };
        let all = merged(vec![finding(5..9), finding(0..3), finding(2..6), finding(9..9)]);
        assert_eq!(all, [finding(0..9)]);
    }
}
