//! The messages that people read, from a file for each language (`*.ftl`, in the format of Project
//! Fluent). Which message says what is `reply.rs`'s business.
//!
//! **Invariant:** all files have the same messages with the same placeholders, so that nothing is
//! missing in any language; and what begins a line is a sign that no name can have, in all languages but
//! English, whose older lines names are checked against.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use once_cell::sync::Lazy;
use unic_langid::LanguageIdentifier;

use crate::connect::profile::language::{LANGUAGES, Language};

/// In the order of [`LANGUAGES`].
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
        code.parse().expect("the codes are a constant table that the tests read");
    let mut bundle = Bundle::new_concurrent(vec![language]);
    // The marks around placeholders that keep directions apart are characters that nobody sees, which
    // is what people's own texts may not hold either.
    bundle.set_use_isolating(false);
    let messages = match FluentResource::try_new(file.to_owned()) {
        Ok(messages) | Err((messages, _)) => messages,
    };
    bundle.add_resource_overriding(messages);
    bundle
}

/// A value for a placeholder.
pub type MessageArg<'a> = FluentValue<'a>;

/// A message in a language.
#[must_use]
pub fn text(language: Language, id: &str) -> String {
    format(language, id, [])
}

/// A message in a language, with these values for its placeholders.
#[must_use]
pub fn format<const N: usize>(
    language: Language,
    id: &str,
    values: [(&'static str, MessageArg<'_>); N],
) -> String {
    let bundle = &BUNDLES[language as usize];
    let args: FluentArgs = values.into_iter().collect();
    let pattern = bundle.get_message(id).and_then(|message| message.value());
    // A test looks for each message in each language, so this is never said.
    let Some(pattern) = pattern else { return id.to_owned() };
    bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use fluent_bundle::FluentResource;
    use regex::Regex;

    use super::*;
    use crate::connect::profile::impersonation::SYSTEM_EMOJI;

    /// The messages of a file, each with the placeholders and messages it uses.
    fn messages(file: &str) -> BTreeMap<String, BTreeSet<String>> {
        let resource = FluentResource::try_new(file.to_owned()).expect("a file without mistakes");
        let used = Regex::new(r"\{ ?(\$?[a-z-]+)").expect("a pattern");
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut last = String::new();
        for line in resource.source().lines() {
            let named = line
                .split_once(" =")
                .filter(|(id, _)| !id.starts_with([' ', '#']) && !id.is_empty());
            if let Some((id, _)) = named {
                last = id.to_owned();
                assert!(
                    found.insert(last.clone(), BTreeSet::new()).is_none(),
                    "{last} is there twice"
                );
            }
            for captured in used.captures_iter(line) {
                found.entry(last.clone()).or_default().insert(captured[1].to_owned());
            }
        }
        found
    }

    #[test]
    fn i18n_files_share_ids_and_placeholders() {
        let english = messages(FILES[0]);
        for (row, file) in LANGUAGES.iter().zip(FILES) {
            let own = messages(file);
            let ids = |all: &BTreeMap<String, _>| all.keys().cloned().collect::<BTreeSet<_>>();
            let missing: Vec<_> = ids(&english).difference(&ids(&own)).cloned().collect();
            let surplus: Vec<_> = ids(&own).difference(&ids(&english)).cloned().collect();
            assert_eq!((missing, surplus), (vec![], vec![]), "{}", row.code);
            for (id, used) in &english {
                assert_eq!(&own[id], used, "{} {id}", row.code);
            }
        }
    }

    #[test]
    fn i18n_every_message_formats_and_is_translated() {
        for (row, file) in LANGUAGES.iter().zip(FILES) {
            for (id, used) in messages(file) {
                let bundle = &BUNDLES[row.language as usize];
                let message = bundle.get_message(&id).and_then(|message| message.value());
                let args: FluentArgs = used
                    .iter()
                    .filter_map(|name| {
                        Some((name.strip_prefix('$')?.to_owned(), MessageArg::from(3)))
                    })
                    .collect();
                let mut errors = Vec::new();
                let pattern = message.expect("a message has a text");
                let said = bundle.format_pattern(pattern, Some(&args), &mut errors);
                assert!(errors.is_empty() && !said.contains('{'), "{} {id}: {said}", row.code);
                let english = format(Language::English, &id, []);
                let same = row.language != Language::English && said == english;
                assert!(!same, "{} {id} is English", row.code);
            }
        }
    }

    #[test]
    fn i18n_lines_start_with_a_system_emoji() {
        // Parts of a line, and lines that begin with a command's name.
        let parts = ["common", "seconds", "minutes", "hours", "days", "ice-", "help-"];
        for (row, file) in LANGUAGES.iter().zip(FILES).skip(1) {
            for id in messages(file)
                .into_keys()
                .filter(|id| !parts.iter().any(|part| id.starts_with(part)))
            {
                let said = text(row.language, &id);
                assert!(said.starts_with(SYSTEM_EMOJI), "{} {id}: {said}", row.code);
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
