//! What people type: the table of commands, and how a message is read as one of them.
//!
//! To add a command, add a variant to [`Command`] and a row to [`COMMANDS`]; the compiler then
//! names the one match (in `service.rs`) that must carry it out, and a test misses the line for `#help`
//! in `words/`.

use std::iter;

use super::profile::language::Language;
use super::reply::messages::{format, text};

/// A message that is a command, with its argument where it takes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// With a list of interests, which may be empty.
    Meet(&'a str),
    Bye,
    Again,
    Hide,
    Who,
    Inbox,
    Relay(&'a str),
    Nick(&'a str),
    Block,
    /// With a reason, which may be missing.
    Report(&'a str),
    /// Asks both a question to begin with.
    Icebreaker,
    /// Says how a chat was: whether it was good.
    Rate(bool),
    /// With a language, which may be missing.
    Lang(&'a str),
    /// Agrees to how people treat each other here.
    Agree,
    Help,
}

/// A command as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedCommand<'a> {
    pub command: Command<'a>,
    /// Whether there is text behind a command that takes none.
    pub has_trailing_text: bool,
}

/// A row of the table: how a command is written and read. What `#help` says of it is the message
/// `help-` and its first name.
pub struct CommandSpec {
    /// The command word and its synonyms, in lower case, without the `#`.
    pub names: &'static [&'static str],
    /// Whether something is to be written behind it.
    pub takes_argument: bool,
    /// Reads the command from what follows its name.
    parse: for<'a> fn(&'a str) -> Command<'a>,
}

pub const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        names: &["meet"],
        takes_argument: true,
        parse: |interests| Command::Meet(interests),
    },
    CommandSpec { names: &["bye"], takes_argument: false, parse: |_| Command::Bye },
    CommandSpec { names: &["again"], takes_argument: false, parse: |_| Command::Again },
    CommandSpec { names: &["hide"], takes_argument: false, parse: |_| Command::Hide },
    CommandSpec { names: &["who"], takes_argument: false, parse: |_| Command::Who },
    CommandSpec { names: &["m", "inbox"], takes_argument: false, parse: |_| Command::Inbox },
    CommandSpec { names: &["r"], takes_argument: true, parse: |text| Command::Relay(text) },
    CommandSpec { names: &["nick"], takes_argument: true, parse: |name| Command::Nick(name) },
    CommandSpec { names: &["block"], takes_argument: false, parse: |_| Command::Block },
    CommandSpec {
        names: &["report"],
        takes_argument: true,
        parse: |reason| Command::Report(reason),
    },
    CommandSpec { names: &["ice"], takes_argument: false, parse: |_| Command::Icebreaker },
    CommandSpec { names: &["good"], takes_argument: false, parse: |_| Command::Rate(true) },
    CommandSpec { names: &["bad"], takes_argument: false, parse: |_| Command::Rate(false) },
    CommandSpec {
        names: &["lang"],
        takes_argument: true,
        parse: |language| Command::Lang(language),
    },
    CommandSpec { names: &["agree"], takes_argument: false, parse: |_| Command::Agree },
    CommandSpec { names: &["help"], takes_argument: false, parse: |_| Command::Help },
];

/// Reads a message as a command; `None` means that it is ordinary text.
///
/// A command is a whole word at the start, in any case, also with full-width characters and
/// followed by sentence punctuation: `#MEET`, `＃bye`, `#again!`, `*#meet*` as the help shows it.
/// `#meeting` is text.
#[must_use]
pub fn parse(message: &str) -> Option<ParsedCommand<'_>> {
    let message = message.trim_matches(|c: char| c.is_whitespace() || is_ignorable(c));
    let end = message.find(char::is_whitespace).unwrap_or(message.len());
    let (word, rest) = message.split_at(end);
    let rest = rest.trim();
    let word: String =
        word.chars().map(fold_fullwidth).filter(|c| !matches!(c, '*' | '_' | '~' | '`')).collect();
    let name = word.strip_prefix('#')?.trim_end_matches(['.', ',', '!', '?', '…', '。']);
    let name = name.to_lowercase();
    let row = COMMANDS.iter().find(|row| row.names.contains(&name.as_str()))?;
    Some(ParsedCommand {
        command: (row.parse)(rest),
        has_trailing_text: !row.takes_argument && !rest.is_empty(),
    })
}

/// The commands and what they do, a line each, and what else one may write.
#[must_use]
pub fn help(language: Language) -> String {
    let line = |row: &CommandSpec| {
        let names = row.names.iter().map(|name| format!("*#{name}*")).collect::<Vec<_>>();
        let id = format!("help-{}", row.names[0]);
        format(language, &id, [("names", names.join(", ").into())])
    };
    let lines = COMMANDS.iter().map(line);
    let first = iter::once(text(language, "help"));
    let all = first.chain(lines).chain([text(language, "help-rest")]);
    all.collect::<Vec<_>>().join("\n")
}

/// Characters that keyboards and WhatsApp put at the start of a message without showing them.
const fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Folds the full-width forms (U+FF01 to U+FF5E) to ASCII.
fn fold_fullwidth(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_is_a_whole_word_in_any_case_and_width() {
        for (message, command) in [
            ("#meet", Command::Meet("")),
            ("  #MEET \n", Command::Meet("")),
            ("＃Bye", Command::Bye),
            ("＃ＡＧＡＩＮ", Command::Again),
            ("\u{200e}#hide", Command::Hide),
            ("#who?", Command::Who),
            ("#meet music, hindi", Command::Meet("music, hindi")),
            ("#bye see you", Command::Bye),
            ("#m", Command::Inbox),
            ("#Inbox", Command::Inbox),
            ("#r  hello  there ", Command::Relay("hello  there")),
            ("#r", Command::Relay("")),
            ("#r\nhello", Command::Relay("hello")),
            ("#nick Star Dust", Command::Nick("Star Dust")),
            ("#block", Command::Block),
            ("#report", Command::Report("")),
            ("#Report rude words", Command::Report("rude words")),
            ("#ice", Command::Icebreaker),
            ("#good!", Command::Rate(true)),
            ("#bad", Command::Rate(false)),
            ("#lang es", Command::Lang("es")),
            ("#agree", Command::Agree),
            ("#help", Command::Help),
            ("*#meet*", Command::Meet("")),
        ] {
            assert_eq!(parse(message).map(|typed| typed.command), Some(command), "{message:?}");
        }
    }

    #[test]
    fn command_reports_trailing_text() {
        let rest = |message| parse(message).map(|typed| typed.has_trailing_text);
        assert_eq!(rest("#hide and seek"), Some(true));
        assert_eq!([rest("#hide"), rest("#r hello"), rest("#nick Ann")], [Some(false); 3]);
    }

    #[test]
    fn command_prefix_alone_is_text() {
        for message in [
            "",
            "#",
            "# meet",
            "meet",
            "#meeting tomorrow",
            "#byebye",
            "#bye-bye",
            "#1 song",
            "##meet",
            "say #meet",
            "#who's there",
            "#re",
            "#hide-and-seek",
            "#मीट",
        ] {
            assert_eq!(parse(message), None, "{message:?}");
        }
    }

    #[test]
    fn command_help_lists_every_command() {
        let help = help(Language::English);
        assert_eq!(help.lines().count(), COMMANDS.len() + 2);
        for name in COMMANDS.iter().flat_map(|row| row.names) {
            assert!(help.contains(&format!("*#{name}*")), "{name}");
            assert!(parse(&format!("#{name}")).is_some(), "{name}");
        }
    }
}
