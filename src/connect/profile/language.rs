//! The languages that the system speaks, and which of them somebody writes.
//!
//! To add one: a variant, a row in [`LANGUAGES`], and a file of messages in `words/`; the tests there
//! name what is missing.

use std::fmt;

use once_cell::sync::Lazy;
use whatlang::{Detector, Lang};

/// A language in which there are messages for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    #[default]
    English,
    Hindi,
    Spanish,
    Portuguese,
    Indonesian,
    Arabic,
}

/// A row of the table: its code (ISO 639-1), what its speakers call it, and what the detector does.
pub struct LanguageInfo {
    pub language: Language,
    pub code: &'static str,
    pub name: &'static str,
    whatlang: Lang,
}

pub const LANGUAGES: [LanguageInfo; 6] = [
    LanguageInfo { language: Language::English, code: "en", name: "English", whatlang: Lang::Eng },
    LanguageInfo {
        language: Language::Hindi, code: "hi", name: "हिन्दी", whatlang: Lang::Hin
    },
    LanguageInfo { language: Language::Spanish, code: "es", name: "español", whatlang: Lang::Spa },
    LanguageInfo {
        language: Language::Portuguese,
        code: "pt",
        name: "português",
        whatlang: Lang::Por,
    },
    LanguageInfo {
        language: Language::Indonesian,
        code: "id",
        name: "bahasa Indonesia",
        whatlang: Lang::Ind,
    },
    LanguageInfo {
        language: Language::Arabic, code: "ar", name: "العربية", whatlang: Lang::Ara
    },
];

/// Fewer letters than these tell too little.
const MIN_LETTERS: usize = 16;

/// So many characters tell as much as all of a text. What they cost grows with them.
const MAX_DETECT_CHARS: usize = 256;

/// At this confidence 5 of 294 guesses about messages in `tests/corpus` are wrong (`tests/language.rs`).
const MIN_CONFIDENCE: f64 = 0.5;

/// Languages that would otherwise be taken for one of the table. Not those written as Hindi is: most
/// who write them read it better than English.
const DISTRACTORS: [Lang; 11] = [
    Lang::Fra,
    Lang::Ita,
    Lang::Deu,
    Lang::Nld,
    Lang::Tur,
    Lang::Urd,
    Lang::Pes,
    Lang::Pol,
    Lang::Ron,
    Lang::Swe,
    Lang::Vie,
];

static DETECTOR: Lazy<Detector> = Lazy::new(|| {
    let own = LANGUAGES.iter().map(|row| row.whatlang);
    Detector::with_allowlist(own.chain(DISTRACTORS).collect())
});

impl Language {
    fn info(self) -> &'static LanguageInfo {
        &LANGUAGES[self as usize]
    }

    #[must_use]
    pub fn code(self) -> &'static str {
        self.info().code
    }

    /// Reads a code, or a name as its speakers or English write it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let named = |row: &&LanguageInfo| {
            text == row.code
                || text == row.name.to_lowercase()
                || text == format!("{:?}", row.language).to_lowercase()
        };
        LANGUAGES.iter().find(named).map(|row| row.language)
    }

    /// The language of a text, if it is one of these and the text leaves little doubt.
    #[must_use]
    pub fn detect(text: &str) -> Option<Self> {
        let end = text.char_indices().nth(MAX_DETECT_CHARS).map_or(text.len(), |(at, _)| at);
        let text = &text[..end];
        if text.chars().filter(|c| c.is_alphabetic()).count() < MIN_LETTERS {
            return None;
        }
        let found = DETECTOR.detect(text).filter(|found| found.confidence() >= MIN_CONFIDENCE)?;
        LANGUAGES.iter().find(|row| row.whatlang == found.lang()).map(|row| row.language)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.info().name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_table_matches_the_enum_and_parses_every_name() {
        for (at, row) in LANGUAGES.iter().enumerate() {
            assert_eq!(row.language as usize, at);
            for name in
                [row.code, row.name, &row.code.to_uppercase(), &format!("{:?} ", row.language)]
            {
                assert_eq!(Language::parse(name), Some(row.language), "{name}");
            }
        }
        assert_eq!([Language::parse(""), Language::parse("fr")], [None; 2]);
    }

    #[test]
    fn language_is_detected_from_typical_messages() {
        for (text, language) in [
            ("hello there, how are you doing today?", Language::English),
            ("आज आप कैसे हैं, क्या कर रहे हैं?", Language::Hindi),
            ("hola, ¿cómo estás? ¿de dónde eres?", Language::Spanish),
            ("oi, tudo bem com você? não te conheço ainda, de onde você é?", Language::Portuguese),
            (
                "aku baru pulang kerja, sekarang lagi istirahat di rumah sambil menonton film",
                Language::Indonesian,
            ),
            ("مرحبا كيف حالك اليوم؟ من أين أنت؟", Language::Arabic),
        ] {
            assert_eq!(Language::detect(text), Some(language), "{text}");
        }
    }

    #[test]
    fn language_detection_ignores_short_and_unsupported_text() {
        for text in [
            "",
            "hi",
            "ok 👍",
            "9876543210",
            "bonjour, comment vas-tu aujourd'hui ?",
            "ich komme aus einer kleinen Stadt",
        ] {
            assert_eq!(Language::detect(text), None, "{text}");
        }
    }
}
