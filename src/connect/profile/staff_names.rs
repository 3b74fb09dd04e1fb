//! [`claims_authority`]: names that claim to belong to the system or to its staff.
//!
//! To reserve a title, add it to [`TITLES`]. A word that is also an ordinary name or part of one
//! belongs in [`WEAK_TITLES`].

use std::collections::HashSet;

use once_cell::sync::Lazy;

use super::folding::skeleton;

/// Titles in the languages of the system's messages, separated by white space. No name has one of
/// them as a word.
const TITLES: &str = "
    system sysadmin sysop admin administrator administration adminstaff moderator moderation mod
    support helpdesk official bot chatbot server puch puchai randomconnect partner webmaster
    एडमिन ऐडमिन अडमिन प्रशासक मॉडरेटर मोडरेटर संचालक सपोर्ट सिस्टम आधिकारिक ऑफिशियल ऑफ़िशियल बॉट सर्वर
    prashasak sanchalak adhikarik
    administrador administradora moderador moderadora soporte sistema oficial servidor
    suporte sistem dukungan timresmi akunresmi
    ادمن أدمن آدمن الادمن الأدمن المشرف المدير إدارة ادارة الإدارة الادارة دعم الدعم النظام رسمي الرسمي بوت
    البوت سيرفر";

/// Titles that are also ordinary words or names. A name must not consist of them and
/// [`FILLERS`] alone.
const WEAK_TITLES: &str = "
    team staff crew operator owner help helper service security safety customer
    टीम स्टाफ सहायता
    equipo personal ayuda equipe equipa equipo ajuda operador
    staf petugas pengurus bantuan operator
    مشرف مدير فريق طاقم موظف مساعدة";

/// Words that add nothing to a title.
const FILLERS: &str = "
    the a real your our chat random connect ai of for from and care desk line member
    el la los las de del do da dos das o os e y tu su seu
    tim resmi dari kami
    من في";

/// [`TITLES`] and [`WEAK_TITLES`], folded.
static STRONG: Lazy<HashSet<String>> = Lazy::new(|| words(TITLES));
static WEAK: Lazy<HashSet<String>> = Lazy::new(|| words(WEAK_TITLES));
static FILLING: Lazy<HashSet<String>> = Lazy::new(|| words(FILLERS));

fn words(list: &str) -> HashSet<String> {
    list.split_whitespace().map(letters).collect()
}

