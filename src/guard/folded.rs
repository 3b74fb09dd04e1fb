//! [`FoldedText`]: a text in the plain characters that it resembles, with their offsets in the
//! original. The searches in this folder run on it. This file contains no search patterns.

use unicode_normalization::UnicodeNormalization;

/// A folded text. Each byte maps to the character of the original that it was folded from.
pub struct FoldedText {
    pub text: String,
    /// Offset in the original of the character of each byte. The last entry is the original's
    /// length.
    offsets: Vec<usize>,
}

impl FoldedText {
    /// Folds case, compatibility characters, and confusable characters (Unicode Technical Standard
    /// 39), to ASCII where they resemble it.
    pub fn of(text: &str) -> Self {
        let mut folded = Self { text: String::with_capacity(text.len()), offsets: Vec::new() };
        for (offset, c) in text.char_indices() {
            if c.is_ascii() {
                folded.push(c.to_ascii_lowercase(), offset);
            } else {
                fold_char(c).for_each(|c| folded.push(c, offset));
            }
        }
        folded.offsets.push(text.len());
        folded
    }

    fn push(&mut self, c: char, offset: usize) {
        self.text.push(c);
        self.offsets.resize(self.text.len(), offset);
    }

    /// The offset in the original of the byte at `index` of the folded text.
    pub fn original_offset(&self, index: usize) -> usize {
        self.offsets[index]
    }
}

/// The plain lowercase characters that `c` resembles.
pub fn fold_char(c: char) -> impl Iterator<Item = char> {
    // Browsers accept these full stops as the dot of an address.
    let c = if matches!(c, '。' | '｡') { '.' } else { c };
    let compatible: String = std::iter::once(c).nfkc().collect();
    let plain = if compatible.is_ascii() {
        compatible
    } else {
        unicode_security::skeleton(&compatible).collect()
    };
    // A combining accent must not split a word.
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
        let folded = FoldedText::of("а＜ѕＹs|｜");
        assert_eq!(folded.text, "a<sys||");
        assert_eq!(&"а＜ѕＹs|｜"[folded.original_offset(1)..folded.original_offset(2)], "＜");
        assert_eq!(folded.original_offset(folded.text.len()), "а＜ѕＹs|｜".len());
    }
}
