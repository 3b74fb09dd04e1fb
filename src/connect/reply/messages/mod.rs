//! [`text`] and [`format()`]: the messages that users read, by language and id.
//!
//! Each language has one file, `<code>.ftl`, in the format of Project Fluent. The parent module
//! decides which message an outcome or event gets. To add a message, add it to every file and its
//! English opening to `profile/system_phrases.rs`.
//!
//! **Invariants:** all files have the same ids with the same placeholders, so that no language
//! lacks a message. A line starts with an emoji that no nickname can start with; only a few older
//! English lines do not. No nickname can start like an English line.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use once_cell::sync::Lazy;
use unic_langid::LanguageIdentifier;

use crate::connect::profile::language::{LANGUAGES, Language};

/// Sources of the messages, in the order of [`LANGUAGES`].
const FILES: [&str; LANGUAGES.len()] = [
    include_str!("en.ftl"),
    include_str!("hi.ftl"),
    include_str!("es.ftl"),
    include_str!("pt.ftl"),
    include_str!("id.ftl"),
    include_str!("ar.ftl"),
];

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: Lazy<Vec<Bundle>> =
    Lazy::new(|| LANGUAGES.iter().zip(FILES).map(|(row, file)| bundle(row.code, file)).collect());

fn bundle(code: &str, file: &str) -> Bundle {
    let language: LanguageIdentifier =
        code.parse().expect("every code in LANGUAGES is a valid language identifier");
    let mut bundle = Bundle::new_concurrent(vec![language]);
    // The default isolates placeholders with invisible direction marks. Invisible characters are
    // also removed from users' texts.
    bundle.set_use_isolating(false);
    let messages = match FluentResource::try_new(file.to_owned()) {
        Ok(messages) | Err((messages, _)) => messages,
    };
    bundle.add_resource_overriding(messages);
    bundle
}

/// The value of a placeholder.
pub type MessageArg<'a> = FluentValue<'a>;

/// Formats a message without placeholders.
#[must_use]
pub fn text(language: Language, id: &str) -> String {
    format(language, id, [])
}

/// Formats a message with `values` for its placeholders.
#[must_use]
pub fn format<const N: usize>(
    language: Language,
    id: &str,
    values: [(&'static str, MessageArg<'_>); N],
) -> String {
    format_with(language, id, &values.into_iter().collect())
}

