//! [`suggest`]: the command that a message with an unknown `#word` probably means.
//!
//! A mistyped command must not reach the stranger, and a hashtag must not be held back. To let
//! another word pass, add it to [`ORDINARY_WORDS`]; to answer a command of another service, add it to
//! [`FOREIGN_COMMANDS`].

use strsim::osa_distance;

use super::{COMMANDS, CommandSpec, split_command};

/// Minimum length of a command, in letters, that a word can be a misspelling of. Every other word
/// is close to a shorter one.
const MIN_COMMAND_LETTERS: usize = 3;

/// Maximum length of a misspelled command, in bytes: longer words need no comparison.
const MAX_NAME_BYTES: usize = 16;

/// Commands of other chat services and their names here.
const FOREIGN_COMMANDS: &[(&str, &str)] = &[
    ("stop", "bye"),
    ("exit", "bye"),
    ("quit", "bye"),
    ("end", "bye"),
    ("leave", "bye"),
    ("delete", "forget"),
    ("forgetme", "forget"),
    ("next", "again"),
    ("skip", "again"),
];

/// Words, names and abbreviations that differ from a command in one letter, separated by white
/// space. They are text.
///
/// Collected from the frequent words of English, German, Spanish, French, Hindi in Latin letters,
/// Indonesian, Italian, Dutch, Polish, Portuguese and Turkish. A word that is rather a misspelling
/// is missing, such as `repot` or `blok`.
const ORDINARY_WORDS: &str = "
    beet eet feet geet heet jeet leet meat mee meek meer meest meeta melt ment met moet neet
    reet weet
    aye bae bce be bee beye bhe ble boe bre bue by bya byc byl byt byte byu być był dye eye hye
    lye nye oye pye rye tye wye
    agan alain gain
    aide bide fide heide hice hid hider hike hile hire hive hyde ide mide pide ride side tide
    vide wide
    cho ho oho pho rho sho tho twho wha whoa whom whoo whos why wo woo
    dick fick hick kick knick lick mick neck nic nice nich nicki nicky nico nicu nik pick rick
    sick snick tick vick wick
    black blick bloc bloch bloco blocs bock brock clock flock glock lock
    deport raport repart reporta reporte reportó repost resort retort
    ace cie dice ece ica icc icd iced icf ich ici icm ico icp ics ict icu icy ie iec ife ige ike
    ile ime ince ine ire ise ite ive içe işe lice mice pice rice tice vice
    bood dood food goad god goed gold golod goo gooda goode goodi goods goody goof gooi goon
    goop goud hood mood nood pood rood wood
    abad abd ad baa baad bab bac bada bade badi badu bag bah bai bak bal bald bam ban band bao
    bap bar bard bas bat bau bax bay baz baú bać bağ baş bd bead bed bid blad bod bpd brad brd
    bsd bud cad dad ead fad gad had lad mad nad pad rad sad tad vad wad
    aang alang bang clang dang elang fang gang hang jang kang klang laag lag laing lan
    lana land lane lange lank liang ling lng long luang lung mang nang pang rang sang slang tang
    uang ulang wang yang zang
    agreed aree
    heap hel hela held hele heli hell helm helpt hemp hep hulp kelp telp whelp yelp
    forge forged forges forgot
";

