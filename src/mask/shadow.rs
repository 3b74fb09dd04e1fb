//! The text as the masker reads it: one [`Glyph`] per visible character, folded, with the place
//! it came from.
//!
//! What lives here: folding of case, width, style and diacritics, and dropping what is not seen.
//! What must not: any meaning of what is read. To fold one more character: [`fold`].

use once_cell::sync::Lazy;
use unicode_normalization::char::decompose_compatible;

use super::digit;

/// One visible character of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyph {
    /// Where its first byte stands in the text.
    pub(super) at: usize,
    /// The character in its plainest form: lower case, no diacritics, ASCII where it can be.
    pub(super) plain: char,
    pub(super) class: Class,
}

/// What a character is to the masker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Digit(u8),
    Letter,
    Space,
    LineEnd,
    /// Anything else that is seen: punctuation, symbols, emoji.
    Mark,
}

/// How characters below [`TABLED`] are read, by their code points. Nearly all text is made of them,
/// and folding one takes far longer than looking it up.
static CHAR_TABLE: Lazy<Vec<Option<CharReading>>> =
    Lazy::new(|| (0..CHAR_TABLE_END).filter_map(char::from_u32).map(classify).collect());

/// Behind it lie symbols, the scripts of East Asia and emoji.
const CHAR_TABLE_END: u32 = 0x2100;

/// What a character is read as, if it is seen.
#[derive(Clone, Copy, Debug)]
struct CharReading {
    plain: char,
    class: Class,
    marks: MarkSet,
}

impl CharReading {
    const fn new(plain: char, class: Class) -> Self {
        let marks = if matches!(class, Class::Mark) { MarkSet::of(plain) } else { MarkSet::EMPTY };
        Self { plain, class, marks }
    }
}

/// How each byte that [`is_printed`] is read; the others are not asked for.
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

/// Fills the table now rather than at the first text.
pub(super) fn warm_up() {
    Lazy::force(&CHAR_TABLE);
}

/// A text's visible characters in order.
pub(super) struct Shadow<'a> {
    pub(super) text: &'a str,
    pub(super) glyphs: Vec<Glyph>,
    /// Marks that rules look for and most texts have none of.
    pub(super) marks: MarkSet,
}

/// Which marks a text has, as bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct MarkSet(u8);

impl MarkSet {
    const EMPTY: Self = Self(0);
    pub(super) const AT_SIGN: Self = Self(1);
    /// A slash or a colon, as links have.
    pub(super) const LINK: Self = Self(1 << 1);
    /// The picture of a phone.
    pub(super) const PHONE: Self = Self(1 << 2);
    pub(super) const PLUS: Self = Self(1 << 3);
    pub(super) const EQUALS: Self = Self(1 << 4);
    /// One that opens.
    pub(super) const PARENTHESIS: Self = Self(1 << 5);

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
        let mut at = 0;
        while at < text.len() {
            // Of most texts all of it: each byte is a character that is seen, so that nothing has
            // to be asked for each.
            let rest = &text.as_bytes()[at..];
            let run = printed(rest);
            glyphs.extend(rest[..run].iter().zip(at..).map(|(byte, at)| {
                let CharReading { plain, class, marks: own } = ASCII_TABLE[usize::from(*byte)];
                marks = marks.with(own);
                Glyph { at, plain, class }
            }));
            at += run;
            for c in text[at..].chars().take_while(|c| !c.is_ascii() || !is_printed(*c as u8)) {
                if let Some(CharReading { plain, class, marks: own }) = readings.of(c) {
                    marks = marks.with(own);
                    glyphs.push(Glyph { at, plain, class });
                }
                at += c.len_utf8();
            }
        }
        Self { text, glyphs, marks }
    }

    /// The byte range of the glyphs `from..to`, with the unseen characters inside and the marks
    /// that belong to the last of them (an enclosing keycap, say).
    pub(super) fn bytes(&self, from: usize, to: usize) -> std::ops::Range<usize> {
        let start = self.glyphs.get(from).map_or(self.text.len(), |glyph| glyph.at);
        let Some(last) = to.checked_sub(1).and_then(|last| self.glyphs.get(last)) else {
            return start..start;
        };
        let tail = self.text[last.at..].chars();
        let rest = tail.clone().skip(1).take_while(|c| is_combining(*c)).map(char::len_utf8);
        let own = tail.take(1).map(char::len_utf8);
        start..last.at + own.chain(rest).sum::<usize>()
    }

    /// The plain form of `glyphs`, which follow one another: a part of the text where that is
    /// written in plain form, as most words are, and else what is put into `room`.
    #[inline]
    pub(super) fn word<'r>(&'r self, glyphs: &[Glyph], room: &'r mut String) -> &'r str {
        let from = glyphs.first().map_or(0, |glyph| glyph.at);
        let written = self.text.get(from..from + glyphs.len());
        // None of these is ever unseen, so each of them is one of the glyphs.
        let plain = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
        written.filter(plain).unwrap_or_else(|| {
            room.clear();
            room.extend(glyphs.iter().map(|glyph| glyph.plain));
            room
        })
    }

    /// The glyph at `at`, if there is one.
    pub(super) fn get(&self, at: usize) -> Option<&Glyph> {
        self.glyphs.get(at)
    }

    /// The plain character before the glyph `at`.
    pub(super) fn before(&self, at: usize) -> Option<&Glyph> {
        at.checked_sub(1).and_then(|at| self.glyphs.get(at))
    }
}

