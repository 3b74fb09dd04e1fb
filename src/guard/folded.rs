//! The text as it looks, in plain characters, with the places they have in the original.

use unicode_normalization::UnicodeNormalization;

/// A folded text. Each of its bytes knows which character of the original it stands for.
pub struct FoldedText {
    pub text: String,
    /// Where in the original the character of each byte begins; the last is the original's length.
    offsets: Vec<usize>,
}

impl FoldedText {
    /// Folds compatible and confusable characters (Unicode Technical Standard 39) to ASCII where
    /// they look like it, and case.
    pub fn of(text: &str) -> Self {
        let mut shadow = Self { text: String::with_capacity(text.len()), offsets: Vec::new() };
        for (place, c) in text.char_indices() {
            if c.is_ascii() {
                shadow.push(c.to_ascii_lowercase(), place);
            } else {
                fold_char(c).for_each(|folded| shadow.push(folded, place));
            }
        }
        shadow.offsets.push(text.len());
        shadow
    }

    fn push(&mut self, c: char, place: usize) {
        self.text.push(c);
        self.offsets.resize(self.text.len(), place);
    }

    /// Where in the original the byte `at` of the shadow comes from.
    pub fn original_offset(&self, at: usize) -> usize {
        self.offsets[at]
    }
}

/// What a character looks like, in lower case.
pub fn fold_char(c: char) -> impl Iterator<Item = char> {
    // Full stops that browsers take for the dot of an address.
    let one = if matches!(c, '。' | '｡') { ['.'] } else { [c] };
    let compatible: String = one.iter().copied().nfkc().collect();
    let plain = if compatible.is_ascii() {
        compatible
    } else {
        unicode_security::skeleton(&compatible).collect()
    };
    // An accent that has become a character of its own must not part a word.
    plain.to_lowercase().chars().filter(|c| !is_accent(*c)).collect::<Vec<_>>().into_iter()
}

const fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_text_maps_confusables_and_keeps_offsets() {
        let shadow = FoldedText::of("а＜ѕＹs|｜");
        assert_eq!(shadow.text, "a<sys||");
        assert_eq!(&"а＜ѕＹs|｜"[shadow.original_offset(1)..shadow.original_offset(2)], "＜");
        assert_eq!(shadow.original_offset(shadow.text.len()), "а＜ѕＹs|｜".len());
    }
}
