//! Chains tokens that say digits into what may be one number, and cuts windows out of a chain.
//!
//! What lives here: which gaps a number may have, and the digits of a chain. What must not:
//! whether a window is a phone number (see `verdict.rs`). To allow or forbid a character between
//! two groups of digits: [`joins`].

use std::ops::{Range, RangeInclusive};

use smallvec::SmallVec;

use super::connector;
use super::context;
use super::context::Cue;
use super::cue::Sense;
use super::lexicon::Role;
use super::lookalike;
use super::shadow::{Class, Glyph, MarkSet, Shadow};
use super::shape;
use super::shape::is_indian_mobile;
use super::token::{Kind, Token};
use super::typo;

/// The most characters between two groups, and the most of them that are no spaces.
const MAX_GAP_CHARS: usize = 12;
const MAX_GAP_MARKS: usize = 4;
/// So many digits are a number of their own.
const COMPLETE_DIGITS: usize = 10;
/// The fewest members of a row that any marks join, and the most characters of those.
const MIN_ROW_MEMBERS: usize = 9;
const MAX_ROW_SEPARATOR: usize = 3;

/// Ranges of tokens; most texts have few, which need no allocation.
pub(super) type Chains = SmallVec<[Range<usize>; 4]>;

/// A text taken apart.
pub(super) struct Scene<'a> {
    pub(super) shadow: Shadow<'a>,
    pub(super) tokens: Vec<Token>,
    /// Whether there is any cue to look for.
    pub(super) has_cue: bool,
    /// Whether any token is a look-alike.
    pub(super) has_lookalike: bool,
}

impl<'a> Scene<'a> {
    /// Takes the tokens of `shadow`; misspelt number words become what is meant, and
    /// the words between them links.
    pub(super) fn of(shadow: Shadow<'a>, mut tokens: Vec<Token>) -> Self {
        lookalike::correct(&shadow, &mut tokens);
        if tokens.iter().any(|token| matches!(token.kind, Kind::Number(_))) {
            typo::correct(&shadow, &mut tokens);
            connector::correct(&mut tokens);
        }
        let senses = tokens.iter().fold(Sense::NONE, |senses, token| senses.with(token.sense));
        if senses.has(Sense::NUMBER.with(Sense::CODE)) {
            context::promote_word_pairs(&mut tokens);
        }
        let cue = Sense::PHONE.with(Sense::HANDOVER).with(Sense::CODE);
        let has_cue = shadow.marks.has(MarkSet::PHONE) || senses.has(cue);
        let has_lookalike = tokens.iter().any(|token| token.kind == Kind::Lookalike);
        Self { shadow, tokens, has_cue, has_lookalike }
    }

    /// The glyphs between the tokens `at` and `at + 1`.
    pub(super) fn gap(&self, at: usize) -> &[Glyph] {
        match (self.tokens.get(at), self.tokens.get(at + 1)) {
            (Some(left), Some(right)) => &self.shadow.glyphs[left.to..right.from],
            _ => &[],
        }
    }

    /// The glyphs of the tokens `range` with their gaps.
    pub(super) fn glyphs(&self, range: &Range<usize>) -> &[Glyph] {
        match (self.tokens.get(range.start), self.tokens[..range.end].last()) {
            (Some(first), Some(last)) => &self.shadow.glyphs[first.from..last.to],
            _ => &[],
        }
    }

    /// Whether a plus that says "international" stands before the token `at`: +91, (+91, + 91.
    pub(super) fn has_plus(&self, at: usize) -> bool {
        if !self.shadow.marks.has(MarkSet::PLUS) {
            return false;
        }
        let token = &self.tokens[at];
        let mut before = token.from;
        for _ in 0..2 {
            match self.shadow.before(before) {
                Some(glyph) if glyph.plain == '+' => {
                    // Between two short groups of digits it adds them.
                    let left = self.shadow.before(before - 1).map(|glyph| glyph.class);
                    return !matches!(left, Some(Class::Digit(_)))
                        || token.len() >= COMPLETE_DIGITS;
                }
                Some(glyph) if glyph.plain == '(' || glyph.class == Class::Space => before -= 1,
                _ => return false,
            }
        }
        false
    }