/// Whether the character shows a phone.
pub(super) const fn is_phone(plain: char) -> bool {
    matches!(plain, '📞' | '☎' | '📱' | '📲' | '☏' | '✆')
}

/// Whether `c` is drawn onto the character before it.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{20d0}'..='\u{20f0}' | '\u{fe00}'..='\u{fe0f}')
}

/// Whether `c` is seen neither as a character nor as a space.
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

/// Whether the byte is a character of ASCII that is printed, or a space.
const fn is_printed(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// How many bytes from the first on are printed.
fn printed(bytes: &[u8]) -> usize {
    // Whole blocks first: without a way out within, the compiler looks at many bytes at once.
    let (blocks, _) = bytes.as_chunks::<16>();
    let whole = |block: &&[u8; 16]| block.iter().fold(true, |all, byte| all & is_printed(*byte));
    let from = blocks.iter().take_while(whole).count() * 16;
    from + bytes[from..].iter().take_while(|byte| is_printed(**byte)).count()
}

/// How characters are read; taken once per text.
#[derive(Clone, Copy)]
pub(super) struct Readings(&'static [Option<CharReading>]);

/// What a character shows, before anything is folded.
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

    /// What `c`, which is not ASCII, shows.
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

/// Letters, and the signs of the scripts of southern Asia that are written within words.
fn is_letter(c: char) -> bool {
    // Circled and squared Latin letters count as alphabetic only in part; emoji never do.
    match c {
        '\u{964}' | '\u{965}' => false,
        // Of India; Thai, Lao, Burmese and Khmer.
        '\u{900}'..='\u{dff}'
        | '\u{e31}'..='\u{e3a}'
        | '\u{e47}'..='\u{e4e}'
        | '\u{eb1}'..='\u{ebc}'
        | '\u{ec8}'..='\u{ece}'
        | '\u{102b}'..='\u{103e}'
        | '\u{17b6}'..='\u{17d3}' => true,
        _ => c.is_alphabetic(),
    }
}

/// The plainest form of a character that is not ASCII.
pub(super) fn fold(c: char) -> char {
    match c {
        'ı' | 'İ' => return 'i',
        'ø' | 'Ø' => return 'o',
        'ł' | 'Ł' => return 'l',
        'đ' | 'Đ' => return 'd',
        // Arabic letters that people type for one another.
        'أ' | 'إ' | 'آ' | 'ٱ' => return 'ا',
        'ى' | 'ی' | 'ئ' => return 'ي',
        'ة' | 'ه' | 'ہ' | 'ھ' => return 'ه',
        'ک' => return 'ك',
        '‐'..='―' | '−' | '﹘' | '﹣' | '－' => return '-',
        // A syllable would lose all but its first letter.
        '\u{ac00}'..='\u{d7a3}' => return c,
        _ => {}
    }
    let mut first = None;
    decompose_compatible(c, |part| {
        if first.is_none() && !is_invisible(part) && part != ' ' {
            first = Some(part);
        }
    });
    let base = first.unwrap_or(c);
    base.to_lowercase().next().unwrap_or(base)
}

/// A word of a table in the form in which the shadow shows it.
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
