//! [`find`]: phone numbers in a scene, from the windows of each chain, from words and from parts.
//!
//! This module decides which windows to try and orders them. Whether a window is a number must not
//! be decided here, but in `verdict.rs`, `spoken.rs` and `chunk.rs`. To add a search, add a step to
//! [`find`].
//!
//! **Invariant:** Each token starts at most [`MAX_WINDOW_TOKENS`] windows per level, so the time is
//! linear.

use std::ops::Range;

use once_cell::sync::Lazy;
use regex::Regex;
use smallvec::SmallVec;

use super::chain;
use super::chain::Chains;
use super::chunk;
use super::digits::Digits;
use super::list;
use super::numbering_plan::NumberingPlans;
use super::rule::{Finding, Rule};
use super::scene::Scene;
use super::shadow::Class;
use super::spoken;
use super::token::{Kind, Token};
use super::verdict::{Level, MAX_DIGITS, MIN_DIGITS};
use super::window::Window;

/// Maximum tokens of a window: no number has more digits.
const MAX_WINDOW_TOKENS: usize = MAX_DIGITS;

/// Minimum digits of a number that a line or sentence ends in: fewer may go on in the next.
const MIN_SEGMENT_DIGITS: usize = 9;

/// An extension that may follow a number.
static EXTENSION: Lazy<Regex> = Lazy::new(|| {
    let pattern = concat!(
        r"^[ ,;(/-]{0,3}(?:(?:extension|extn|ext|x|int|interno|anexo|ramal|poste|durchwahl|dw|доб)",
        r"[ .:=]{0,3}|#)[0-9]{1,6}",
    );
    Regex::new(pattern).expect("the pattern is a constant that the tests compile")
});

/// Compiles the pattern now, so that the first number does not wait for it.
pub(super) fn warm_up() {
    Lazy::force(&EXTENSION);
}

/// Finds the phone numbers in `scene` outside of the tokens `taken`. Also returns the number of
/// windows judged.
pub(super) fn find(scene: &Scene, taken: &[Range<usize>]) -> (Vec<Finding>, usize) {
    let mut is_taken = SmallVec::from_elem(false, scene.tokens.len());
    for tokens in taken {
        is_taken[tokens.clone()].fill(true);
    }
    let mut search = PhoneSearch {
        scene,
        plan: NumberingPlans::new(),
        found: Vec::new(),
        taken: is_taken,
        min_digits: MIN_DIGITS,
        windows: 0,
    };
    let mut rest = Chains::new();
    for chain in chain::chains(scene) {
        search.segments(&chain);
        search.chain(chain, &mut rest);
    }
    for tokens in chunk::numbers(scene, &rest) {
        search.add(&tokens, Rule::Chunks);
    }
    (search.found, search.windows)
}

/// The state of a search through one scene.
struct PhoneSearch<'a> {
    scene: &'a Scene<'a>,
    plan: NumberingPlans,
    found: Vec<Finding>,
    /// Whether each token is part of a finding.
    taken: SmallVec<[bool; 64]>,
    /// Minimum digits of a window.
    min_digits: usize,
    windows: usize,
}

