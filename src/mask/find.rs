//! [`all`] findings in one text: runs the rules, and repeats them on the masked text.
//!
//! This module builds the [`Scene`], decides the order of the rules, and maps their findings to
//! ranges of the text. The rules themselves must not be here. To add a rule, call it in [`run`].
//!
//! **Invariant:** Masking a masked text finds nothing more.

use std::ops::Range;

use super::connector;
use super::contact;
use super::context;
use super::cue::Sense;
use super::handle;
use super::id_number;
use super::lookalike;
use super::masked::{HIDDEN, hide};
use super::phone;
use super::prefilter;
use super::rule::{Finding, Rule};
use super::scene::Scene;
use super::shadow::{MarkSet, Shadow};
use super::token::{Kind, Token};
use super::tokenizer;
use super::typo;

/// Maximum rounds of the rules on one text.
///
/// A hidden range can change how the rest of the text reads, so the rules repeat until they find
/// nothing. A text that needs more rounds is hostile.
const MAX_ROUNDS: usize = 4;

/// Maximum digits and number words outside of the findings that no rule can make a number of.
const MAX_SETTLED_DIGITS: usize = 3;

/// Returns the findings in `text`, in order, without overlaps and on character boundaries.
pub(super) fn all(text: &str) -> Vec<Finding> {
    if !prefilter::may_contain(text) {
        return Vec::new();
    }
    all_by_rules(text)
}

/// Returns the findings of the rules. Most texts do not get here, so that [`all`] remains small.
#[inline(never)]
fn all_by_rules(text: &str) -> Vec<Finding> {
    let (scene, found) = scene(text);
    let found = run(&scene, found).0;
    until_settled(&scene, found)
}

/// Like [`all`], but also returns the scene of the text, which is built only once.
pub(super) fn all_and_scene(text: &str) -> (Vec<Finding>, Scene<'_>) {
    let (scene, found) = scene(text);
    let found = if prefilter::may_contain(text) {
        let found = run(&scene, found).0;
        until_settled(&scene, found)
    } else {
        Vec::new()
    };
    (found, scene)
}

/// Like [`until_stable`] for all findings of one run on `scene`, without reading the text again if
/// the scene tells that there are no more.
pub(super) fn until_settled(scene: &Scene, found: Vec<Finding>) -> Vec<Finding> {
    let found = merged(found);
    if found.is_empty() || is_settled(scene, &found) {
        found
    } else {
        until_stable(scene.shadow.text, found)
    }
}

/// Returns `true` if hardly any token outside of `found` says digits, so that no rule can find
/// more in the rest.
///
/// A hidden range is a separate word, so the tokens outside of it stay as they are, unless they touch it: the end of
/// `2024123tel:67` becomes an address once the digits are hidden. A link that is not hidden is a code.
fn is_settled(scene: &Scene, found: &[Finding]) -> bool {
    if scene.shadow.marks.has(MarkSet::AT_SIGN) {
        return false;
    }
    let mut findings = found.iter().peekable();
    let mut digits = 0;
    for token in &scene.tokens {
        let weight = match token.kind {
            Kind::Word if !token.sense.has(Sense::PLATFORM) => continue,
            Kind::Number(_) => 1,
            Kind::Digits => token.len(),
            Kind::Word | Kind::Lookalike | Kind::Code => MAX_SETTLED_DIGITS + 1,
        };
        let glyphs = &scene.shadow.glyphs;
        let (first, last) = (glyphs[token.from].offset, glyphs[token.to - 1].offset);
        while findings.next_if(|finding| finding.range.end <= first).is_some() {}
        let is_hidden = findings
            .peek()
            .is_some_and(|finding| finding.range.start <= first && last < finding.range.end);
        digits += if is_hidden { 0 } else { weight };
        if digits > MAX_SETTLED_DIGITS {
            return false;
        }
    }
    digits == 0 || !found.iter().any(|finding| touches_word(scene.shadow.text, &finding.range))
}

/// Whether a letter or a digit is directly before or behind a range.
fn touches_word(text: &str, range: &Range<usize>) -> bool {
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    before.into_iter().chain(after).any(char::is_alphanumeric)
}

/// Adds to `found` in `text` all findings that appear after those are hidden.
pub(super) fn until_stable(text: &str, mut found: Vec<Finding>) -> Vec<Finding> {
    found = merged(found);
    for round in 1..=MAX_ROUNDS {
        if found.is_empty() {
            break;
        }
        let masked = hide(text, &found);
        if !prefilter::may_contain(&masked) {
            break;
        }
        let new = if round < MAX_ROUNDS { once(&masked).0 } else { all_digit_runs(&masked) };
        if new.is_empty() {
            break;
        }
        let segments = segments(text, &found);
        found.extend(new.into_iter().map(|finding| {
            let range = original_range(&segments, finding.range);
            Finding { range, ..finding }
        }));
        found = merged(found);
    }
    found
}

/// Returns the findings of one run of all rules, and its work: tokens plus windows.
pub(super) fn once(text: &str) -> (Vec<Finding>, usize) {
    let (scene, found) = scene(text);
    run(&scene, found)
}