/// Returns the command that `message` probably means, although its first word is none. `None` if
/// the message is text.
///
/// The first word is a command of other services, or one edit away from a command: a letter more,
/// less or different, or two neighbors swapped.
#[must_use]
pub fn suggest(message: &str) -> Option<&'static CommandSpec> {
    let (name, _) = split_command(message).filter(|(name, _)| name.len() <= MAX_NAME_BYTES)?;
    let spec_of = |name: &str| COMMANDS.iter().find(|spec| spec.names.contains(&name));
    if let Some((_, meant)) = FOREIGN_COMMANDS.iter().find(|(foreign, _)| *foreign == name) {
        return spec_of(meant);
    }
    if ORDINARY_WORDS.split_whitespace().any(|word| word == name) {
        return None;
    }
    COMMANDS.iter().find(|spec| {
        spec.names
            .iter()
            .any(|own| own.len() >= MIN_COMMAND_LETTERS && osa_distance(own, &name) == 1)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::connect::command::parse;

    fn suggestion(message: &str) -> Option<&'static str> {
        suggest(message).map(|spec| spec.names[0])
    }

    #[test]
    fn command_misspelling_is_recognized() {
        for (message, meant) in [
            ("#repot", "report"),
            ("#reprot he is rude", "report"),
            ("#Reports", "report"),
            ("#blok", "block"),
            ("#BLOCKK", "block"),
            ("#bey", "bye"),
            ("#byee!", "bye"),
            ("＃ＢＥＹ", "bye"),
            ("\u{200e}#me\u{200b}tt music", "meet"),
            ("*#agian*", "again"),
            ("#hidee", "hide"),
            ("#hwo?", "who"),
            ("#inbx", "m"),
            ("#nikc Ann", "nick"),
            ("#iice", "ice"),
            ("#godo", "good"),
            ("#badd", "bad"),
            ("#lnag", "lang"),
            ("#agre", "agree"),
            ("#hlep", "help"),
            ("#froget", "forget"),
            ("#delete my data", "forget"),
        ] {
            assert_eq!(suggestion(message), Some(meant), "{message}");
        }
    }

    #[test]
    fn command_of_other_services_is_recognized() {
        for name in ["stop", "Exit", "quit!", "END", "leave."] {
            assert_eq!(suggestion(&format!("#{name}")), Some("bye"), "{name}");
        }
        assert_eq!(["#next", "#Skip now"].map(suggestion), [Some("again"); 2]);
    }

    #[test]
    fn command_suggestion_needs_a_hash_and_a_close_word() {
        for message in
            ["", "#", "repot", "say #repot", "# repot", "#1 song", "#re", "#x", "#meeting", "#मीट"]
        {
            assert_eq!(suggestion(message), None, "{message}");
        }
        assert_eq!(suggestion(&format!("#{}", "a".repeat(4_000))), None);
    }

    #[test]
    fn command_ordinary_words_are_close_to_a_command_and_listed_once() {
        let words: Vec<_> = ORDINARY_WORDS.split_whitespace().collect();
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len());
        let names = || COMMANDS.iter().flat_map(|spec| spec.names);
        for word in words {
            assert!(names().any(|name| osa_distance(name, word) == 1), "{word}");
            assert!(!names().any(|name| *name == word), "{word}");
        }
    }

    /// Hashtags of social networks, and every everyday word that is close to a short command.
    const HASHTAGS: &str = "
        love instagood photooftheday fashion beautiful happy cute tbt like4like followme
        picoftheday follow me selfie summer art instadaily friends repost nature girl fun style
        smile food instalike likeforlike family travel fitness igers tagsforlikes follow4follow
        nofilter life beauty amazing instamood instagram photography vscocam sun photo music
        beach followforfollow bestoftheday sky ootd sunset dog vsco makeup f4f foodporn hair pretty
        cat model swag motivation girls baby party cool lol gym design instapic funny healthy
        christmas night yummy flowers lifestyle hot handmade wedding fit black pink blue work
        workout blackandwhite drawing inspiration holiday home london nyc sea winter goodmorning
        goodnight goodvibes instacool iphone healthyfood memories mood foodie explorepage viral
        reels trending explore india reelsinstagram memes blessed throwback mondaymotivation
        nice meat meow melt beet feet neet jeet geet met buy bee by dye eye rye bae her here hike
        hive ride side wide tide hindi wow whoa why whom who's two how land lane long sang
        gang bang rang slang lag lung nike nicki pick kick sick rick lick thick tick neck
        rate gold god wood hood mod goods goody bag bat band bass bar bed sad dad mad had lad
        ad ban rice dice mice vice lice ace icy iced idea hell held hello hell-yes heap gain
        agreed degree clock flock bloc forgot forge fortnite resort deport repost2 1 2024 diwali
        ipl bts kpop anime cricket football eid ramadan ganeshchaturthi onelove peace";

    #[test]
    fn command_suggestion_lets_hashtags_pass() {
        let hashtags: BTreeSet<_> = HASHTAGS.split_whitespace().collect();
        assert!(hashtags.len() >= 200, "{}", hashtags.len());
        for hashtag in hashtags {
            let message = format!("#{hashtag}");
            assert_eq!(suggestion(&message), None, "{message}");
            assert!(parse(&message).is_none(), "{message}");
        }
    }
}
