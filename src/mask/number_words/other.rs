//! [`NumberWords`] in Cyrillic, Arabic, Greek, Hebrew, Thai, Chinese, Korean and Japanese script,
//! and of Arabic in Latin script.
//!
//! This module contains tables and no code. To add a language, add a constant like its neighbors
//! and list it in [`ALL`](super::ALL).

use super::table::{EMPTY, NumberWords, digits_only};

pub(super) const RUSSIAN: NumberWords = NumberWords {
    units: [
        "ноль нуль зеро",
        "один одна адин раз",
        "два две",
        "три",
        "четыре читыре",
        "пять пят",
        "шесть шест",
        "семь сем",
        "восемь восем",
        "девять девят",
    ],
    teens: [
        "десять",
        "одиннадцать",
        "двенадцать",
        "тринадцать",
        "четырнадцать",
        "пятнадцать",
        "шестнадцать",
        "семнадцать",
        "восемнадцать",
        "девятнадцать",
    ],
    tens: [
        "двадцать",
        "тридцать",
        "сорок",
        "пятьдесят",
        "шестьдесят",
        "семьдесят",
        "восемьдесят",
        "девяносто",
    ],
    compounds: &[
        (100, "сто"),
        (200, "двести"),
        (300, "триста"),
        (400, "четыреста"),
        (500, "пятьсот"),
        (600, "шестьсот"),
        (700, "семьсот"),
        (800, "восемьсот"),
        (900, "девятьсот"),
    ],
    repeats: ["дважды", "трижды"],
    ..EMPTY
};

pub(super) const UKRAINIAN: NumberWords = digits_only([
    "нуль",
    "один",
    "два",
    "три",
    "чотири",
    "п'ять пять",
    "шість",
    "сім",
    "вісім",
    "дев'ять девять",
]);

pub(super) const ARABIC: NumberWords = NumberWords {
    units: [
        "صفر زيرو",
        "واحد واحدة",
        "اثنان اثنين اتنين إثنين اثنتين إثنان",
        "ثلاثة ثلاث تلاتة تلاته",
        "أربعة اربع أربع اربعه",
        "خمسة خمس خمسه",
        "ستة ست سته",
        "سبعة سبع سبعه",
        "ثمانية ثماني ثمان تمانية تمانيه",
        "تسعة تسع تسعه",
    ],
    teens: ["عشرة عشر عشره", "", "", "", "", "", "", "", "", ""],
    tens: ["عشرين", "ثلاثين", "أربعين", "خمسين", "ستين", "سبعين", "ثمانين", "تسعين"],
    compounds: &[],
    repeats: ["مرتين", ""],
    ..EMPTY
};

pub(super) const ARABIC_LATIN: NumberWords = digits_only([
    "sifr sefr",
    "wahid wahed",
    "ithnan itnen ithnayn etnen",
    "thalatha talata tlata",
    "arbaa arba3a arbaah",
    "khamsa 5amsa",
    "sitta setta",
    "sabaa sab3a sabaah",
    "thamania tamanya thamaniya",
    "tisaa tes3a tisa tesaa",
]);

pub(super) const URDU: NumberWords =
    digits_only(["صفر زیرو", "ایک", "دو", "تین", "چار", "پانچ", "چھ چھے", "سات", "آٹھ", "نو"]);

pub(super) const PERSIAN: NumberWords =
    digits_only(["صفر", "یک", "دو", "سه", "چهار", "پنج", "شش شیش", "هفت", "هشت", "نه"]);

/// Each digit is one character, so a whole number is one word, which `run_together.rs` splits. 幺
/// means one in spoken phone numbers.
pub(super) const CHINESE: NumberWords = digits_only([
    "零 〇 洞",
    "一 幺 壹",
    "二 两 贰 兩",
    "三 叁",
    "四 肆",
    "五 伍",
    "六 陆 陸",
    "七 柒",
    "八 捌",
    "九 玖",
]);

pub(super) const KOREAN: NumberWords =
    digits_only(["공 영", "일", "이", "삼", "사", "오", "육", "칠", "팔", "구"]);

pub(super) const GREEK: NumberWords = digits_only([
    "μηδέν",
    "ένα",
    "δύο",
    "τρία",
    "τέσσερα",
    "πέντε",
    "έξι",
    "επτά εφτά",
    "οκτώ οχτώ",
    "εννέα εννιά",
]);

pub(super) const BULGARIAN: NumberWords = digits_only([
    "нула",
    "едно един",
    "две",
    "три",
    "четири",
    "пет",
    "шест",
    "седем",
    "осем",
    "девет",
]);

pub(super) const SERBIAN: NumberWords =
    digits_only(["нула", "један", "два", "три", "четири", "пет", "шест", "седам", "осам", "девет"]);

pub(super) const HEBREW: NumberWords = digits_only([
    "אפס",
    "אחת אחד",
    "שתיים שניים שתים",
    "שלוש שלושה",
    "ארבע ארבעה",
    "חמש חמישה",
    "שש שישה",
    "שבע שבעה",
    "שמונה",
    "תשע תשעה",
]);

/// Written without spaces, like Thai.
pub(super) const THAI: NumberWords =
    digits_only(["ศูนย์", "หนึ่ง", "สอง", "สาม", "สี่", "ห้า", "หก", "เจ็ด", "แปด", "เก้า"]);

pub(super) const JAPANESE: NumberWords = digits_only([
    "ゼロ ぜろ れい まる",
    "いち イチ",
    "に ニ",
    "さん サン",
    "よん し ヨン",
    "ご ゴ",
    "ろく ロク",
    "なな しち ナナ",
    "はち ハチ",
    "きゅう キュウ",
]);
