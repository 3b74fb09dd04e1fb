//! [`split`] for number words with their letters apart: n i n e  e i g h t, N.I.N.E E.I.G.H.T.
//!
//! This module finds rows of single letters and joins them into words. Words whose letters touch
//! must not be handled here, but in `run_together.rs`.

use super::leet;
use super::lexicon::{LEXICON, Number};
use super::run_together;
use super::run_together::RunPart;
use super::scene::COMPLETE_DIGITS;
use super::shadow::{Class, Glyph, Shadow};
use super::typo;

/// Maximum glyphs between two letters of a row.
const MAX_GAP: usize = 3;
/// Minimum number words of a row whose words have wider gaps between them.
const MIN_WORDS: usize = 6;
/// Maximum leading letters of a row that belong to no number word: c a l l n i n e ….
const MAX_LEADING: usize = 16;

/// Returns `true` if a row may contain the glyph.
const fn is_inner(glyph: &Glyph) -> bool {
    matches!(glyph.class, Class::Digit(_) | Class::Letter)
}

/// Returns the end of the row of single letters and digits that starts at the glyph `from`.
pub(super) fn end(shadow: &Shadow, from: usize) -> usize {
    let is_inner = |index: usize| shadow.get(index).is_some_and(is_inner);
    let is_gap = |index: usize| {
        shadow.get(index).is_some_and(|glyph| matches!(glyph.class, Class::Space | Class::Mark))
    };
    let mut last = from;
    loop {
        let gap = (last + 1..).take(MAX_GAP + 1).take_while(|index| is_gap(*index)).count();
        let next = last + 1 + gap;
        if !(1..=MAX_GAP).contains(&gap) || !is_inner(next) || is_inner(next + 1) {
            return last + 1;
        }
        last = next;
    }
}

/// Splits `row` into number words and digits; `None` if it contains anything else.
///
/// The parts are ranges of glyphs of the row.
pub(super) fn split(row: &[Glyph]) -> Option<Vec<RunPart>> {
    let places: Vec<usize> = (0..row.len()).filter(|index| is_inner(&row[*index])).collect();
    let in_row = |part: RunPart| {
        let (from, to) = (places[part.from], places[part.to - 1] + 1);
        RunPart { from, to, ..part }
    };
    let parts = by_gap(row, &places).or_else(|| by_letter(row, &places))?;
    // Digits that are apart are separate tokens.
    let split = |part: RunPart| {
        let step = if part.number.is_some() { part.to - part.from } else { 1 };
        let RunPart { from, to, number } = part;
        (from..to).step_by(step).map(move |from| RunPart { from, to: from + step, number })
    };
    Some(parts.into_iter().flat_map(split).map(in_row).collect())
}

/// Splits a row at its wider gaps. The parts count letters.
fn by_gap(row: &[Glyph], places: &[usize]) -> Option<Vec<RunPart>> {
    let gap = |pair: &[usize]| pair[1] - pair[0];
    let narrow = places.windows(2).map(gap).min()?;
    let mut parts = Vec::new();
    let (mut from, mut words, mut digits) = (0, 0, 0);
    let mut word = String::new();
    for (to, place) in (1..).zip(places) {
        word.push(row[*place].plain);
        let is_end = places.get(to).is_none_or(|next| next - place > narrow);
        if !is_end {
            continue;
        }
        let number = number(&word);
        let is_digits = word.bytes().all(|byte| byte.is_ascii_digit());
        words += usize::from(number.is_some());
        digits += usize::from(is_digits);
        // Other words before and after the number are not part of it.
        if number.is_some() || is_digits {
            parts.push(RunPart { from, to, number });
        } else if !parts.is_empty() && words + digits < MIN_WORDS {
            return None;
        }
        from = to;
        word.clear();
    }
    (words >= MIN_WORDS / 2 && words + digits >= MIN_WORDS).then_some(parts)
}

/// Returns the number of a word, also in leet and with repeated letters.
fn number(word: &str) -> Option<Number> {
    let number = LEXICON.entry(word).number;
    number.or_else(|| leet::number(word, 1)).or_else(|| typo::stretched(word))
}

/// Splits a row without regard to its gaps. The parts count letters.
fn by_letter(row: &[Glyph], places: &[usize]) -> Option<Vec<RunPart>> {
    let letters: Vec<Glyph> = places.iter().map(|index| row[*index]).collect();
    let plain = leet::without_digits(&letters);
    (0..MAX_LEADING.min(letters.len())).find_map(|from| {
        let split = |letters: &[Glyph]| run_together::split(&letters[from..]);
        let parts = split(&letters).or_else(|| split(&plain))?;
        let words = parts.iter().filter(|part| part.number.is_some()).count();
        let shifted =
            |part: RunPart| RunPart { from: part.from + from, to: part.to + from, ..part };
        let digits = parts.iter().filter(|part| part.number.is_none());
        let count = words + digits.map(|part| part.to - part.from).sum::<usize>();
        let min_words = match from {
            0 if count >= COMPLETE_DIGITS => 1,
            0 => MIN_WORDS / 2,
            _ => MIN_WORDS,
        };
        (words >= min_words).then(|| parts.into_iter().map(shifted).collect())
    })
}

#[cfg(test)]
mod tests {
    use crate::mask::mask;

    #[test]
    fn spaced_letters_are_read() {
        for (text, expected) in [
            (
                "n i n e  e i g h t  t h r e e  o n e  t w o  t w o  f i v e  o n e  s i x  s i x",
                "[hidden]",
            ),
            ("N.I.N.E E.I.G.H.T T.W.O S.I.X F.O.U.R O.N.E F.I.V.E O.N.E T.W.O Z.E.R.O", "[hidden]"),
            (
                "n_i_n_e z_e_r_o f_i_v_e s_i_x t_w_o s_e_v_e_n e_i_g_h_t f_o_u_r o_n_e o_n_e",
                "[hidden]",
            ),
            ("n i n e 8 3 3 4 1 2 5 0 6", "[hidden]"),
            ("n i n e 8 t h r e e 3 f o u r 1 t w o 5 z e r o 6", "[hidden]"),
        ] {
            assert_eq!(mask(text).as_str(), expected);
        }
        for text in
            ["w o w  t h a t  i s  s o  c o o l", "A.B.C.D and F.O.U.R friends of T.H.E O.N.E"]
        {
            assert_eq!(mask(text).as_str(), text);
        }
    }
}
