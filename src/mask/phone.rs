//! Phone numbers in a scene: tries the windows of each chain, then words, then pieces.
//!
//! What lives here: which windows are tried and in which order. What must not: whether one is a
//! number (see `verdict.rs`, `spoken.rs`, `chunk.rs`). To add a way to look: a step in [`find`].
//!
//! **Invariant:** each token starts at most [`REACH`] windows per level, so the time is linear.

use std::ops::Range;

use once_cell::sync::Lazy;
use regex::Regex;
use smallvec::SmallVec;

use super::chain;
use super::chain::{Chains, Digits, Scene};
use super::chunk;
use super::list;
use super::numbering_plan::NumberingPlans;
use super::rule::{Finding, Rule};
use super::shadow::Class;
use super::spoken;
use super::token::{Kind, Token};
use super::verdict::{Level, MAX_DIGITS, MIN_DIGITS, Window};

/// The most tokens of a window: no number has more digits.
const MAX_WINDOW_TOKENS: usize = MAX_DIGITS;

/// What may follow a number as its extension.
static EXTENSION: Lazy<Regex> = Lazy::new(|| {
    let pattern = concat!(
        r"^[ ,;(/-]{0,3}(?:(?:extension|extn|ext|x|int|interno|anexo|ramal|poste|durchwahl|dw|доб)",
        r"[ .:=]{0,3}|#)[0-9]{1,6}",
    );
    Regex::new(pattern).expect("the pattern is a constant that the tests compile")
});

/// Compiles the patterns now rather than at the first number.
pub(super) fn warm_up() {
    Lazy::force(&EXTENSION);
}

/// The phone numbers of `scene` outside of the tokens `taken`, and how many windows were judged.
pub(super) fn find(scene: &Scene, taken: &[Range<usize>]) -> (Vec<Finding>, usize) {
    let mut flags = SmallVec::from_elem(false, scene.tokens.len());
    for tokens in taken {
        flags[tokens.clone()].fill(true);
    }
    let mut search = PhoneSearch {
        scene,
        plan: NumberingPlans::new(),
        found: Vec::new(),
        taken: flags,
        windows: 0,
    };
    let mut rest = Chains::new();
    for chain in chain::chains(scene) {
        search.chain(chain, &mut rest);
    }
    for tokens in chunk::numbers(scene, &rest) {
        search.add(&tokens, Rule::Chunks);
    }
    (search.found, search.windows)
}

struct PhoneSearch<'a> {
    scene: &'a Scene<'a>,
    plan: NumberingPlans,
    found: Vec<Finding>,
    /// Which tokens are part of something found.
    taken: SmallVec<[bool; 64]>,
    windows: usize,
}

