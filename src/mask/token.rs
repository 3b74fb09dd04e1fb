//! Cuts the shadow into tokens: runs of digits, number words and other words.
//!
//! What lives here: where a token starts and ends, and what kind it is. What must not: how tokens
//! make a number (see `chain.rs`). To add a kind: a variant of [`Kind`], made in [`Cutter::run`].

use std::ops::Range;

use super::cue::Sense;
use super::lexicon::{LEXICON, Number};
use super::lookalike;
use super::run_together;
use super::shadow::{Class, Glyph, Shadow};

/// A piece of text that means something, glyphs `from..to`; what lies between two is a gap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: Kind,
    pub(super) sense: Sense,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Digits,
    /// Digits and letters that look like digits.
    Lookalike,
    /// A word that says digits.
    Number(Number),
    Word,
    /// Letters and digits mixed in a way that is no number: a code, a hash, part of a link.
    Code,
}

impl Token {
    /// Whether it may be part of a phone number.
    pub(super) const fn says_digits(&self) -> bool {
        matches!(self.kind, Kind::Digits | Kind::Lookalike | Kind::Number(_))
    }

    pub(super) const fn len(&self) -> usize {
        self.to - self.from
    }
}

/// The most glyphs of a number whose ones are upright bars. Without a bound, a row of bars would be
/// looked through again at each of them.
const MAX_DISGUISED_GLYPHS: usize = 40;

/// From so many single letters on a row of them may be spelt out number words.
const MIN_SPACED_LETTERS: usize = 12;

/// The tokens of `shadow`. Glyphs whose bytes lie in `closed` (sorted, not overlapping) are codes.
pub(super) fn tokens(shadow: &Shadow, closed: &[Range<usize>]) -> Vec<Token> {
    let mut cutter = Cutter { shadow, tokens: Vec::with_capacity(16), word: String::new() };
    let glyphs = &shadow.glyphs[..];
    // The glyphs of the next closed range, if there is one.
    let mut closed = closed.iter().map(|range| {
        let place = |byte: usize| glyphs.partition_point(|glyph| glyph.at < byte);
        place(range.start)..place(range.end)
    });
    let none = glyphs.len()..glyphs.len();
    let mut next = closed.next().unwrap_or(none.clone());
    let mut at = 0;
    // Where the row of single letters looked at last ends.
    let mut row = 0;
    while let Some(glyph) = glyphs.get(at) {
        if at >= next.start {
            if next.end > at {
                cutter.push(at, next.end, Kind::Code, Sense::NONE);
                at = next.end;
            }
            next = closed.next().unwrap_or(none.clone());
            continue;
        }
        let limit = next.start;
        let from = at;
        if matches!(glyph.class, Class::Space | Class::LineEnd) {
            at += 1;
            continue;
        }
        if glyph.class == Class::Letter && from >= row {
            row = spaced(shadow, from);
            if row - from > 2 * MIN_SPACED_LETTERS && row <= limit && cutter.spaced(from, row) {
                at = row;
                continue;
            }
        }
        let rest = &glyphs[from..limit];
        let (mut inner, mut digits) = (0, 0);
        for glyph in rest {
            match glyph.class {
                Class::Digit(_) => digits += 1,
                Class::Letter => {}
                _ => break,
            }
            inner += 1;
        }
        at = from + inner;
        if (at > from && shadow.get(at).is_some_and(is_bar)) || glyph.plain == '|' {
            // Among look-alikes an upright bar is a one; among digits it parts groups.
            let disguise = rest.iter().take(MAX_DISGUISED_GLYPHS + 1);
            let mut to =
                from + disguise.take_while(|glyph| is_inner(glyph) || is_bar(glyph)).count();
            while to > at && shadow.get(to - 1).is_some_and(|glyph| glyph.plain == '!') {
                to -= 1;
            }
            if to - from <= MAX_DISGUISED_GLYPHS
                && lookalike::is_disguised(&glyphs[from..to])
                && glyphs[from..to].iter().any(|glyph| glyph.class == Class::Letter)
            {
                cutter.push(from, to, Kind::Lookalike, Sense::NONE);
                at = to;
                continue;
            }
        }
        if at == from {
            at += 1;
        } else {
            cutter.run(from, at, digits);
        }
    }
    cutter.tokens
}

/// Whether a token may have the glyph in it.
const fn is_inner(glyph: &Glyph) -> bool {
    matches!(glyph.class, Class::Digit(_) | Class::Letter)
}

/// Whether the glyph is no letter but may be put for a one.
const fn is_bar(glyph: &Glyph) -> bool {
    matches!(glyph.plain, '|' | '!')
}

/// Where the row of single letters that starts at `from` ends: n i n e.
fn spaced(shadow: &Shadow, from: usize) -> usize {
    let letter = |at: usize| shadow.get(at).is_some_and(|glyph| glyph.class == Class::Letter);
    let parted = |at: usize| shadow.get(at).is_none_or(|glyph| !is_inner(glyph));
    let mut last = from;
    while parted(last + 1) && letter(last + 2) && parted(last + 3) {
        last += 2;
    }
    last + 1
}

struct Cutter<'a> {
    shadow: &'a Shadow<'a>,
    tokens: Vec<Token>,
    /// A word being looked up that is not written in plain form; kept to reuse its memory.
    word: String,
}

