//! [`Shadow`]: the text as the masker reads it, with one folded [`Glyph`] per visible character.
//!
//! This module folds case, width, style and diacritics, and drops invisible characters. It must not
//! interpret the text. To fold another character, edit [`fold`].

use once_cell::sync::Lazy;
use unicode_normalization::char::decompose_compatible;

use super::digit;

/// One visible character of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyph {
    /// Byte offset of the character in the text.
    pub(super) offset: usize,
    /// The character in its plain form: lower case, without diacritics, ASCII where possible.
    pub(super) plain: char,
    pub(super) class: Class,
}

/// The class of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Digit(u8),
    Letter,
    Space,
    LineEnd,
    /// Any other visible character: punctuation, symbols, emoji.
    Mark,
}

/// Readings of the characters below [`CHAR_TABLE_END`], by code point.
///
/// A table, because nearly all text consists of these characters and a lookup is much faster than
/// folding.
static CHAR_TABLE: Lazy<Vec<Option<CharReading>>> =
    Lazy::new(|| (0..CHAR_TABLE_END).filter_map(char::from_u32).map(classify).collect());

/// First code point outside of [`CHAR_TABLE`]: symbols, the scripts of East Asia and emoji follow.
const CHAR_TABLE_END: u32 = 0x2100;

/// The reading of a visible character.
#[derive(Clone, Copy, Debug)]
struct CharReading {
    plain: char,
    class: Class,
    marks: MarkSet,
}

impl CharReading {
    const fn new(plain: char, class: Class) -> Self {
        let marks = match class {
            Class::Mark => MarkSet::of(plain),
            Class::LineEnd => MarkSet::BREAK,
            _ => MarkSet::EMPTY,
        };
        Self { plain, class, marks }
    }
}

/// Readings of the [printed](is_printed) bytes; the other entries are unused.
static ASCII_TABLE: [CharReading; 256] = {
    let mut all = [CharReading::new(' ', Class::Space); 256];
    let mut byte = b' ';
    while is_printed(byte) {
        if let Some(reading) = read_ascii(byte) {
            all[byte as usize] = reading;
        }
        byte += 1;
    }
    all
};

/// Fills the table now, so that the first text does not wait for it.
pub(super) fn warm_up() {
    Lazy::force(&CHAR_TABLE);
}

/// The visible characters of a text, in order.
pub(super) struct Shadow<'a> {
    pub(super) text: &'a str,
    pub(super) glyphs: Vec<Glyph>,
    /// Marks that some rules require. Most texts lack them, so that these rules can be skipped.
    pub(super) marks: MarkSet,
}

/// A set of marks, as bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct MarkSet(u8);

impl MarkSet {
    const EMPTY: Self = Self(0);
    pub(super) const AT_SIGN: Self = Self(1);
    /// A slash or a colon, as links have.
    pub(super) const LINK: Self = Self(1 << 1);
    /// A phone emoji.
    pub(super) const PHONE: Self = Self(1 << 2);
    pub(super) const PLUS: Self = Self(1 << 3);
    pub(super) const EQUALS: Self = Self(1 << 4);
    /// An opening parenthesis.
    pub(super) const PARENTHESIS: Self = Self(1 << 5);
    /// A line end, or a dot, which may end a sentence.
    pub(super) const BREAK: Self = Self(1 << 6);

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn of(mark: char) -> Self {
        match mark {
            '@' => Self::AT_SIGN,
            '/' | ':' => Self::LINK,
            '+' => Self::PLUS,
            '=' => Self::EQUALS,
            '(' => Self::PARENTHESIS,
            '.' => Self::BREAK,
            _ if is_phone(mark) => Self::PHONE,
            _ => Self::EMPTY,
        }
    }
}

