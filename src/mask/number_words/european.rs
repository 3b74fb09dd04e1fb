//! [`NumberWords`] of the smaller languages of Europe, and of some in Asia with the same script.
//!
//! This module contains tables and no code. To add a language, add a constant like its neighbors
//! and list it in [`ALL`](super::ALL).

use super::table::{NumberWords, digits_only};

pub(super) const SWEDISH: NumberWords =
    digits_only(["noll", "ett", "två tva", "tre", "fyra", "fem", "sex", "sju", "åtta atta", "nio"]);

/// Danish and Norwegian.
pub(super) const DANISH: NumberWords = digits_only([
    "nul null",
    "en et",
    "to",
    "tre",
    "fire",
    "fem",
    "seks",
    "syv sju",
    "otte åtte",
    "ni",
]);

pub(super) const ICELANDIC: NumberWords = digits_only([
    "núll",
    "einn eitt",
    "tveir tvö",
    "þrír þrjú",
    "fjórir fjögur",
    "fimm",
    "sex",
    "sjö",
    "átta",
    "níu",
]);

pub(super) const FINNISH: NumberWords = digits_only([
    "nolla",
    "yksi yks",
    "kaksi kaks",
    "kolme",
    "neljä",
    "viisi viis",
    "kuusi kuus",
    "seitsemän seittemän",
    "kahdeksan kaheksan",
    "yhdeksän yheksän",
]);

pub(super) const ESTONIAN: NumberWords = digits_only([
    "null", "üks", "kaks", "kolm", "neli", "viis", "kuus", "seitse", "kaheksa", "üheksa",
]);

pub(super) const LATVIAN: NumberWords = digits_only([
    "nulle", "viens", "divi", "trīs", "četri", "pieci", "seši", "septiņi", "astoņi", "deviņi",
]);

pub(super) const LITHUANIAN: NumberWords = digits_only([
    "nulis", "vienas", "du", "trys", "keturi", "penki", "šeši", "septyni", "aštuoni", "devyni",
]);

pub(super) const HUNGARIAN: NumberWords = digits_only([
    "nulla",
    "egy",
    "kettő két",
    "három",
    "négy",
    "öt",
    "hat",
    "hét",
    "nyolc",
    "kilenc",
]);

/// Czech and Slovak.
pub(super) const CZECH: NumberWords = digits_only([
    "nula",
    "jedna jeden",
    "dva dvě",
    "tři tri",
    "čtyři štyri styri",
    "pět päť",
    "šest šesť",
    "sedm sedem",
    "osm osem",
    "devět deväť",
]);

/// Croatian, Serbian, Bosnian and Slovene.
pub(super) const CROATIAN: NumberWords = digits_only([
    "nula nič",
    "jedan ena",
    "dva dve",
    "tri",
    "četiri štiri",
    "pet",
    "šest",
    "sedam sedem",
    "osam osem",
    "devet",
]);

pub(super) const ROMANIAN: NumberWords = digits_only([
    "zero",
    "unu",
    "doi",
    "trei",
    "patru",
    "cinci",
    "șase sase",
    "șapte sapte",
    "opt",
    "nouă noua",
]);

pub(super) const ALBANIAN: NumberWords = digits_only([
    "zero", "një", "dy", "tre", "katër", "pesë", "gjashtë", "shtatë", "tetë", "nëntë",
]);

pub(super) const CATALAN: NumberWords = digits_only([
    "zero",
    "un u",
    "dos dues",
    "tres",
    "quatre",
    "cinc",
    "sis",
    "set",
    "vuit huit",
    "nou",
]);

pub(super) const AFRIKAANS: NumberWords =
    digits_only(["nul", "een", "twee", "drie", "vier", "vyf", "ses", "sewe", "agt", "nege"]);

pub(super) const TAGALOG: NumberWords = digits_only([
    "wala sero",
    "isa",
    "dalawa",
    "tatlo",
    "apat",
    "lima",
    "anim",
    "pito",
    "walo",
    "siyam",
]);