impl Cutter<'_> {
    fn push(&mut self, from: usize, to: usize, kind: Kind, sense: Sense) {
        self.tokens.push(Token { from, to, kind, sense });
    }

    /// Cuts a run of letters and so many digits, which has no gap.
    fn run(&mut self, from: usize, to: usize, digits: usize) {
        let run = &self.shadow.glyphs[from..to];
        if digits == run.len() {
            self.push(from, to, Kind::Digits, Sense::NONE);
        } else if digits == 0 && !self.continues_lookalike(run) {
            self.letters(from, to);
        } else if digits > 0 && self.is_known(from, to) {
            // Taken as a whole.
        } else if digits == 0 || lookalike::is_disguised(run) && !self.is_measure(from, to) {
            self.push(from, to, Kind::Lookalike, Sense::NONE);
        } else if let Some(pieces) = run_together::split(run) {
            self.pieces(from, &pieces);
        } else {
            self.mixed(from, to);
        }
    }

    fn letters(&mut self, from: usize, to: usize) {
        let run = &self.shadow.glyphs[from..to];
        let entry = LEXICON.entry(self.shadow.word(run, &mut self.word));
        if let Some(number) = entry.number {
            return self.push(from, to, Kind::Number(number), entry.sense);
        }
        if entry.sense == Sense::NONE
            && let Some(pieces) = run_together::split(run)
        {
            return self.pieces(from, &pieces);
        }
        self.push(from, to, Kind::Word, entry.sense);
    }

    /// Whether letters go on with a number in disguise: the second half of 9sS7S sooSS.
    fn continues_lookalike(&self, run: &[Glyph]) -> bool {
        let long = |token: &&Token| token.kind == Kind::Lookalike && token.len() >= 4;
        run.len() >= 4
            && self.tokens.last().filter(long).is_some_and(|token| {
                self.shadow.get(token.to + 1).is_some_and(|glyph| glyph.at == run[0].at)
            })
            && run.iter().all(|glyph| lookalike::digit(glyph.plain).is_some())
    }

    /// Cuts a row of single letters if they spell number words; tells whether they do.
    fn spaced(&mut self, from: usize, to: usize) -> bool {
        let letters: Vec<Glyph> = self.shadow.glyphs[from..to].iter().step_by(2).copied().collect();
        let Some(pieces) = run_together::split(&letters) else { return false };
        for piece in &pieces {
            let kind = piece.number.map_or(Kind::Digits, Kind::Number);
            self.push(from + piece.from * 2, from + piece.to * 2 - 1, kind, Sense::NONE);
        }
        true
    }

    fn pieces(&mut self, base: usize, pieces: &[run_together::RunPart]) {
        for piece in pieces {
            let kind = piece.number.map_or(Kind::Digits, Kind::Number);
            self.push(base + piece.from, base + piece.to, kind, Sense::NONE);
        }
    }

    /// Cuts a short word that has digits in it, if it is one: f0ur, 1st.
    fn is_known(&mut self, from: usize, to: usize) -> bool {
        if !(3..=5).contains(&(to - from)) {
            return false;
        }
        let word = self.shadow.word(&self.shadow.glyphs[from..to], &mut self.word);
        if let Some(number) = lookalike::leet_number(word) {
            self.push(from, to, Kind::Number(number), Sense::NONE);
            return true;
        }
        let sense = LEXICON.entry(word).sense;
        if sense.has(Sense::CONNECTOR) {
            self.push(from, to, Kind::Word, sense);
        }
        sense.has(Sense::CONNECTOR)
    }

    /// Whether a few digits are followed by a unit: 256gb, 1990s.
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

    /// Letters and digits that no number words explain: a number glued to words, or a code.
    fn mixed(&mut self, from: usize, to: usize) {
        let glyphs = &self.shadow.glyphs;
        let is_digit = |at: usize| matches!(glyphs[at].class, Class::Digit(_));
        let mut parts = Vec::new();
        let mut start = from;
        for at in from + 1..=to {
            if at == to || is_digit(at) != is_digit(start) {
                parts.push(start..at);
                start = at;
            }
        }
        let opens = parts.iter().all(|part| is_digit(part.start) || self.is_separate_word(part))
            || (parts.len() <= 3 && parts.iter().any(|part| self.is_glued_number(part, from)));
        if !opens {
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

    /// Whether the letters stand apart from the digits they touch: a word of a script that is
    /// written so, or a unit or currency.
    fn is_separate_word(&mut self, part: &Range<usize>) -> bool {
        let run = &self.shadow.glyphs[part.clone()];
        if run.iter().any(|glyph| !glyph.plain.is_ascii()) {
            return true;
        }
        let word = self.shadow.word(run, &mut self.word);
        let known = Sense::UNIT.with(Sense::MONEY).with(Sense::PHONE).with(Sense::HANDOVER);
        let sense = LEXICON.entry(word).sense;
        sense.has(known) || part.len() >= 4 && sense.has(Sense::CONNECTOR)
    }

    /// Whether the digits are long enough for a phone number and what they are glued to, if it
    /// comes before them, is not the capitals of a code.
    fn is_glued_number(&self, part: &Range<usize>, from: usize) -> bool {
        let glyphs = &self.shadow.glyphs;
        let before = &glyphs[from..part.start];
        let shouted = |glyph: &Glyph| {
            self.shadow.text[glyph.at..].chars().next().is_some_and(char::is_uppercase)
        };
        matches!(glyphs[part.start].class, Class::Digit(_))
            && part.len() >= 8
            && !before.iter().all(shouted) | before.is_empty()
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
    }

    #[test]
    fn token_keeps_codes_whole() {
        assert_eq!(kinds("9f86d081884c7d65 INC0045127 1Z999AA10123456784"), "ccc");
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