impl PhoneSearch<'_> {
    fn add(&mut self, tokens: &Range<usize>, rule: Rule) {
        let scene = self.scene;
        let Some(last) = scene.tokens[..tokens.end].last() else { return };
        let start =
            if rule == Rule::National { self.trunk_prefix(tokens.start) } else { tokens.start };
        let from = scene.start_with_prefix(start);
        let to = if rule == Rule::Chunks { last.to } else { last.to + extension(scene, last.to) };
        self.taken[tokens.clone()].fill(true);
        self.found.push(Finding { range: scene.shadow.bytes(from, to), rule });
    }

    /// The lone digit that is dialled before the number at the token `at`, or that token itself:
    /// 8 (912) 367-92-47, 8 800 555 35 35.
    fn trunk_prefix(&self, at: usize) -> usize {
        let Some(before) = at.checked_sub(1) else { return at };
        let token = &self.scene.tokens[before];
        let gap = self.scene.gap(before);
        let parenthesis = gap.iter().any(|glyph| glyph.plain == '(');
        let eight = self.scene.shadow.get(token.from).is_some_and(|glyph| glyph.plain == '8')
            && matches!(gap, [glyph] if matches!(glyph.plain, ' ' | '-'))
            && self.scene.tokens[at].len() == 3;
        let joined = token.kind == Kind::Digits && token.len() == 1 && chain::joins(gap);
        if joined && !self.taken[before] && (parenthesis || eight) { before } else { at }
    }

    /// The first run of tokens within `range` that are not taken and, if `digits`, no words.
    fn run(&self, range: Range<usize>, digits: bool) -> Option<Range<usize>> {
        let is_word = |at: usize| matches!(self.scene.tokens[at].kind, Kind::Number(_));
        let fits = |at: &usize| !(self.taken[*at] || digits && is_word(*at));
        let from = range.clone().find(fits)?;
        let to = (from..range.end).find(|at| !fits(at)).unwrap_or(range.end);
        Some(from..to)
    }

    /// Finds numbers in `chain` and adds to `rest` the parts without any. Words come before digits
    /// that only a cue makes a number: in "six, 8, 9, 4 …" the six is part of it.
    fn chain(&mut self, chain: Range<usize>, rest: &mut Chains) {
        let is_word = |token: &Token| matches!(token.kind, Kind::Number(_));
        if self.scene.tokens[chain.clone()].iter().any(is_word) {
            self.digits(chain.clone(), &[Level::Certain]);
            let mut left = chain.clone();
            while let Some(part) = self.run(left.clone(), false) {
                left.start = part.end;
                if let Some(tokens) = spoken::number(self.scene, &part) {
                    self.add(&tokens, Rule::Words);
                }
            }
            self.digits(chain.clone(), &[Level::Likely, Level::Possible]);
        } else {
            self.digits(chain.clone(), &[Level::Certain, Level::Likely, Level::Possible]);
        }
        let mut left = chain;
        while let Some(part) = self.run(left.clone(), false) {
            left.start = part.end;
            rest.push(part);
        }
    }

    /// Finds numbers in the runs of digits within `chain`, the surest first.
    fn digits(&mut self, chain: Range<usize>, levels: &[Level]) {
        let mut left = chain;
        while let Some(run) = self.run(left.clone(), true) {
            left.start = run.end;
            let count: usize = run.clone().map(|at| self.scene.tokens[at].len()).sum();
            if count < MIN_DIGITS || list::is_list(self.scene, &run) {
                continue;
            }
            let digits = Digits::of(self.scene, &run);
            let known = self.found.len();
            for (at, level) in levels.iter().enumerate() {
                if *level == Level::Likely && self.found.len() > known {
                    // What is certain parts the run into others.
                    self.digits(run.clone(), &levels[at..]);
                    break;
                }
                self.windows(&run, &digits, *level);
            }
        }
    }

    /// Tries the windows of `run` at one level, at each token the longest first.
    fn windows(&mut self, run: &Range<usize>, digits: &Digits, level: Level) {
        let mut left = run.clone();
        while let Some(from) = left.find(|at| !self.taken[*at]) {
            let reach = from..run.end.min(from + MAX_WINDOW_TOKENS);
            let longest = reach.clone().find(|at| self.taken[*at]).unwrap_or(reach.end);
            let plus = self.scene.has_plus(from);
            let first = digits.slice(from - run.start..from - run.start + 1).first();
            if !plus && first.is_some_and(|first| !level.may_start(self.scene, *first)) {
                left.start = from + 1;
                continue;
            }
            let ends = digits.ends(from - run.start, MIN_DIGITS..=MAX_DIGITS);
            let (shortest, longest) =
                (run.start + ends.start, longest.min(run.start + ends.end - 1));
            let found = (shortest..=longest).rev().find_map(|to| {
                let own = digits.slice(from - run.start..to - run.start);
                self.windows += 1;
                let window = Window { scene: self.scene, tokens: from..to, digits: own, plus };
                Some((to, window.judge(level, &self.plan)?))
            });
            left.start = match found {
                Some((to, rule)) => {
                    self.add(&(from..to), rule);
                    to
                }
                None => from + 1,
            };
        }
    }
}

/// How many glyphs from `at` on are the extension of the number before.
fn extension(scene: &Scene, at: usize) -> usize {
    let after = &scene.shadow.glyphs[at..];
    let after = &after[..after.len().min(20)];
    let digits = after.iter().any(|glyph| matches!(glyph.class, Class::Digit(_)));
    if !digits {
        return 0;
    }
    EXTENSION.find(&chain::to_plain(after)).map_or(0, |found| found.as_str().chars().count())
}

#[cfg(test)]
mod tests {
    use super::super::mask;

    #[test]
    fn phone_several_numbers_are_each_hidden() {
        for (text, shown) in [
            ("jio 8928329801 airtel +44 7400 834341", "jio [hidden] airtel [hidden]"),
            ("9876512340 9123456780", "[hidden] [hidden]"),
            ("98765 12340\n91234 56780", "[hidden]\n[hidden]"),
            ("9876512340/9123456780", "[hidden]/[hidden]"),
            ("9876512340, 8123456780, 7712345670", "[hidden], [hidden], [hidden]"),
            ("6 ek nau teen 7 zero 5 1 6 5, 9876512340", "[hidden], [hidden]"),
        ] {
            assert_eq!(mask(text).as_str(), shown);
        }
    }

    #[test]
    fn phone_number_may_span_lines() {
        assert_eq!(mask("num:\n90136\r\n40509").as_str(), "num:\n[hidden]");
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