impl PhoneSearch<'_> {
    /// Adds the number at `tokens`, with its prefix and extension.
    fn add(&mut self, tokens: &Range<usize>, rule: Rule) {
        let scene = self.scene;
        let Some(last) = scene.tokens[..tokens.end].last() else { return };
        let start =
            if rule == Rule::National { self.trunk_prefix(tokens.start) } else { tokens.start };
        let from = scene.start_with_prefix(start);
        let to = if rule == Rule::Chunks { last.to } else { last.to + extension(scene, last.to) };
        let to = scene.end_with_suffix(from, to);
        self.taken[tokens.clone()].fill(true);
        self.found.push(Finding { range: scene.shadow.bytes(from, to), rule });
    }

    /// Returns the token of the trunk digit before the number at the token `index`, or `index` if
    /// the number has none: 8 (912) 367-92-47, 8 800 555 35 35.
    fn trunk_prefix(&self, index: usize) -> usize {
        let Some(before) = index.checked_sub(1) else { return index };
        let token = &self.scene.tokens[before];
        let gap = self.scene.gap(before);
        let has_parenthesis = gap.iter().any(|glyph| glyph.plain == '(');
        let is_eight = self.scene.shadow.get(token.from).is_some_and(|glyph| glyph.plain == '8')
            && matches!(gap, [glyph] if matches!(glyph.plain, ' ' | '-'))
            && self.scene.tokens[index].len() == 3;
        let is_joined = token.kind == Kind::Digits && token.len() == 1 && chain::joins(gap);
        if is_joined && !self.taken[before] && (has_parenthesis || is_eight) {
            before
        } else {
            index
        }
    }

    /// Returns the first run of free tokens in `range`, without words if `digits_only`.
    fn run(&self, range: Range<usize>, digits_only: bool) -> Option<Range<usize>> {
        let is_word = |index: usize| matches!(self.scene.tokens[index].kind, Kind::Number(_));
        let is_free = |index: &usize| !(self.taken[*index] || digits_only && is_word(*index));
        let from = range.clone().find(is_free)?;
        let to = (from..range.end).find(|index| !is_free(index)).unwrap_or(range.end);
        Some(from..to)
    }

    /// Finds the whole numbers in the lines and sentences of `chain`, so that digits of the one
    /// before are not part of them: room 214, then 020 7946 0958 in the next line.
    fn segments(&mut self, chain: &Range<usize>) {
        if !chain::may_break(self.scene) {
            return;
        }
        let is_break = |index: &usize| chain::is_break(self.scene, *index);
        let mut from = chain.start;
        if !(chain.start..chain.end - 1).any(|index| is_break(&index)) {
            return;
        }
        self.min_digits = MIN_SEGMENT_DIGITS;
        for index in chain.clone() {
            if index + 1 == chain.end || chain::is_break(self.scene, index) {
                self.digits(from..index + 1, &[Level::Certain, Level::Likely, Level::Possible]);
                from = index + 1;
            }
        }
        self.min_digits = MIN_DIGITS;
    }

    /// Finds the numbers in `chain`, and adds the parts without numbers to `rest`.
    ///
    /// Words are tried before digits that need a cue, so that in "six, 8, 9, 4 …" the six is part
    /// of the number.
    fn chain(&mut self, chain: Range<usize>, rest: &mut Chains) {
        let is_word = |token: &Token| matches!(token.kind, Kind::Number(_));
        if self.scene.tokens[chain.clone()].iter().any(is_word) {
            self.digits(chain.clone(), &[Level::Certain]);
            let mut remaining = chain.clone();
            while let Some(part) = self.run(remaining.clone(), false) {
                remaining.start = part.end;
                if let Some(tokens) = spoken::number(self.scene, &part) {
                    self.add(&tokens, Rule::Words);
                }
            }
            self.digits(chain.clone(), &[Level::Likely, Level::Possible]);
        } else {
            self.digits(chain.clone(), &[Level::Certain, Level::Likely, Level::Possible]);
        }
        let mut remaining = chain;
        while let Some(part) = self.run(remaining.clone(), false) {
            remaining.start = part.end;
            rest.push(part);
        }
    }

    /// Finds numbers in the runs of digits in `chain`, from the most certain to the least.
    fn digits(&mut self, chain: Range<usize>, levels: &[Level]) {
        let mut remaining = chain;
        while let Some(run) = self.run(remaining.clone(), true) {
            remaining.start = run.end;
            let digit_count: usize = run.clone().map(|index| self.scene.tokens[index].len()).sum();
            if digit_count < self.min_digits || list::is_list(self.scene, &run) {
                continue;
            }
            let digits = Digits::of(self.scene, &run);
            let found_count = self.found.len();
            for (index, level) in levels.iter().enumerate() {
                if *level == Level::Likely && self.found.len() > found_count {
                    // The numbers found split the run into several.
                    self.digits(run.clone(), &levels[index..]);
                    break;
                }
                self.windows(&run, &digits, *level);
            }
        }
    }

    /// Tries the windows of `run` at one level, the longest first at each token.
    fn windows(&mut self, run: &Range<usize>, digits: &Digits, level: Level) {
        let mut remaining = run.clone();
        while let Some(from) = remaining.find(|index| !self.taken[*index]) {
            let range = from..run.end.min(from + MAX_WINDOW_TOKENS);
            let longest = range.clone().find(|index| self.taken[*index]).unwrap_or(range.end);
            let has_plus = self.scene.has_plus(from);
            let first = digits.slice(from - run.start..from - run.start + 1).first();
            if !has_plus
                && !self.scene.is_mention(from)
                && first.is_some_and(|first| !level.may_start(self.scene, *first))
            {
                remaining.start = from + 1;
                continue;
            }
            let ends = digits.ends(from - run.start, self.min_digits..=MAX_DIGITS);
            let (shortest, longest) =
                (run.start + ends.start, longest.min(run.start + ends.end - 1));
            let found = (shortest..=longest).rev().find_map(|to| {
                let window_digits = digits.slice(from - run.start..to - run.start);
                self.windows += 1;
                let window =
                    Window { scene: self.scene, tokens: from..to, digits: window_digits, has_plus };
                Some((to, window.judge(level, &self.plan)?))
            });
            remaining.start = match found {
                Some((to, rule)) => {
                    self.add(&(from..to), rule);
                    to
                }
                None => from + 1,
            };
        }
    }
}

