//! [`tokens`]: splits a [`Shadow`] into [`Token`]s.
//!
//! This module decides where a token starts and ends, and its kind. Joining tokens into numbers
//! must not be here, but in `chain.rs`. To create another kind of token, edit [`Tokenizer::run`].

use std::ops::Range;

use super::cue::Sense;
use super::glued;
use super::leet;
use super::lexicon::{LEXICON, WordEntry};
use super::lookalike;
use super::run_together;
use super::shadow::{Class, Glyph, Shadow};
use super::spaced_row;
use super::token::{Kind, Token};
use super::typo;

/// Maximum glyphs of a number word with signs for some of its letters.
const MAX_LEET_GLYPHS: usize = 10;

/// Minimum single digits and letters of a number with a letter after each digit.
const MIN_SCATTERED_PARTS: usize = 19;

/// Minimum single letters of a row that may be spelled-out number words.
const MIN_SPACED_LETTERS: usize = 12;

/// Returns the tokens of `shadow`. Each byte range in `closed` becomes one code; the ranges must be
/// sorted and must not overlap.
pub(super) fn tokens(shadow: &Shadow, closed: &[Range<usize>]) -> Vec<Token> {
    let mut tokenizer = Tokenizer { shadow, tokens: Vec::with_capacity(16), word: String::new() };
    let glyphs = &shadow.glyphs[..];
    // Iterates over the closed ranges as glyphs.
    let mut closed = closed.iter().map(|range| {
        let glyph_index = |byte: usize| glyphs.partition_point(|glyph| glyph.offset < byte);
        glyph_index(range.start)..glyph_index(range.end)
    });
    let end = glyphs.len()..glyphs.len();
    let mut next = closed.next().unwrap_or(end.clone());
    let mut index = 0;
    // End of the row of single letters that was read last.
    let mut row = 0;
    while let Some(glyph) = glyphs.get(index) {
        if index >= next.start {
            if next.end > index {
                tokenizer.push(index, next.end, Kind::Code, Sense::NONE);
                index = next.end;
            }
            next = closed.next().unwrap_or(end.clone());
            continue;
        }
        let limit = next.start;
        let from = index;
        if matches!(glyph.class, Class::Space | Class::LineEnd) {
            index += 1;
            continue;
        }
        let rest = &glyphs[from..limit];
        let (mut inner_count, mut digit_count) = (0, 0);
        for glyph in rest {
            match glyph.class {
                Class::Digit(_) => digit_count += 1,
                Class::Letter => {}
                _ => break,
            }
            inner_count += 1;
        }
        if inner_count == 1 && digit_count == 0 && from >= row {
            row = spaced_row::end(shadow, from);
            if row - from > 2 * MIN_SPACED_LETTERS
                && row <= limit
                && let Some(parts) = spaced_row::split(&glyphs[from..row])
            {
                tokenizer.push_parts(from, &parts);
                index = row;
                continue;
            }
        }
        index = from + inner_count;
        // Most tokens have no mark after them, so that nothing can continue them.
        if shadow.get(index).is_some_and(|glyph| glyph.class == Class::Mark) {
            if let Some(to) = lookalike::disguised_end(shadow, from..index, limit) {
                tokenizer.push(from, to, Kind::Lookalike, Sense::NONE);
                index = to;
                continue;
            }
            if let Some(to) = tokenizer.push_with_signs(from, index, limit) {
                index = to;
                continue;
            }
        }
        if index == from {
            index += 1;
        } else {
            tokenizer.run(from, index, digit_count);
        }
    }
    tokenizer.tokens
}

/// Returns `true` if a token may contain the glyph.
const fn is_inner(glyph: &Glyph) -> bool {
    matches!(glyph.class, Class::Digit(_) | Class::Letter)
}

/// Returns the entry of a word in two scripts by its look in Latin letters: nіnе.
fn in_latin(run: &[Glyph]) -> Option<WordEntry> {
    let letter = |glyph: &Glyph| match glyph.plain {
        plain if plain.is_ascii() => Some(plain),
        plain => lookalike::latin(plain),
    };
    let word = run.iter().map(letter).collect::<Option<String>>()?;
    Some(LEXICON.entry(&word))
}

/// The state of splitting one text.
struct Tokenizer<'a> {
    shadow: &'a Shadow<'a>,
    tokens: Vec<Token>,
    /// Buffer for a word that the text does not contain in plain form, reused between lookups.
    word: String,
}