impl<'a> Shadow<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let mut glyphs = Vec::with_capacity(text.len());
        let mut marks = MarkSet::EMPTY;
        let readings = Readings::new();
        let mut offset = 0;
        while offset < text.len() {
            // In most texts this run is everything. Each of its bytes is a visible character, so it
            // needs no checks per byte.
            let rest = &text.as_bytes()[offset..];
            let run = printed(rest);
            glyphs.extend(rest[..run].iter().zip(offset..).map(|(byte, offset)| {
                let CharReading { plain, class, marks: char_marks } =
                    ASCII_TABLE[usize::from(*byte)];
                marks = marks.with(char_marks);
                Glyph { offset, plain, class }
            }));
            offset += run;
            for c in text[offset..].chars().take_while(|c| !c.is_ascii() || !is_printed(*c as u8)) {
                if let Some(CharReading { plain, class, marks: char_marks }) = readings.of(c) {
                    marks = marks.with(char_marks);
                    glyphs.push(Glyph { offset, plain, class });
                }
                offset += c.len_utf8();
            }
        }
        Self { text, glyphs, marks }
    }

    /// Returns the byte range of the glyphs `from..to`. It includes the invisible characters
    /// between them and the marks that combine with the last one, such as an enclosing keycap.
    pub(super) fn bytes(&self, from: usize, to: usize) -> std::ops::Range<usize> {
        let start = self.glyphs.get(from).map_or(self.text.len(), |glyph| glyph.offset);
        let Some(last) = to.checked_sub(1).and_then(|last| self.glyphs.get(last)) else {
            return start..start;
        };
        let tail = self.text[last.offset..].chars();
        let combining_lens =
            tail.clone().skip(1).take_while(|c| is_combining(*c)).map(char::len_utf8);
        let last_len = tail.take(1).map(char::len_utf8);
        start..last.offset + last_len.chain(combining_lens).sum::<usize>()
    }

    /// Returns the plain form of the consecutive `glyphs`.
    ///
    /// Borrows from the text if the word is already in plain form, as most words are. Otherwise
    /// writes the word to `buffer`.
    #[inline]
    pub(super) fn word<'r>(&'r self, glyphs: &[Glyph], buffer: &'r mut String) -> &'r str {
        let from = glyphs.first().map_or(0, |glyph| glyph.offset);
        let written = self.text.get(from..from + glyphs.len());
        // Lower-case ASCII letters are always visible, so each byte is one of the glyphs.
        let plain = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
        written.filter(plain).unwrap_or_else(|| {
            buffer.clear();
            buffer.extend(glyphs.iter().map(|glyph| glyph.plain));
            buffer
        })
    }

    /// Returns the glyph `index`.
    pub(super) fn get(&self, index: usize) -> Option<&Glyph> {
        self.glyphs.get(index)
    }

    /// Returns the glyph before the glyph `index`.
    pub(super) fn before(&self, index: usize) -> Option<&Glyph> {
        index.checked_sub(1).and_then(|index| self.glyphs.get(index))
    }
}

/// Returns `true` if the character shows a phone.
pub(super) const fn is_phone(plain: char) -> bool {
    matches!(plain, '📞' | '☎' | '📱' | '📲' | '☏' | '✆')
}

/// Returns `true` if `c` is drawn onto the character before it.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{20d0}'..='\u{20f0}' | '\u{fe00}'..='\u{fe0f}')
}

/// Returns `true` if `c` is visible neither as a character nor as a space.
fn is_invisible(c: char) -> bool {
    is_combining(c)
        || matches!(c,
            '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}'
            | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}'
            | '\u{93c}' | '\u{9bc}' | '\u{a3c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{1d159}' | '\u{e0000}'..='\u{e0fff}')
}