/// Returns the length of the extension at the glyph `start`, or 0 if it has none.
fn extension(scene: &Scene, start: usize) -> usize {
    let after = &scene.shadow.glyphs[start..];
    let after = &after[..after.len().min(20)];
    let has_digits = after.iter().any(|glyph| matches!(glyph.class, Class::Digit(_)));
    if !has_digits {
        return 0;
    }
    EXTENSION.find(&chain::to_plain(after)).map_or(0, |found| found.as_str().chars().count())
}

#[cfg(test)]
mod tests {
    use crate::mask::mask;

    #[test]
    fn phone_several_numbers_are_each_hidden() {
        for (text, expected) in [
            ("jio 8928329801 airtel +44 7400 834341", "jio [hidden] airtel [hidden]"),
            ("9876512340 9123456780", "[hidden] [hidden]"),
            ("98765 12340\n91234 56780", "[hidden]\n[hidden]"),
            ("9876512340/9123456780", "[hidden]/[hidden]"),
            ("9876512340, 8123456780, 7712345670", "[hidden], [hidden], [hidden]"),
            ("6 ek nau teen 7 zero 5 1 6 5, 9876512340", "[hidden], [hidden]"),
        ] {
            assert_eq!(mask(text).as_str(), expected);
        }
    }

    #[test]
    fn phone_number_may_span_lines() {
        assert_eq!(mask("num:\n90136\r\n40509").as_str(), "num:\n[hidden]");
    }

    #[test]
    fn phone_digits_of_the_line_before_are_not_part_of_it() {
        for (text, expected) in [
            ("room 214\n020 7946 0833", "room 214\n[hidden]"),
            ("70651\n66375 76394", "70651\n[hidden]"),
            ("i am 24. 98334 12506", "i am 24. [hidden]"),
            ("room 214 020 7946 0833", "room 214 [hidden]"),
            ("bus 45\n0412 221 158\n7", "bus 45\n[hidden]\n7"),
            ("+91\n98334 12506", "[hidden]"),
            ("98334\n12506", "[hidden]"),
            ("1200\n1500\n1800", "1200\n1500\n1800"),
            ("560001\n560002", "560001\n560002"),
        ] {
            assert_eq!(mask(text).as_str(), expected, "{text}");
        }
    }

    #[test]
    fn phone_extension_is_hidden_too() {
        for text in ["0121 228 0357 x8192", "+91 74102 54777#84", "+61 2 1244 8564;ext=3669"] {
            assert_eq!(mask(text).as_str(), "[hidden]", "{text}");
        }
    }

    #[test]
    fn phone_text_around_it_stays() {
        assert_eq!(mask("at 5: 98765 12340, 10 am").as_str(), "at 5: [hidden], 10 am");
        assert_eq!(mask("12/05/2024 98765 12340").as_str(), "12/05/2024 [hidden]");
    }
}
