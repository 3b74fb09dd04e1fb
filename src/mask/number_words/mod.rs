//! Number words, language by language, as tables.
//!
//! What lives here: the words with which people say digits, tens and repetitions, and nothing
//! that decides anything. What must not: context words (see `cue/`) or code that reads text.
//! To add a language: a [`Language`] row in the file of its script, listed in [`ALL`]; spellings
//! of one value stand in one string, separated by spaces, as people write them, misspelt ones too.

mod european;
mod hindi;
mod indic;
mod latin;
mod other;
mod romanised;

/// The number words of one language. Every string is a list of spellings.
pub(super) struct NumberWords {
    /// 0 to 9.
    pub(super) units: [&'static str; 10],
    /// 10 to 19; empty where nobody says them in phone numbers.
    pub(super) teens: [&'static str; 10],
    /// 20, 30 … 90, which a unit may follow.
    pub(super) tens: [&'static str; 8],
    /// Other whole words with their value: 25, 84 and so on, or 300.
    pub(super) compounds: &'static [(u16, &'static str)],
    /// What repeats the next digit: double, triple.
    pub(super) repeats: [&'static str; 2],
    /// Ten, hundred and thousand, where they follow what they multiply.
    pub(super) scales: [&'static str; 3],
    /// What joins a unit to the tens that follow it in one word: ein-und-zwanzig.
    pub(super) joint: &'static str,
}

/// What the languages that do not say more are filled up with.
const EMPTY: NumberWords = NumberWords {
    units: [""; 10],
    teens: [""; 10],
    tens: [""; 8],
    compounds: &[],
    repeats: [""; 2],
    scales: [""; 3],
    joint: "",
};

/// A language of which only the digits are listed.
const fn digits_only(units: [&'static str; 10]) -> NumberWords {
    NumberWords { units, ..EMPTY }
}

/// All languages; the position of one is its bit in a word's set of languages (at most 64).
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

/// Number words that are everyday words too: at the edge of a number they are no part of it when
/// the rest of it is in another language.
pub(super) const AMBIGUOUS: &str = "no do to too tu tow a at ate for fore fr free tree o oh \
    un une um uma tin teen sat che chi char das won once on one i si se ses sei sex dos tres due \
    tre sin ses be bin tri her an do den von elf hat acht mas car are satu dua empat uno once \
    sem six dix onze ein eine einen ain bes on as moja mia hai ba tam bay mot sau pan jeden \
    ett en to wa ek no nau chai char paach tien een fire ik nul sat athe at onnu naal \
    hat ot het ni ses du don cha bey nav set sis opt pet wala isa patru fem nou u et bir bin cent mille mil \
    hundred thousand sunna mudu edu aru ik";

/// Number words that are far more often the little words of a sentence.
pub(super) const COMMON: &str =
    "on to too tu tow at ate for fore fr fo free tree won fire hat het set an den ni no nou";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_words_cover_ten_digits_in_every_language() {
        for (at, language) in ALL.iter().enumerate() {
            assert!(language.units.iter().all(|words| !words.is_empty()), "language {at}");
        }
        assert!(ALL.len() <= 64, "a set of languages is a u64");
    }
}
