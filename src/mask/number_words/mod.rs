//! [`NumberWords`] by language: the words for digits, tens and repetitions.
//!
//! This folder contains only tables. Context words must not be here, but in `cue/`, and neither
//! must code that reads text. To add a language, add a constant to the file of its script and list
//! it in [`ALL`]. All spellings of a value are in one string, as people write them, with
//! misspellings.

mod european;
mod hindi;
mod indic;
mod latin;
mod other;
mod romanised;
mod table;

pub(super) use table::NumberWords;

/// All languages, at most 64. The index of a language is its bit in [`Number::languages`].
///
/// [`Number::languages`]: super::lexicon::Number::languages
pub(super) const ALL: &[&NumberWords] = &[
    &latin::ENGLISH,
    &latin::SPANISH,
    &latin::PORTUGUESE,
    &latin::FRENCH,
    &latin::GERMAN,
    &latin::INDONESIAN,
    &latin::ITALIAN,
    &latin::TURKISH,
    &latin::DUTCH,
    &latin::POLISH,
    &latin::SWAHILI,
    &latin::VIETNAMESE,
    &hindi::HINDI_LATIN,
    &hindi::HINDI,
    &indic::BENGALI,
    &indic::TAMIL,
    &indic::TAMIL_LATIN,
    &indic::TELUGU,
    &indic::GUJARATI,
    &indic::PUNJABI,
    &indic::KANNADA,
    &indic::MALAYALAM,
    &other::RUSSIAN,
    &other::ARABIC,
    &other::ARABIC_LATIN,
    &other::URDU,
    &other::PERSIAN,
    &other::CHINESE,
    &other::KOREAN,
    &other::GREEK,
    &other::UKRAINIAN,
    &indic::MARATHI,
    &indic::NEPALI,
    &indic::ODIA,
    &indic::SINHALA,
    &romanised::BENGALI_LATIN,
    &romanised::MARATHI_LATIN,
    &romanised::NEPALI_LATIN,
    &romanised::GUJARATI_LATIN,
    &romanised::PUNJABI_LATIN,
    &romanised::TELUGU_LATIN,
    &romanised::KANNADA_LATIN,
    &romanised::MALAYALAM_LATIN,
    &other::BULGARIAN,
    &other::SERBIAN,
    &other::HEBREW,
    &other::THAI,
    &other::JAPANESE,
    &european::SWEDISH,
    &european::DANISH,
    &european::ICELANDIC,
    &european::FINNISH,
    &european::ESTONIAN,
    &european::LATVIAN,
    &european::LITHUANIAN,
    &european::HUNGARIAN,
    &european::CZECH,
    &european::CROATIAN,
    &european::ROMANIAN,
    &european::ALBANIAN,
    &european::CATALAN,
    &european::AFRIKAANS,
    &european::TAGALOG,
];

/// Number words that are also everyday words. At the end of a number in another language they are
/// not part of it.
pub(super) const AMBIGUOUS: &str = "no do to too tu tow a at ate for fore fr free tree o oh \
    un une um uma tin teen sat che chi char das won once on one i si se ses sei sex dos tres due \
    tre sin ses be bin tri her an do den von elf hat acht mas car are satu dua empat uno once \
    sem six dix onze ein eine einen ain bes on as moja mia hai ba tam bay mot sau pan jeden \
    ett en to wa ek no nau chai char paach tien een fire ik nul sat athe at onnu naal \
    hat ot het ni ses du don cha bey nav set sis opt pet wala isa patru fem nou u et bir bin cent mille mil \
    hundred thousand sunna mudu edu aru ik nao bis esa bon dort dies tete nein deu viens ait \
    dois tera rendu artis sonne";

/// Number words that are far more often the small words of a sentence.
pub(super) const COMMON: &str =
    "on to too tu tow at ate for fore fr fo free tree won fire hat het set an den ni no nou";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_words_cover_ten_digits_in_every_language() {
        for (index, language) in ALL.iter().enumerate() {
            assert!(language.units.iter().all(|words| !words.is_empty()), "language {index}");
        }
        assert!(ALL.len() <= 64, "a set of languages is a `u64`");
    }
}