/// Returns the folded letters and digits of a word.
fn letters(word: &str) -> String {
    skeleton(word).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Returns `true` if `name` contains a title as a word, or consists of titles and the words around
/// them, also in look-alike characters, with digits for letters, spaced or written as one word.
pub(super) fn claims_authority(name: &str) -> bool {
    let words = name_words(name);
    let is_title = |word: &String| readings(word).iter().any(|word| is_in(&STRONG, word));
    if words.iter().any(is_title) {
        return true;
    }
    // A flag is no word.
    let joined: String = words.iter().filter(|word| !is_flag(word)).map(String::as_str).collect();
    readings(&joined).iter().any(|joined| consists_of_titles(joined))
}

/// Splits a name at every character that is no letter or digit, and before capitals: AdminRavi.
fn name_words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous = ' ';
    for c in name.chars() {
        let is_hump = previous.is_lowercase() && c.is_uppercase();
        if is_hump || is_regional_indicator(previous) != is_regional_indicator(c) {
            words.push(String::new());
        }
        // Signs that look like letters belong to the word.
        let is_part = c.is_alphanumeric()
            || !c.is_ascii() && !c.is_whitespace()
            || matches!(c, '$' | '|' | '\'');
        match words.last_mut() {
            Some(word) if is_part => word.push(c),
            _ => words.push(String::new()),
        }
        previous = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

const fn is_regional_indicator(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

fn is_flag(word: &str) -> bool {
    word.chars().count() == 2 && word.chars().all(is_regional_indicator)
}

/// Returns the folded forms of a word: as it is, without digits around it, and with digits for
/// letters.
fn readings(word: &str) -> [String; 3] {
    let leet = word.chars().map(|c| match c {
        '3' => 'e',
        '4' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        c => c,
    });
    let trimmed = word.trim_matches(char::is_numeric);
    [letters(word), letters(trimmed), letters(&leet.collect::<String>())]
}

/// Returns `true` if `words` contain `word` or its singular.
fn is_in(words: &HashSet<String>, word: &str) -> bool {
    words.contains(word) || word.strip_suffix('s').is_some_and(|singular| words.contains(singular))
}

/// Returns `true` if `text` is a row of titles and fillers, with at least one title.
fn consists_of_titles(text: &str) -> bool {
    // For each length that a row of words has: whether a row of that length has a title.
    let mut rows: Vec<Option<bool>> = vec![None; text.len() + 1];
    rows[0] = Some(false);
    for from in (0..text.len()).filter(|from| text.is_char_boundary(*from)) {
        let Some(has_title) = rows[from] else { continue };
        for to in (from + 1..=text.len()).filter(|to| text.is_char_boundary(*to)) {
            let word = &text[from..to];
            let is_title = is_in(&STRONG, word) || is_in(&WEAK, word);
            if is_title || FILLING.contains(word) {
                rows[to] = Some(rows[to].unwrap_or(false) || has_title || is_title);
            }
        }
    }
    rows[text.len()] == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staff_names_are_recognized_in_every_language() {
        for name in [
            "admin",
            "The Moderator",
            "Support",
            "SYSTEM",
            "official",
            "bot",
            "Team",
            "Staff",
            "Mods",
            "एडमिन",
            "मॉडरेटर",
            "आधिकारिक टीम",
            "टीम",
            "सपोर्ट",
            "administradora",
            "Soporte técnico",
            "Equipo oficial",
            "moderador",
            "Suporte",
            "Equipe",
            "Sistema",
            "sistem",
            "Tim Resmi",
            "petugas",
            "staf",
            "مشرف",
            "المشرف",
            "الإدارة",
            "الدعم",
            "أدمن",
            "فريق الدعم",
            "بوت",
        ] {
            assert!(claims_authority(name), "{name}");
        }
    }

    #[test]
    fn staff_names_are_recognized_in_disguise() {
        for name in [
            "ADМIN",
            "аdmin",
            "ᴀᴅᴍɪɴ",
            "🅰🅳🅼🅸🅽",
            "🇦🇩🇲🇮🇳",
            "Ａdmin",
            "ADM1N",
            "4dm1n",
            "$y$tem",
            "5upport",
            "b0t",
            "A\u{335}\u{321}d\u{338}\u{301}m\u{336}in",
            "a d m i n",
            "a-d-m-i-n",
            "Admin2024",
            "Admin1",
            "admin_ravi",
            "AdminRavi",
            "TheAdmin",
            "PuchSupport",
            "PUCHADMIN",
            "the team",
            "Chat Team",
            "ChatTeam",
            "Random Connect Staff",
            "Ravi (admin)",
            "ѕuрроrt",
            "Support 👋",
            "m\u{200b}od",
        ] {
            assert!(claims_authority(name), "{name}");
        }
    }

    #[test]
    fn staff_names_leave_ordinary_names() {
        for name in [
            "Sam",
            "Tim",
            "Tim 🌻",
            "Resmi",
            "Modesty",
            "Modi",
            "Badminton fan",
            "Abbot",
            "Botond",
            "Robot",
            "Supporter",
            "Team Rocket",
            "Dream Team 🏏",
            "Service dog",
            "Ecosystem",
            "Officially Ann",
            "Sunny 🌻",
            "Ann 👋",
            "Ravi 🇮🇳",
            "Mo 🇩🇪",
            "Te 🇦🇲",
            "🌸 Hana",
            "Mei 🐼",
            "José",
            "Zoë",
            "Nguyễn",
            "Łukasz",
            "नेहा 🌸",
            "محمد ❤️",
            "مشرف خان",
            "Мария",
            "Ιωάννα",
            "Owen",
            "McDonald",
            "Leo4711",
            "A$AP",
            "Helper bee",
            "The One",
            "O Real",
            "Personal trainer",
        ] {
            assert!(!claims_authority(name), "{name}");
        }
    }
}
