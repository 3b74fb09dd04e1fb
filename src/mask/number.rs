//! Phone numbers in a scene: tries the windows of each chain, then words, then pieces.
//!
//! What lives here: which windows are tried and in which order. What must not: whether one is a
//! number (see `verdict.rs`, `spoken.rs`, `chunk.rs`). To add a way to look: a step in [`find`].
//!
//! **Invariant:** each token starts at most [`REACH`] windows per level, so the time is linear.

use std::ops::Range;

use once_cell::sync::Lazy;
use regex::Regex;

use super::chain::{self, Digits, Scene};
use super::chunk;
use super::plan::Plan;
use super::rule::{Finding, Rule};
use super::spoken;
use super::token::Kind;
use super::verdict::{self, FEWEST, Level, MOST, Window};

/// The most tokens of a window: no number has more digits.
const REACH: usize = MOST;

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
    let mut search = Search { scene, plan: Plan::new(), found: Vec::new(), windows: 0 };
    let mut rest = Vec::new();
    for chain in chain::chains(scene) {
        for part in without(chain, taken) {
            search.chain(part, &mut rest);
        }
    }
    for tokens in chunk::numbers(scene, &rest) {
        search.add(&tokens, Rule::Chunks);
    }
    (search.found, search.windows)
}

/// The parts of `chain` outside of `taken`.
pub(super) fn without(chain: Range<usize>, taken: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut from = chain.start;
    let first = taken.partition_point(|range| range.end <= chain.start);
    for range in taken[first..].iter().take_while(|range| range.start < chain.end) {
        if from < range.start {
            parts.push(from..range.start);
        }
        from = from.max(range.end);
    }
    if from < chain.end {
        parts.push(from..chain.end);
    }
    parts
}

struct Search<'a> {
    scene: &'a Scene<'a>,
    plan: Plan,
    found: Vec<Finding>,
    windows: usize,
}

impl Search<'_> {
    fn add(&mut self, tokens: &Range<usize>, rule: Rule) {
        let scene = self.scene;
        let Some(last) = scene.tokens[..tokens.end].last() else { return };
        let start = if rule == Rule::National { self.trunk(tokens.start) } else { tokens.start };
        let from = scene.start(start);
        let mut to = last.to;
        let after = &scene.shadow.glyphs[to..];
        let tail = chain::line(&after[..after.len().min(20)]);
        if rule != Rule::Chunks
            && let Some(extension) = EXTENSION.find(&tail)
        {
            to += extension.as_str().chars().count();
        }
        self.found.push(Finding { range: scene.shadow.bytes(from, to), rule });
    }

    /// The lone digit that is dialled before the number at the token `at`, or that token itself:
    /// 8 (912) 367-92-47.
    fn trunk(&self, at: usize) -> usize {
        let Some(before) = at.checked_sub(1) else { return at };
        let token = &self.scene.tokens[before];
        let gap = self.scene.gap(before);
        let parenthesis = gap.iter().any(|glyph| glyph.plain == '(');
        let joined = token.kind == Kind::Digits && token.len() == 1 && chain::joins(gap);
        if joined && parenthesis { before } else { at }
    }

    /// Finds numbers in `chain` and adds to `rest` the parts without any. Words come before digits
    /// that only a cue makes a number: in "six, 8, 9, 4 …" the six is part of it.
    fn chain(&mut self, chain: Range<usize>, rest: &mut Vec<Range<usize>>) {
        let mut taken = Vec::new();
        self.digits(&chain, &[Level::Certain], &mut taken);
        for part in without(chain.clone(), &taken) {
            if let Some(tokens) = spoken::number(self.scene, &part) {
                self.add(&tokens, Rule::Words);
                taken.push(tokens);
            }
        }
        taken.sort_unstable_by_key(|range| range.start);
        self.digits(&chain, &[Level::Likely, Level::Possible], &mut taken);
        rest.extend(without(chain, &taken));
    }

    /// Finds numbers in the runs of digits of `chain`, the surest first, and adds them to `taken`.
    fn digits(&mut self, chain: &Range<usize>, levels: &[Level], taken: &mut Vec<Range<usize>>) {
        let is_word = |at: &usize| matches!(self.scene.tokens[*at].kind, Kind::Number(_));
        let words: Vec<_> = chain.clone().filter(is_word).map(|at| at..at + 1).collect();
        for run in without(chain.clone(), &words) {
            let digits = Digits::of(self.scene, &run);
            if digits.slice(0..run.len()).len() < FEWEST || verdict::is_list(self.scene, &run) {
                continue;
            }
            for level in levels {
                for part in without(run.clone(), &taken.clone()) {
                    self.windows(&run, &part, &digits, *level, taken);
                }
                taken.sort_unstable_by_key(|range| range.start);
            }
        }
    }

    fn windows(
        &mut self,
        chain: &Range<usize>,
        part: &Range<usize>,
        digits: &Digits,
        level: Level,
        taken: &mut Vec<Range<usize>>,
    ) {
        let mut from = part.start;
        while from < part.end {
            let longest = part.end.min(from + REACH);
            let found = (from + 1..=longest).rev().find_map(|to| {
                let own = digits.slice(from - chain.start..to - chain.start);
                if !(FEWEST..=MOST).contains(&own.len()) {
                    return None;
                }
                self.windows += 1;
                let window = Window { scene: self.scene, tokens: from..to, digits: own };
                Some((to, window.judge(level, &self.plan)?))
            });
            match found {
                Some((to, rule)) => {
                    taken.push(from..to);
                    self.add(&(from..to), rule);
                    from = to;
                }
                None => from += 1,
            }
        }
    }
}