fn format_with(language: Language, id: &str, args: &FluentArgs<'_>) -> String {
    let bundle = &BUNDLES[language as usize];
    let pattern = bundle.get_message(id).and_then(|message| message.value());
    // Unreachable: a test checks that every language has every message.
    let Some(pattern) = pattern else { return id.to_owned() };
    bundle.format_pattern(pattern, Some(args), &mut Vec::new()).into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use fluent_bundle::FluentResource;
    use regex::Regex;

    use super::*;
    use crate::connect::profile::impersonation::{SYSTEM_EMOJI, looks_like_system};

    /// Prefixes of the ids of messages without an emoji: parts of a line, and lines of `#help`,
    /// which start with a command.
    const PARTS: [&str; 7] = ["common", "seconds", "minutes", "hours", "days", "ice-", "help-"];

    /// Parses a file into its messages, each with the placeholders and messages that it uses.
    fn messages(file: &str) -> BTreeMap<String, BTreeSet<String>> {
        let resource =
            FluentResource::try_new(file.to_owned()).expect("a file without syntax errors");
        let used = Regex::new(r"\{ ?(\$?[a-z-]+)").expect("a valid pattern");
        let mut messages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut last = String::new();
        for line in resource.source().lines() {
            let definition = line
                .split_once(" =")
                .filter(|(id, _)| !id.starts_with([' ', '#']) && !id.is_empty());
            if let Some((id, _)) = definition {
                last = id.to_owned();
                let previous = messages.insert(last.clone(), BTreeSet::new());
                assert!(previous.is_none(), "{last} is defined twice");
            }
            for captured in used.captures_iter(line) {
                messages.entry(last.clone()).or_default().insert(captured[1].to_owned());
            }
        }
        messages
    }

    fn is_part(id: &str) -> bool {
        PARTS.iter().any(|part| id.starts_with(part))
    }

    /// Gives every placeholder the same value.
    fn arguments(used: &BTreeSet<String>, value: u64) -> FluentArgs<'static> {
        let names = used.iter().filter_map(|name| name.strip_prefix('$'));
        names.map(|name| (name.to_owned(), MessageArg::from(value))).collect()
    }

    #[test]
    fn i18n_files_share_ids_and_placeholders() {
        let english = messages(FILES[0]);
        for (row, file) in LANGUAGES.iter().zip(FILES) {
            let translated = messages(file);
            let ids = |all: &BTreeMap<String, _>| all.keys().cloned().collect::<BTreeSet<_>>();
            let missing: Vec<_> = ids(&english).difference(&ids(&translated)).cloned().collect();
            let surplus: Vec<_> = ids(&translated).difference(&ids(&english)).cloned().collect();
            assert_eq!((missing, surplus), (vec![], vec![]), "{}", row.code);
            for (id, used) in &english {
                assert_eq!(&translated[id], used, "{} {id}", row.code);
            }
        }
    }

    #[test]
    fn i18n_every_message_formats_and_is_translated() {
        for (row, file) in LANGUAGES.iter().zip(FILES) {
            for (id, used) in messages(file) {
                let bundle = &BUNDLES[row.language as usize];
                let message = bundle.get_message(&id).and_then(|message| message.value());
                let args = arguments(&used, 3);
                let mut errors = Vec::new();
                let pattern = message.expect("every message has a text");
                let line = bundle.format_pattern(pattern, Some(&args), &mut errors);
                assert!(errors.is_empty() && !line.contains('{'), "{} {id}: {line}", row.code);
                let english = format(Language::English, &id, []);
                let same = row.language != Language::English && line == english;
                assert!(!same, "{} {id} is not translated", row.code);
            }
        }
    }

    #[test]
    fn i18n_lines_start_with_a_system_emoji() {
        for (row, file) in LANGUAGES.iter().zip(FILES).skip(1) {
            for id in messages(file).into_keys().filter(|id| !is_part(id)) {
                let line = text(row.language, &id);
                assert!(line.starts_with(SYSTEM_EMOJI), "{} {id}: {line}", row.code);
            }
        }
    }

    #[test]
    fn impersonation_detects_every_opening_without_its_emoji() {
        let is_decoration = |c: char| SYSTEM_EMOJI.contains(&c) || !c.is_alphabetic();
        for (id, used) in messages(FILES[0]) {
            // Users may ask each other the questions of an icebreaker, too.
            if id == "icebreaker" || is_part(&id) && id != "help-rest" {
                continue;
            }
            // One count for each plural form.
            for count in [1, 2] {
                let message = format_with(Language::English, &id, &arguments(&used, count));
                for line in message.lines() {
                    let opening = line.trim_start_matches(is_decoration);
                    assert!(looks_like_system(opening), "{id}: {opening}");
                }
            }
        }
    }

    #[test]
    fn impersonation_detects_lines_about_a_chat_in_every_language() {
        let ids = [
            "connected",
            "connected-again",
            "already-chatting",
            "not-chatting",
            "chat-ended",
            "left-queue",
            "partner-left",
            "partner-timed-out",
            "masking-on",
            "barred",
        ];
        for row in &LANGUAGES {
            for id in ids {
                let line = text(row.language, id);
                let opening = line.trim_start_matches(|c: char| !c.is_alphabetic());
                assert!(looks_like_system(opening), "{} {id}: {opening}", row.code);
            }
        }
    }

    #[test]
    fn i18n_plurals_follow_the_language() {
        let seconds = |language, count: u64| format(language, "seconds", [("count", count.into())]);
        assert_eq!([1, 2].map(|n| seconds(Language::English, n)), ["1 second", "2 seconds"]);
        let arabic = [1, 2, 3, 11].map(|n| seconds(Language::Arabic, n));
        assert_eq!(arabic.iter().collect::<BTreeSet<_>>().len(), 4, "{arabic:?}");
    }
}