/// Returns `true` if the byte is a printable ASCII character or a space.
const fn is_printed(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Returns the number of leading bytes that are printable.
fn printed(bytes: &[u8]) -> usize {
    // Whole blocks first: without an early exit in a block, the compiler can vectorize the check.
    let (blocks, _) = bytes.as_chunks::<16>();
    let whole = |block: &&[u8; 16]| block.iter().fold(true, |all, byte| all & is_printed(*byte));
    let from = blocks.iter().take_while(whole).count() * 16;
    from + bytes[from..].iter().take_while(|byte| is_printed(**byte)).count()
}

/// The table of readings, borrowed once per text.
#[derive(Clone, Copy)]
pub(super) struct Readings(&'static [Option<CharReading>]);

/// The visibility of a character before folding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CharVisibility {
    Unseen,
    Digit,
    Other,
}

impl Readings {
    pub(super) fn new() -> Self {
        Self(&CHAR_TABLE)
    }

    fn of(self, c: char) -> Option<CharReading> {
        match self.0.get(c as usize) {
            Some(reading) => *reading,
            None => classify(c),
        }
    }

    /// Returns the visibility of `c`, which must not be ASCII.
    pub(super) fn visibility(self, c: char) -> CharVisibility {
        match self.0.get(c as usize) {
            Some(None) => CharVisibility::Unseen,
            Some(Some(CharReading { class: Class::Digit(_), .. })) => CharVisibility::Digit,
            None if is_invisible(c) => CharVisibility::Unseen,
            None if digit::value(c).is_some() => CharVisibility::Digit,
            Some(Some(_)) | None => CharVisibility::Other,
        }
    }
}

fn classify(c: char) -> Option<CharReading> {
    if c.is_ascii() {
        return read_ascii(c as u8);
    }
    let (plain, class) = read_beyond_ascii(c)?;
    Some(CharReading::new(plain, class))
}

const fn read_ascii(byte: u8) -> Option<CharReading> {
    let class = match byte {
        b'0'..=b'9' => Class::Digit(byte - b'0'),
        b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
        b' ' | b'\t' => Class::Space,
        b'\n' | b'\r' | 0xb | 0xc => Class::LineEnd,
        _ if byte.is_ascii_control() => return None,
        _ => Class::Mark,
    };
    Some(CharReading::new(byte.to_ascii_lowercase() as char, class))
}

fn read_beyond_ascii(c: char) -> Option<(char, Class)> {
    if is_invisible(c) {
        return None;
    }
    if let Some(value) = digit::value(c) {
        return Some((char::from(b'0' + value), Class::Digit(value)));
    }
    let class = match c {
        '\u{85}' | '\u{2028}' | '\u{2029}' => Class::LineEnd,
        _ if c.is_whitespace() => Class::Space,
        _ if is_letter(c) => Class::Letter,
        _ => Class::Mark,
    };
    Some((fold(c), class))
}

/// Returns `true` for letters, and for the signs in words of the scripts of southern Asia.
fn is_letter(c: char) -> bool {
    // Circled and squared Latin letters count as alphabetic only in part; emoji never do.
    match c {
        '\u{964}' | '\u{965}' => false,
        // The scripts of India, then Thai, Lao, Burmese and Khmer, then letters on a dark ground.
        '\u{900}'..='\u{dff}'
        | '\u{e31}'..='\u{e3a}'
        | '\u{e47}'..='\u{e4e}'
        | '\u{eb1}'..='\u{ebc}'
        | '\u{ec8}'..='\u{ece}'
        | '\u{102b}'..='\u{103e}'
        | '\u{17b6}'..='\u{17d3}'
        | '\u{1f150}'..='\u{1f169}'
        | '\u{1f170}'..='\u{1f189}' => true,
        _ => c.is_alphabetic(),
    }
}

/// Returns the letter of a circled or squared capital on a dark ground.
fn dark_letter(c: char) -> char {
    let place = (c as u32 - 0x1f150) % 0x20;
    u8::try_from(place).map_or(c, |place| char::from(b'a' + place))
}

/// Returns the plain form of a character that is not ASCII.
pub(super) fn fold(c: char) -> char {
    match c {
        'ı' | 'İ' => return 'i',
        'ø' | 'Ø' => return 'o',
        'ł' | 'Ł' => return 'l',
        'đ' | 'Đ' => return 'd',
        // Arabic letters that people use interchangeably.
        'أ' | 'إ' | 'آ' | 'ٱ' => return 'ا',
        'ى' | 'ی' | 'ئ' => return 'ي',
        'ة' | 'ه' | 'ہ' | 'ھ' => return 'ه',
        'ک' => return 'ك',
        '‐'..='―' | '−' | '﹘' | '﹣' | '－' => return '-',
        // Circled and squared capitals on a dark ground.
        '\u{1f150}'..='\u{1f169}' | '\u{1f170}'..='\u{1f189}' => return dark_letter(c),
        // Decomposition would reduce a Hangul syllable to its first letter.
        '\u{ac00}'..='\u{d7a3}' => return c,
        _ => {}
    }
    let mut first = digit::small_capital(c);
    decompose_compatible(c, |part| {
        if first.is_none() && !is_invisible(part) && part != ' ' {
            first = Some(part);
        }
    });
    let base = first.unwrap_or(c);
    base.to_lowercase().next().unwrap_or(base)
}

/// Returns the plain form of a table's word.
pub(super) fn plain(word: &str) -> String {
    let readings = Readings::new();
    word.chars().filter_map(|c| readings.of(c).map(|reading| reading.plain)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shadow(text: &str) -> String {
        Shadow::of(text).glyphs.iter().map(|glyph| glyph.plain).collect()
    }

    #[test]
    fn shadow_folds_case_width_style_and_diacritics() {
        assert_eq!(shadow("Três Nº ＋９１ 𝐓𝐰𝐨"), "tres no +91 two");
        assert_eq!(shadow("sıfır Üç"), "sifir uc");
    }

    #[test]
    fn shadow_folds_digits_of_every_script() {
        assert_eq!(shadow("९٨7④𝟞"), "98746");
    }

    #[test]
    fn shadow_drops_invisible_characters() {
        assert_eq!(shadow("7\u{200b}3\u{ad}6\u{2060}1\u{336}"), "7361");
        assert_eq!(shadow("6\u{fe0f}\u{20e3}9\u{fe0f}\u{20e3}"), "69");
    }

    #[test]
    fn shadow_ranges_include_combining_marks() {
        let text = "a6\u{fe0f}\u{20e3}b";
        let shadow = Shadow::of(text);
        assert_eq!(&text[shadow.bytes(1, 2)], "6\u{fe0f}\u{20e3}");
        assert_eq!(shadow.bytes(9, 9), text.len()..text.len());
    }
}