/// Runs all rules on a scene and adds to the findings `found`; returns the findings and the work.
fn run(scene: &Scene, mut found: Vec<Finding>) -> (Vec<Finding>, usize) {
    let id_numbers: Vec<(Range<usize>, Rule)> = id_number::find(scene);
    found.extend(handle::find(scene));
    for (tokens, rule) in &id_numbers {
        let last = scene.tokens[..tokens.end].last().map_or(0, |token| token.to);
        let range = scene.shadow.bytes(scene.tokens[tokens.start].from, last);
        found.push(Finding { range, rule: *rule });
    }
    let id_numbers: Vec<_> = id_numbers.into_iter().map(|(tokens, _)| tokens).collect();
    let (phones, windows) = phone::find(scene, &id_numbers);
    found.extend(phones);
    (found, scene.tokens.len() + windows)
}

impl<'a> Scene<'a> {
    /// Builds the scene of `shadow` from its `tokens`.
    ///
    /// Misspelled number words become the words they were meant to be, and the words between them
    /// become connectors.
    fn of(shadow: Shadow<'a>, mut tokens: Vec<Token>) -> Self {
        lookalike::correct(&shadow, &mut tokens);
        typo::correct(&shadow, &mut tokens);
        if tokens.iter().any(|token| matches!(token.kind, Kind::Number(_))) {
            connector::correct(&mut tokens);
        }
        let senses = tokens.iter().fold(Sense::NONE, |senses, token| senses.with(token.sense));
        if senses.has(Sense::NUMBER.with(Sense::CODE)) {
            context::promote_word_pairs(&mut tokens);
        }
        let cue = Sense::PHONE.with(Sense::HANDOVER).with(Sense::CODE);
        let has_cue = shadow.marks.has(MarkSet::PHONE) || senses.has(cue);
        let has_lookalike = tokens.iter().any(|token| token.kind == Kind::Lookalike);
        Self { shadow, tokens, senses, has_cue, has_lookalike }
    }
}

/// Builds the scene of `text` with each address and link as one code. Also returns the findings
/// among the addresses and links.
pub(super) fn scene(text: &str) -> (Scene<'_>, Vec<Finding>) {
    let shadow = Shadow::of(text);
    let contacts = contact::find(&shadow);
    let tokens = tokenizer::tokens(&shadow, &contacts.ranges());
    (Scene::of(shadow, tokens), contacts.found)
}

/// Finds every token that says digits: the last resort for a text that does not become stable.
fn all_digit_runs(text: &str) -> Vec<Finding> {
    let (scene, mut found) = scene(text);
    let runs = scene.tokens.iter().filter(|token| token.says_digits() || token.kind == Kind::Code);
    found.extend(runs.map(|Token { from, to, .. }| Finding {
        range: scene.shadow.bytes(*from, *to),
        rule: Rule::National,
    }));
    found
}

/// Sorts findings and merges those that overlap.
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

/// A range of the masked text with the range of the original that it represents.
struct Segment {
    masked: Range<usize>,
    original: Range<usize>,
    /// Whether the text of both ranges is the same.
    is_verbatim: bool,
}

/// Returns the segments of `text` with `found` hidden.
fn segments(text: &str, found: &[Finding]) -> Vec<Segment> {
    let mut segments = Vec::with_capacity(found.len() * 2 + 1);
    let mut masked_len = 0;
    let mut add = |length: usize, original: Range<usize>, is_verbatim: bool| {
        segments.push(Segment { masked: masked_len..masked_len + length, original, is_verbatim });
        masked_len += length;
    };
    let mut from = 0;
    for Finding { range, .. } in found {
        add(range.start - from, from..range.start, true);
        add(HIDDEN.len(), range.clone(), false);
        from = range.end;
    }
    add(text.len() - from, from..text.len(), true);
    segments
}

/// Maps a range of the masked text to the original. A hidden range counts as a whole.
fn original_range(segments: &[Segment], range: Range<usize>) -> Range<usize> {
    let segment_at = |byte: usize| {
        let index = segments.partition_point(|segment| segment.masked.end <= byte);
        segments.get(index)
    };
    let start = segment_at(range.start).map_or(0, |segment| {
        if segment.is_verbatim {
            segment.original.start + (range.start - segment.masked.start)
        } else {
            segment.original.start
        }
    });
    let end = range.end.checked_sub(1).and_then(segment_at).map_or(start, |segment| {
        if segment.is_verbatim {
            segment.original.start + (range.end - segment.masked.start)
        } else {
            segment.original.end
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
        let segments = segments(text, &found);
        assert_eq!(original_range(&segments, 0..2), 0..2);
        assert_eq!(original_range(&segments, 12..14), 9..11);
        assert_eq!(original_range(&segments, 4..6), 3..8);
        assert_eq!(original_range(&segments, 1..13), 1..10);
    }

    #[test]
    fn find_merges_overlapping_findings() {
        let finding = |range| Finding { range, rule: Rule::Email };
        let all = merged(vec![finding(5..9), finding(0..3), finding(2..6), finding(9..9)]);
        assert_eq!(all, [finding(0..9)]);
    }
}