    /// Where a number that starts at the token `at` starts: its plus or parenthesis belongs to it.
    pub(super) fn start_with_prefix(&self, at: usize) -> usize {
        let mut from = self.tokens[at].from;
        if self.has_plus(at) {
            while self.shadow.glyphs[from].plain != '+' {
                from -= 1;
            }
        }
        let opens = self.shadow.before(from).is_some_and(|glyph| glyph.plain == '(');
        let closes = |glyph: &Glyph| glyph.plain == ')';
        if opens && self.shadow.glyphs[from..].iter().take(24).any(closes) {
            from - 1
        } else {
            from
        }
    }
}

/// Whether `gap` may stand inside a number.
pub(super) fn joins(gap: &[Glyph]) -> bool {
    // A mark that is repeated counts once: "73108...".
    let mut marks = 0;
    let mut before = ' ';
    for glyph in gap {
        marks += usize::from(glyph.class == Class::Mark && glyph.plain != before);
        before = glyph.plain;
    }
    if gap.len() > MAX_GAP_CHARS || marks > MAX_GAP_MARKS {
        return false;
    }
    let tight = gap.len() == 1;
    let spaced = gap.len() >= 3
        && gap.first().is_some_and(|glyph| glyph.class == Class::Space)
        && gap.last().is_some_and(|glyph| glyph.class == Class::Space);
    gap.iter().all(|glyph| match glyph.plain {
        // A plus begins another number; the others belong to sums, prices, angles and addresses.
        '+' | '@' | '%' | '#' | '<' | '°' | '?' | '₹' | '$' | '€' | '£' | '¥' | '×' | '÷' | '√'
        | '≈' => false,
        '=' | '^' => tight,
        '*' => !spaced,
        _ => true,
    })
}

/// The chains of `scene`: ranges of tokens that all say digits, with gaps that join. Runs that are
/// a date, a time, an amount or the like are left out and end a chain.
pub(super) fn chains(scene: &Scene) -> Chains {
    let mut chains = Chains::new();
    let mut rows = Rows::default();
    let mut at = 0;
    while at < scene.tokens.len() {
        if !scene.tokens[at].says_digits() {
            at += 1;
            continue;
        }
        let from = at;
        at += 1;
        while scene.tokens.get(at).is_some_and(Token::says_digits)
            && (joins(scene.gap(at - 1)) || rows.has(scene, at - 1))
        {
            at += 1;
        }
        split_off_figures(scene, from..at, &mut chains);
    }
    chains
}

/// Rows with the same marks between all their members, whatever marks: of single digits or number
/// words, 9+8+4+7, and of groups that are a mobile number, 987#654#3210. Sums are shorter than the
/// one, or end in an equals sign.
#[derive(Default)]
struct Rows {
    /// The last token of the row looked at last, and whether it is long enough.
    end: usize,
    long: bool,
}

