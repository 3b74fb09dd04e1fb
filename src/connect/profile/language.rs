//! [`Language`]: the languages of the system's messages, and the detection of a text's language.
//!
//! The messages themselves are in `reply/messages/`. To add a language, add a variant, a row in
//! [`LANGUAGES`] and a file of messages. The tests of `reply/messages/` name every message that is
//! missing.

use std::fmt;

use once_cell::sync::Lazy;
use whatlang::{Detector, Lang};

/// A language that the system can write messages in.
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

/// A row of [`LANGUAGES`].
pub struct LanguageInfo {
    pub language: Language,
    /// ISO 639-1 code.
    pub code: &'static str,
    /// The language's own name for itself.
    pub name: &'static str,
    /// The same language in the detector.
    whatlang: Lang,
}

/// All languages, in the order of the variants of [`Language`].
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

/// Minimum number of letters for a detection; a shorter text is too ambiguous.
const MIN_LETTERS: usize = 16;

/// Maximum number of characters that the detector reads. More do not change the result, and the
/// cost grows with them.
const MAX_DETECT_CHARS: usize = 256;

/// Minimum confidence of a detection. At this value 5 of 294 detections on the messages in
/// `tests/corpus` are wrong (`tests/it/language.rs`).
const MIN_CONFIDENCE: f64 = 0.5;

/// Languages that the detector would otherwise mistake for one of [`LANGUAGES`].
///
/// Languages written in Hindi's script are left out, because most of their writers read Hindi
/// better than English.
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
    let supported = LANGUAGES.iter().map(|row| row.whatlang);
    Detector::with_allowlist(supported.chain(DISTRACTORS).collect())
});

impl Language {
    fn info(self) -> &'static LanguageInfo {
        &LANGUAGES[self as usize]
    }

    /// Returns the ISO 639-1 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.info().code
    }

    /// Parses a code, the language's own name, or its English name, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let matches = |row: &&LanguageInfo| {
            text == row.code
                || text == row.name.to_lowercase()
                || text == format!("{:?}", row.language).to_lowercase()
        };
        LANGUAGES.iter().find(matches).map(|row| row.language)
    }

    /// Detects the language of a text. `None` if the text is too short, the confidence is too low,
    /// or the language is not one of [`LANGUAGES`].
    #[must_use]
    pub fn detect(text: &str) -> Option<Self> {
        let end = text.char_indices().nth(MAX_DETECT_CHARS).map_or(text.len(), |(index, _)| index);
        let text = &text[..end];
        if text.chars().filter(|c| c.is_alphabetic()).count() < MIN_LETTERS {
            return None;
        }
        let detected = DETECTOR.detect(text).filter(|info| info.confidence() >= MIN_CONFIDENCE)?;
        LANGUAGES.iter().find(|row| row.whatlang == detected.lang()).map(|row| row.language)
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
        for (index, row) in LANGUAGES.iter().enumerate() {
            assert_eq!(row.language as usize, index);
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
