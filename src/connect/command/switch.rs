//! [`switch`]: words that turn something on or off, in all languages of the system's messages.
//!
//! Commands keep their English names, but people write the word after one in their own language.
//! To add a word, add it to [`ON_WORDS`] or [`OFF_WORDS`].

use std::collections::HashMap;

use once_cell::sync::Lazy;
use unicode_normalization::UnicodeNormalization;

use super::{is_ignorable, is_punctuation};

/// Words for on and yes, separated by white space.
const ON_WORDS: &str = "
    on yes yeah yep ok okay true enable enabled activate activated start
    चालू ऑन हाँ हां शुरू chalu chaalu haan han shuru
    sí si activar activa activado activada encender enciende encendido vale
    sim ligar liga ligado ligada ativar ativa ativado ativada
    ya iya hidup hidupkan nyala nyalakan aktif aktifkan
    نعم تشغيل شغل شغّل تفعيل فعل فعّل مفعل اجل أجل
    ein an ja";

/// Words for off and no, separated by white space.
const OFF_WORDS: &str = "
    off no not nope never none don't dont false disable disabled deactivate deactivated stop cancel
    undo
    बंद ऑफ ऑफ़ नहीं नही मत रद्द band bandh nahi nahin nahii mat
    desactivar desactiva desactivado desactivada apagar apaga apagado nunca cancelar cancela
    não nao desligar desliga desligado desligada desativar desativa desativado desativada parar
    tidak tak jangan mati matikan nonaktif nonaktifkan batal batalkan
    لا إيقاف ايقاف أوقف اوقف تعطيل عطل عطّل إلغاء الغاء ليس
    aus nein nicht";

/// The normalized words, and whether each means on.
static WORDS: Lazy<HashMap<String, bool>> = Lazy::new(|| {
    let words = |list: &'static str, on| {
        list.split_whitespace().map(move |word| (word.nfkc().collect(), on))
    };
    words(OFF_WORDS, false).chain(words(ON_WORDS, true)).collect()
});

/// Returns `Some(true)` if `text` is one word for on, `Some(false)` if it is one for off. `None`
/// for any other text, also an empty one.
#[must_use]
pub fn switch(text: &str) -> Option<bool> {
    if text.is_empty() {
        return None;
    }
    let plain: String = text.nfkc().filter(|c| !is_ignorable(*c)).collect();
    let plain = plain.replace('’', "'").to_lowercase();
    let word = plain.trim_matches(|c: char| c.is_whitespace() || is_punctuation(c));
    WORDS.get(word).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_switch_reads_every_language() {
        for on in
            ["on", "ON!", " On. ", "ｏｎ", "चालू", "sí", "SI", "ligar", "aktifkan", "تشغيل", "ein"]
        {
            assert_eq!(switch(on), Some(true), "{on}");
        }
        for off in ["off", "OFF", "Don’t", "बंद", "ऑफ़", "no", "não", "matikan", "إيقاف", "aus"]
        {
            assert_eq!(switch(off), Some(false), "{off}");
        }
    }

    #[test]
    fn command_switch_ignores_other_text() {
        for text in ["", " ", "onn", "maybe", "and seek", "my number", "off and on", "१"] {
            assert_eq!(switch(text), None, "{text}");
        }
    }
}