impl Tokenizer<'_> {
    fn push(&mut self, from: usize, to: usize, kind: Kind, sense: Sense) {
        self.tokens.push(Token { from, to, kind, sense });
    }

    /// Splits a run of letters and `digits` digits, which contains no gap.
    fn run(&mut self, from: usize, to: usize, digits: usize) {
        let run = &self.shadow.glyphs[from..to];
        if digits == run.len() {
            self.push(from, to, Kind::Digits, Sense::NONE);
        } else if digits == 0 && !self.continues_lookalike(run) {
            self.letters(from, to);
        } else if digits > 0 && self.push_known(from, to) {
            // `push_known` pushed the whole run.
        } else if digits == 0 || lookalike::is_disguised(run) && !self.is_measure(from, to) {
            self.push(from, to, Kind::Lookalike, Sense::NONE);
        } else if let Some(parts) = run_together::split(run).or_else(|| leet::split(run)) {
            self.push_parts(from, &parts);
        } else {
            self.mixed(from, to);
        }
    }

    /// Splits a run of letters.
    fn letters(&mut self, from: usize, to: usize) {
        let run = &self.shadow.glyphs[from..to];
        let word = self.shadow.word(run, &mut self.word);
        let entry = LEXICON.entry(word);
        let is_mixed = || !word.is_ascii() && word.bytes().any(|byte| byte.is_ascii());
        let entry = if entry.number.is_none() && entry.sense == Sense::NONE && is_mixed() {
            in_latin(run).unwrap_or(entry)
        } else {
            entry
        };
        if let Some(number) = entry.number {
            return self.push(from, to, Kind::Number(number), entry.sense);
        }
        if entry.sense == Sense::NONE
            && let Some(parts) = run_together::split(run)
        {
            // "Oone" is not "o" and "one".
            let word = self.shadow.word(run, &mut self.word);
            return match typo::stretched(word).filter(|_| parts.len() == 2) {
                Some(number) => self.push(from, to, Kind::Number(number), Sense::NONE),
                None => self.push_parts(from, &parts),
            };
        }
        self.push(from, to, Kind::Word, entry.sense);
    }

    /// Returns `true` if letters continue a disguised number: the second half of 9sS7S sooSS.
    fn continues_lookalike(&self, run: &[Glyph]) -> bool {
        let is_long = |token: &&Token| token.kind == Kind::Lookalike && token.len() >= 4;
        run.len() >= 4
            && self.tokens.last().filter(is_long).is_some_and(|token| {
                self.shadow.get(token.to + 1).is_some_and(|glyph| glyph.offset == run[0].offset)
            })
            && run.iter().all(|glyph| lookalike::digit(glyph.plain).is_some())
    }

    /// Pushes the parts of a run that starts at the glyph `base`.
    fn push_parts(&mut self, base: usize, parts: &[run_together::RunPart]) {
        for part in parts {
            let kind = part.number.map_or(Kind::Digits, Kind::Number);
            self.push(base + part.from, base + part.to, kind, Sense::NONE);
        }
    }

    /// Pushes a short run as one word if it is a known word with digits: f0ur, 1st. Returns whether
    /// it is.
    fn push_known(&mut self, from: usize, to: usize) -> bool {
        if !(3..=9).contains(&(to - from)) {
            return false;
        }
        let word = self.shadow.word(&self.shadow.glyphs[from..to], &mut self.word);
        // Behind a number word, "7w0" is no measure.
        let is_behind = self.tokens.iter().rev().take(2).any(typo::is_spoken);
        if let Some(number) = leet::number(word, if is_behind { 1 } else { 2 }) {
            self.push(from, to, Kind::Number(number), Sense::NONE);
            return true;
        }
        if to - from > 5 {
            return false;
        }
        let sense = LEXICON.entry(word).sense;
        if sense.has(Sense::CONNECTOR) {
            self.push(from, to, Kind::Word, sense);
        }
        sense.has(Sense::CONNECTOR)
    }

    /// Pushes the run `from..to` together with the signs and letters after it, not beyond `limit`,
    /// if they are a number word in leet: n!ne, $even. Returns the end of the word.
    fn push_with_signs(&mut self, from: usize, to: usize, limit: usize) -> Option<usize> {
        let is_sign = |index: usize| {
            index < limit && self.shadow.get(index).is_some_and(|glyph| leet::is_sign(glyph.plain))
        };
        let is_letter =
            |index: usize| index < limit && self.shadow.get(index).is_some_and(is_inner);
        if !is_sign(to) || !is_letter(to + 1) && !is_sign(to + 1) {
            return None;
        }
        let inner = (to..limit.min(from + MAX_LEET_GLYPHS))
            .take_while(|index| is_letter(*index) || is_sign(*index))
            .count();
        let end = to + inner;
        let word = self.shadow.word(&self.shadow.glyphs[from..end], &mut self.word);
        let number = leet::number(word, 2)?;
        self.push(from, end, Kind::Number(number), Sense::NONE);
        Some(end)
    }

    /// Returns `true` if the run is a few digits and a unit: 256gb, 1990s.
    fn is_measure(&mut self, from: usize, to: usize) -> bool {
        let run = &self.shadow.glyphs[from..to];
        let digits = run.iter().take_while(|glyph| glyph.class != Class::Letter).count();
        let letters = run.len() - digits;
        if matches!(digits, 2 | 4) && letters == 1 && run[digits].plain == 's' {
            // A decade: 90s, 1990s.
            return run[digits - 1].plain == '0';
        }
        if digits > 4 || !(2..=4).contains(&letters) {
            return false;
        }
        let word = self.shadow.word(&run[digits..], &mut self.word);
        LEXICON.entry(word).sense.has(Sense::UNIT.with(Sense::MONEY))
    }

    /// Splits letters and digits that are not number words: a number run together with words, or a
    /// code.
    fn mixed(&mut self, from: usize, to: usize) {
        let glyphs = &self.shadow.glyphs;
        let is_digit = |index: usize| matches!(glyphs[index].class, Class::Digit(_));
        let mut parts = Vec::new();
        let mut start = from;
        for index in from + 1..=to {
            if index == to || is_digit(index) != is_digit(start) {
                parts.push(start..index);
                start = index;
            }
        }
        let is_separable =
            parts.iter().all(|part| is_digit(part.start) || self.is_separate_word(part))
                || parts.len() <= 3
                    && (parts.iter().any(|part| glued::is_number(self.shadow, part, from))
                        || parts.iter().any(|part| glued::is_half(self.shadow, part, from..to)))
                    && !self.is_serial(from..parts[0].end);
        if glued::is_divided(self.shadow, &parts) && !self.is_serial(from..parts[0].end) {
            // The letters between the groups are a gap.
            let is_end = |part: &Range<usize>| part.start == from || part.end == to;
            for part in parts {
                if is_digit(part.start) {
                    self.push(part.start, part.end, Kind::Digits, Sense::NONE);
                } else if is_end(&part) {
                    self.push(part.start, part.end, Kind::Word, Sense::NONE);
                }
            }
            return;
        }
        // Single digits with a letter after each: 9a8b3c3d4e1f2g5h0i6.
        if parts.len() >= MIN_SCATTERED_PARTS && parts.iter().all(|part| part.len() == 1) {
            for part in parts {
                let kind = if is_digit(part.start) { Kind::Digits } else { Kind::Word };
                self.push(part.start, part.end, kind, Sense::NONE);
            }
            return;
        }
        if !is_separable {
            return self.push(from, to, Kind::Code, Sense::NONE);
        }
        for part in parts {
            if is_digit(part.start) {
                self.push(part.start, part.end, Kind::Digits, Sense::NONE);
            } else {
                self.letters(part.start, part.end);
            }
        }
    }

    /// Returns `true` if the letters are a separate word although they touch digits: a unit, a
    /// currency, or a word in a script without spaces.
    fn is_separate_word(&mut self, part: &Range<usize>) -> bool {
        let run = &self.shadow.glyphs[part.clone()];
        if run.iter().any(|glyph| !glyph.plain.is_ascii()) {
            return true;
        }
        let word = self.shadow.word(run, &mut self.word);
        let separable = Sense::UNIT.with(Sense::MONEY).with(Sense::PHONE).with(Sense::HANDOVER);
        let sense = LEXICON.entry(word).sense;
        sense.has(separable) || part.len() >= 4 && sense.has(Sense::CONNECTOR)
    }

    /// Returns `true` if the letters are a name for numbers: ORD9876543210.
    fn is_serial(&mut self, letters: Range<usize>) -> bool {
        let word = self.shadow.word(&self.shadow.glyphs[letters], &mut self.word);
        LEXICON.entry(word).sense.has(Sense::NUMBERED.with(Sense::PLAIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> String {
        let shadow = Shadow::of(text);
        let letter = |token: &Token| match token.kind {
            Kind::Digits => 'D',
            Kind::Lookalike => 'L',
            Kind::Number(_) => 'N',
            Kind::Word => 'w',
            Kind::Code => 'c',
        };
        tokens(&shadow, &[]).iter().map(letter).collect()
    }

    #[test]
    fn token_kinds_are_distinguished() {
        assert_eq!(kinds("call 98 seven now"), "wDNw");
        assert_eq!(kinds("chheekek7zero38dodo3"), "NNNDNDNND");
        assert_eq!(kinds("7I9954IIl6"), "L");
    }

    #[test]
    fn token_splits_numbers_glued_to_words() {
        assert_eq!(kinds("callme9876543210now"), "wDw");
        assert_eq!(kinds("我的电话是13123667311"), "wD");
        assert_eq!(kinds("75kg"), "Dw");
        assert_eq!(kinds("N9833412506 RAJ9833412506"), "wDwD");
        assert_eq!(kinds("data98334 12506bye"), "wDDw");
        assert_eq!(kinds("x98334x12506x 983ab341cd2506"), "wDDwDDD");
    }

    #[test]
    fn token_keeps_codes_whole() {
        assert_eq!(kinds("9f86d081884c7d65 INC0045127 1Z999AA10123456784 ORD9833412506"), "cccc");
    }

    #[test]
    fn token_closed_range_is_one_code() {
        let text = "see x.com/9876543210 98";
        let shadow = Shadow::of(text);
        let all = tokens(&shadow, std::slice::from_ref(&(4..20)));
        assert_eq!(
            all.iter().map(|t| t.kind).collect::<Vec<_>>(),
            [Kind::Word, Kind::Code, Kind::Digits]
        );
    }
}
