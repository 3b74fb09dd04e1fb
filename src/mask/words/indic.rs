//! Number words of the languages of India, in their scripts and in Latin letters.
//!
//! What lives here: tables. What must not: code. To add a language: a constant like its
//! neighbours, then a line in `ALL` of the module above.

use super::{Language, digits_only};

pub(super) const HINDI_LATIN: Language = Language {
    units: [
        "zero shunya sunya shoonya soonya shunye jeero jiro sifar shuny",
        "ek aek ekk eik",
        "do doo dho",
        "teen tin tiin theen tean",
        "char chaar chhar caar chaer car",
        "paanch panch pach paach panj paanc punch pachh",
        "che chhe chah cheh chay chhah chha chhay chai chey",
        "saat sat saath saatt sath",
        "aath ath aat aatth aatha ath",
        "nau no nou naw nao naau",
    ],
    teens: [
        "das dus",
        "gyarah gyara",
        "barah bara",
        "terah tera",
        "chaudah",
        "pandrah",
        "solah",
        "satrah",
        "atharah athara",
        "unnis",
    ],
    tens: [
        "bees bis",
        "tees",
        "chalis chaalis",
        "pachas pachaas",
        "saath",
        "sattar",
        "assi",
        "nabbe nabbey",
    ],
    compounds: &[
        (21, "ikkis"),
        (22, "bais baees"),
        (23, "teis tees"),
        (24, "chaubis"),
        (25, "pachis pacchis pachchis"),
        (26, "chabbis chhabbis"),
        (27, "sattais"),
        (28, "atthais athais"),
        (29, "untis"),
        (31, "ikatis iktis"),
        (32, "battis"),
        (33, "taintis tentis"),
        (34, "chautis"),
        (35, "paintis"),
        (36, "chattis chhattis"),
        (37, "saintis"),
        (38, "adtis artis"),
        (39, "untalis"),
        (41, "iktalis"),
        (42, "bayalis"),
        (43, "taintalis"),
        (44, "chavalis chauvalis"),
        (45, "paintalis"),
        (46, "chiyalis"),
        (47, "saintalis"),
        (48, "adtalis"),
        (49, "unchas"),
        (51, "ikyavan"),
        (52, "bavan"),
        (53, "tirpan"),
        (54, "chauvan"),
        (55, "pachpan"),
        (56, "chappan"),
        (57, "sattavan"),
        (58, "atthavan"),
        (59, "unsath"),
        (61, "iksath"),
        (62, "basath"),
        (63, "tirsath"),
        (64, "chausath"),
        (65, "painsath"),
        (66, "chiyasath"),
        (67, "sadsath"),
        (68, "adsath"),
        (69, "unhattar"),
        (71, "ikhattar"),
        (72, "bahattar"),
        (73, "tihattar"),
        (74, "chauhattar"),
        (75, "pachhattar pachattar"),
        (76, "chihattar"),
        (77, "satattar"),
        (78, "athattar"),
        (79, "unasi"),
        (81, "ikyasi"),
        (82, "bayasi"),
        (83, "tirasi"),
        (84, "chaurasi"),
        (85, "pachasi"),
        (86, "chiyasi"),
        (87, "sattasi"),
        (88, "atthasi"),
        (89, "navasi"),
        (91, "ikyanve ikyanbe"),
        (92, "banve banbe"),
        (93, "tiranve"),
        (94, "chauranve"),
        (95, "pachanve pachyanve"),
        (96, "chiyanve"),
        (97, "sattanve"),
        (98, "atthanve atthanbe"),
        (99, "ninyanve"),
    ],
    repeats: ["dabal dubal", "tripal tipal"],
};

pub(super) const HINDI: Language = Language {
    units: [
        "शून्य ज़ीरो जीरो सिफर शुन्य",
        "एक",
        "दो",
        "तीन",
        "चार",
        "पाँच पांच पाच",
        "छह छः छे छ छै",
        "सात",
        "आठ",
        "नौ",
    ],
    teens: ["दस", "ग्यारह", "बारह", "तेरह", "चौदह", "पंद्रह पन्द्रह", "सोलह", "सत्रह", "अठारह", "उन्नीस"],
    tens: ["बीस", "तीस", "चालीस", "पचास", "साठ", "सत्तर", "अस्सी", "नब्बे"],
    compounds: &[
        (0, "ओ"),
        (1, "वन"),
        (2, "टू"),
        (3, "थ्री"),
        (4, "फोर"),
        (5, "फाइव"),
        (6, "सिक्स"),
        (7, "सेवन"),
        (8, "एट"),
        (9, "नाइन"),
    ],
    repeats: ["डबल", "ट्रिपल"],
};

pub(super) const BENGALI: Language = Language {
    units: ["শূন্য শুন্য জিরো", "এক", "দুই দু", "তিন", "চার", "পাঁচ পাচ", "ছয় ছয় ছ", "সাত", "আট", "নয় নয়"],
    teens: ["দশ", "এগারো", "বারো", "তেরো", "চৌদ্দ", "পনেরো", "ষোলো", "সতেরো", "আঠারো", "উনিশ"],
    tens: ["বিশ", "ত্রিশ", "চল্লিশ", "পঞ্চাশ", "ষাট", "সত্তর", "আশি", "নব্বই"],
    compounds: &[],
    repeats: ["ডাবল", "ট্রিপল"],
};

pub(super) const TAMIL: Language = Language {
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
};

pub(super) const TAMIL_LATIN: Language = digits_only([
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

pub(super) const TELUGU: Language = digits_only([
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

pub(super) const GUJARATI: Language =
    digits_only(["શૂન્ય", "એક", "બે", "ત્રણ", "ચાર", "પાંચ", "છ", "સાત", "આઠ", "નવ"]);

pub(super) const PUNJABI: Language =
    digits_only(["ਸਿਫ਼ਰ ਜ਼ੀਰੋ", "ਇੱਕ ਇਕ", "ਦੋ", "ਤਿੰਨ", "ਚਾਰ", "ਪੰਜ", "ਛੇ", "ਸੱਤ", "ਅੱਠ", "ਨੌਂ ਨੌ"]);

pub(super) const KANNADA: Language =
    digits_only(["ಸೊನ್ನೆ", "ಒಂದು", "ಎರಡು", "ಮೂರು", "ನಾಲ್ಕು", "ಐದು", "ಆರು", "ಏಳು", "ಎಂಟು", "ಒಂಬತ್ತು"]);

pub(super) const MALAYALAM: Language =
    digits_only(["പൂജ്യം", "ഒന്ന്", "രണ്ട്", "മൂന്ന്", "നാല്", "അഞ്ച്", "ആറ്", "ഏഴ്", "എട്ട്", "ഒമ്പത് ഒൻപത്"]);