impl Rows {
    /// Whether the gap behind the token `at` lies in a row. Asked from left to right.
    fn has(&mut self, scene: &Scene, at: usize) -> bool {
        if at < self.end {
            return self.long;
        }
        let single = |at: usize| {
            scene.tokens.get(at).is_some_and(|token| match token.kind {
                Kind::Digits => token.len() == 1,
                Kind::Number(number) => number.role == Role::Unit,
                _ => false,
            })
        };
        let gap = scene.gap(at);
        let same = |other: &[Glyph]| {
            gap.len() == other.len() && gap.iter().zip(other).all(|(a, b)| a.plain == b.plain)
        };
        self.end = at;
        if !(1..=MAX_ROW_SEPARATOR).contains(&gap.len()) {
            self.long = false;
        } else if single(at) {
            while single(self.end + 1) && same(scene.gap(self.end)) {
                self.end += 1;
            }
            let after = &scene.shadow.glyphs[scene.tokens[self.end].to..];
            let equals = after.iter().take(2).any(|glyph| glyph.plain == '=');
            self.long = self.end - at + 1 >= MIN_ROW_MEMBERS && !equals;
        } else {
            let group = |at: usize| {
                let token = scene.tokens.get(at)?;
                (token.kind == Kind::Digits && token.len() <= 5).then_some(token.len())
            };
            let mut count = group(at).unwrap_or(COMPLETE_DIGITS);
            while same(scene.gap(self.end)) && count < COMPLETE_DIGITS {
                let Some(more) = group(self.end + 1) else { break };
                self.end += 1;
                count += more;
            }
            let fits = is_unusual_separator(gap) && count == COMPLETE_DIGITS && self.end > at;
            let mobile = || is_indian_mobile(Digits::of(scene, &(at..self.end + 1)).all());
            self.long = fits && mobile();
        }
        self.end = self.end.max(at + 1);
        self.long
    }
}

/// Whether a gap is of marks that join nothing else but may be put into a mobile number: 98765#43210.
fn is_unusual_separator(gap: &[Glyph]) -> bool {
    let odd = |glyph: &Glyph| matches!(glyph.plain, '#' | '@' | '?' | '$' | '°');
    let angle = |glyph: &Glyph| matches!(glyph.plain, '<' | '>');
    gap.iter().all(odd) || gap.len() == 2 && gap.iter().all(angle)
}

/// Adds what is left of `chain` without its innocent runs.
fn split_off_figures(scene: &Scene, chain: Range<usize>, chains: &mut Chains) {
    let mut kept = chain.start;
    let mut from = chain.start;
    while from < chain.end {
        let mut to = from + 1;
        while to < chain.end && is_tight(scene.gap(to - 1)) {
            to += 1;
        }
        let run = from..to;
        if to - from <= 8 && to - from >= 2 && is_figure(scene, &run) {
            if kept < from {
                chains.push(kept..from);
            }
            kept = to;
        }
        from = to;
    }
    if kept < chain.end {
        chains.push(kept..chain.end);
    }
}

/// Whether a run is a figure that nobody is asked to call.
fn is_figure(scene: &Scene, run: &Range<usize>) -> bool {
    let line = to_plain(scene.glyphs(run));
    let called = || {
        context::cue(scene, run) == Cue::Adjacent
            && !context::is_amount(scene, run, line.len(), false)
            && !context::is_labelled(scene, run, line.len(), false)
    };
    shape::is_figure(&line) && !(scene.has_cue && shape::may_be_phone(&line) && called())
}

/// Whether two groups are joined by one mark and no space, or by one and a parenthesis.
fn is_tight(gap: &[Glyph]) -> bool {
    match gap {
        [glyph] => glyph.class == Class::Mark,
        [left, right] => left.plain == ')' && right.class == Class::Mark,
        _ => false,
    }
}

/// Glyphs as a line of plain text.
pub(super) fn to_plain(glyphs: &[Glyph]) -> String {
    let plain = |glyph: &Glyph| match glyph.class {
        Class::Space | Class::LineEnd => ' ',
        _ => glyph.plain,
    };
    let mut line = String::with_capacity(glyphs.len());
    line.extend(glyphs.iter().map(plain));
    line
}

/// The digits of a chain of digit tokens, and where each token's begin.
pub(super) struct Digits {
    values: SmallVec<[u8; 32]>,
    starts: SmallVec<[usize; 16]>,
}

