//! [`NumberWords`] of the languages of India except Hindi: in their scripts, and Tamil in Latin.
//!
//! This module contains tables and no code. To add a language, add a constant like its neighbors
//! and list it in [`ALL`](super::ALL).

use super::table::{EMPTY, NumberWords, digits_only};

pub(super) const BENGALI: NumberWords = NumberWords {
    units: ["শূন্য শুন্য জিরো", "এক", "দুই দু", "তিন", "চার", "পাঁচ পাচ", "ছয় ছয় ছ", "সাত", "আট", "নয় নয়"],
    teens: ["দশ", "এগারো", "বারো", "তেরো", "চৌদ্দ", "পনেরো", "ষোলো", "সতেরো", "আঠারো", "উনিশ"],
    tens: ["বিশ", "ত্রিশ", "চল্লিশ", "পঞ্চাশ", "ষাট", "সত্তর", "আশি", "নব্বই"],
    compounds: &[],
    repeats: ["ডাবল", "ট্রিপল"],
    ..EMPTY
};

pub(super) const TAMIL: NumberWords = NumberWords {
    units: [
        "பூஜ்யம் பூஜ்ஜியம் சுழியம் சைபர் ஜீரோ பூச்சியம் சீரோ",
        "ஒன்று ஒண்ணு ஒன்னு",
        "இரண்டு ரெண்டு",
        "மூன்று மூணு",
        "நான்கு நாலு",
        "ஐந்து அஞ்சு",
        "ஆறு",
        "ஏழு",
        "எட்டு",
        "ஒன்பது ஒம்பது",
    ],
    teens: ["பத்து", "", "", "", "", "", "", "", "", ""],
    tens: [""; 8],
    compounds: &[],
    repeats: ["டபுள்", "ட்ரிபிள்"],
    ..EMPTY
};

pub(super) const TAMIL_LATIN: NumberWords = digits_only([
    "poojyam poojiyam suzhiyam",
    "onnu ondru onru",
    "rendu irandu",
    "moonu moondru munu",
    "naalu naangu nalu",
    "anju ainthu aindhu",
    "aaru",
    "ezhu yezhu elu",
    "ettu",
    "onbathu ombathu ombadhu onbadhu",
]);

pub(super) const TELUGU: NumberWords = digits_only([
    "సున్నా సున్న",
    "ఒకటి",
    "రెండు",
    "మూడు",
    "నాలుగు",
    "ఐదు అయిదు",
    "ఆరు",
    "ఏడు",
    "ఎనిమిది",
    "తొమ్మిది",
]);

pub(super) const GUJARATI: NumberWords =
    digits_only(["શૂન્ય", "એક", "બે", "ત્રણ", "ચાર", "પાંચ", "છ", "સાત", "આઠ", "નવ"]);

pub(super) const PUNJABI: NumberWords =
    digits_only(["ਸਿਫ਼ਰ ਜ਼ੀਰੋ", "ਇੱਕ ਇਕ", "ਦੋ", "ਤਿੰਨ", "ਚਾਰ", "ਪੰਜ", "ਛੇ", "ਸੱਤ", "ਅੱਠ", "ਨੌਂ ਨੌ"]);

pub(super) const KANNADA: NumberWords =
    digits_only(["ಸೊನ್ನೆ", "ಒಂದು", "ಎರಡು", "ಮೂರು", "ನಾಲ್ಕು", "ಐದು", "ಆರು", "ಏಳು", "ಎಂಟು", "ಒಂಬತ್ತು"]);

pub(super) const MALAYALAM: NumberWords =
    digits_only(["പൂജ്യം", "ഒന്ന്", "രണ്ട്", "മൂന്ന്", "നാല്", "അഞ്ച്", "ആറ്", "ഏഴ്", "എട്ട്", "ഒമ്പത് ഒൻപത്"]);

pub(super) const MARATHI: NumberWords =
    digits_only(["शून्य", "एक", "दोन", "तीन", "चार", "पाच पाँच", "सहा", "सात", "आठ", "नऊ"]);

pub(super) const NEPALI: NumberWords = digits_only([
    "शून्य सुन्ना सुन्य",
    "एक",
    "दुई दुइ",
    "तीन तिन",
    "चार",
    "पाँच पाच",
    "छ छः",
    "सात",
    "आठ",
    "नौ",
]);

pub(super) const ODIA: NumberWords =
    digits_only(["ଶୂନ", "ଏକ", "ଦୁଇ", "ତିନି", "ଚାରି", "ପାଞ୍ଚ", "ଛଅ", "ସାତ", "ଆଠ", "ନଅ"]);

pub(super) const SINHALA: NumberWords =
    digits_only(["බිංදුව බින්දුව", "එක", "දෙක", "තුන", "හතර", "පහ", "හය", "හත", "අට", "නවය නමය"]);
