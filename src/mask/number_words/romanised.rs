//! [`NumberWords`] of languages of India and Nepal as people write them in Latin script.
//!
//! This module contains tables and no code. Hindi must not be here, but in `hindi.rs`. To add a
//! language, add a constant like its neighbors and list it in [`ALL`](super::ALL).

use super::table::{NumberWords, digits_only};

pub(super) const BENGALI_LATIN: NumberWords = digits_only([
    "shunno sunno shunyo sunyo shunna",
    "ek",
    "dui duui du",
    "tin teen",
    "char chaar",
    "panch paanch pach",
    "choy chhoy chhoi choi chhay",
    "saat shaat sat shat",
    "aat at aath",
    "noy noi nou noe",
]);

pub(super) const MARATHI_LATIN: NumberWords = digits_only([
    "shunya shoonya",
    "ek",
    "don donn",
    "teen tin",
    "char chaar",
    "pach paach panch",
    "saha sahaa",
    "saat sat",
    "aath ath",
    "nau navu nauu",
]);

pub(super) const NEPALI_LATIN: NumberWords = digits_only([
    "sunna suniya sunya",
    "ek",
    "dui duai",
    "tin teen",
    "char chaar",
    "panch paanch",
    "chha cha",
    "saat sat",
    "aath ath",
    "nau",
]);

pub(super) const GUJARATI_LATIN: NumberWords = digits_only([
    "shunya sunya mindu",
    "ek",
    "bey",
    "tran trann",
    "char chaar",
    "panch paanch",
    "chha chhah",
    "saat sat",
    "aath ath",
    "nav",
]);

pub(super) const PUNJABI_LATIN: NumberWords = digits_only([
    "sifar siphar",
    "ikk ik",
    "do",
    "tinn tin",
    "char chaar",
    "panj punj",
    "chhe che",
    "satt",
    "atth athh",
    "naun nau",
]);

pub(super) const TELUGU_LATIN: NumberWords = digits_only([
    "sunna sunnaa",
    "okati okkati",
    "rendu",
    "moodu mudu muudu",
    "naalugu nalugu",
    "aidu ayidu",
    "aaru aru",
    "yedu edu eedu",
    "enimidi yenimidi",
    "tommidi thommidi tomidi",
]);

pub(super) const KANNADA_LATIN: NumberWords = digits_only([
    "sonne",
    "ondu",
    "eradu yeradu",
    "mooru muru",
    "naalku nalku",
    "aidu",
    "aaru aru",
    "yelu elu",
    "entu yentu",
    "ombattu ombathu",
]);

pub(super) const MALAYALAM_LATIN: NumberWords = digits_only([
    "poojyam pujyam",
    "onnu",
    "randu",
    "moonnu moonu",
    "naalu nalu",
    "anchu anju",
    "aaru",
    "ezhu",
    "ettu",
    "onpathu ombathu onbathu",
]);