impl Digits {
    pub(super) fn of(scene: &Scene, chain: &Range<usize>) -> Self {
        let tokens = &scene.tokens[chain.clone()];
        let mut values = SmallVec::with_capacity(tokens.iter().map(Token::len).sum());
        let mut starts = SmallVec::with_capacity(tokens.len() + 1);
        starts.push(0);
        for token in tokens {
            debug_assert!(!matches!(token.kind, Kind::Number(_)), "words are read by `spoken`");
            let glyphs = &scene.shadow.glyphs[token.from..token.to];
            values.extend(glyphs.iter().filter_map(|glyph| match glyph.class {
                Class::Digit(value) => Some(value),
                _ => lookalike::digit_in_context(glyph.plain),
            }));
            starts.push(values.len());
        }
        Self { values, starts }
    }

    /// All digits.
    fn all(&self) -> &[u8] {
        &self.values
    }

    /// The ends, counted as in [`Self::slice`], of the windows from the token `from` on that have so
    /// many digits.
    pub(super) fn ends(&self, from: usize, digits: RangeInclusive<usize>) -> Range<usize> {
        let starts = &self.starts[from..];
        // Each token has a digit, so that the last of them are not far.
        let starts = &starts[..starts.len().min(digits.end() + 2)];
        let first = starts[0];
        let shorter = starts.iter().take_while(|start| **start - first < *digits.start()).count();
        let fitting = starts.iter().take_while(|start| **start - first <= *digits.end()).count();
        from + shorter..from + fitting
    }

    /// The digits of the tokens `range`, counted from the chain's first.
    pub(super) fn slice(&self, range: Range<usize>) -> &[u8] {
        &self.values[self.starts[range.start]..self.starts[range.end]]
    }
}

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::*;

    fn scene(text: &str) -> Scene<'_> {
        let shadow = Shadow::of(text);
        let tokens = tokens(&shadow, &[]);
        Scene::of(shadow, tokens)
    }

    fn lengths(text: &str) -> Vec<usize> {
        chains(&scene(text)).iter().map(ExactSizeIterator::len).collect()
    }

    #[test]
    fn chain_joins_separated_groups() {
        assert_eq!(lengths("66*54*94-70_01"), [5]);
        assert_eq!(lengths("7. 5. 1. 0. 1"), [5]);
        assert_eq!(lengths("692\n997\n6290"), [3]);
        assert_eq!(lengths("60619 & 55347"), [2]);
    }

    #[test]
    fn chain_accepts_any_marks_in_rows_and_halves() {
        assert_eq!(lengths("9+8+4+7+6+0+6+0+2+2"), [10]);
        assert_eq!(lengths("nine + eight + one + zero + two + five + five + seven + four"), [9]);
        assert_eq!(lengths("98697<>50959"), [2]);
        assert_eq!(lengths("98792#26167"), [2]);
        assert_eq!(lengths("987@922@6167"), [3]);
        assert_eq!(lengths("9+8+4+7+6+0+6+0+2+2 = 44"), [1; 11]);
        assert_eq!(lengths("12345#26167"), [1, 1]);
    }

    #[test]
    fn chain_ends_at_sums_prices_and_words() {
        assert_eq!(lengths("12345 * 6789 = 83810205"), [1, 1, 1]);
        assert_eq!(lengths("98 + 76"), [1, 1]);
        assert_eq!(lengths("98 or 76"), [1, 1]);
    }

    #[test]
    fn chain_skips_dates_and_times() {
        assert_eq!(lengths("12/05/2024 98765 43210"), [2]);
        assert_eq!(lengths("18:30"), [] as [usize; 0]);
        assert_eq!(lengths("about 20.444.852"), [] as [usize; 0]);
        assert_eq!(lengths("call 20.444.852"), [3]);
        assert_eq!(lengths("call (209).786.9073"), [3]);
    }

    #[test]
    fn chain_includes_plus_and_parenthesis() {
        let scene = scene("x (+91) 98765");
        assert!(scene.has_plus(1));
        assert_eq!(scene.start_with_prefix(1), 2);
        assert!(!scene.has_plus(2));
        assert!(!Scene::of(Shadow::of("569+492"), tokens(&Shadow::of("569+492"), &[])).has_plus(1));
    }
}
