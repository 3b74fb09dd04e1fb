//! The tables of settings agree with the variables that are read, and with `.env.example`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use random_connect::app::toolsets::TOOLSETS;
use random_connect::config::{Config, all_settings};
use random_connect::kernel::settings::Setting;

fn names() -> BTreeSet<String> {
    all_settings(TOOLSETS).map(|setting| setting.name.to_owned()).collect()
}

/// The value of `TOOLSETS` that enables all.
fn all_toolsets() -> String {
    TOOLSETS.iter().map(|row| row.name).collect::<Vec<_>>().join(",")
}

#[test]
fn settings_tables_list_exactly_the_variables_that_are_read() {
    let toolsets = all_toolsets();
    let complete = BTreeMap::from([
        ("TOOLSETS", toolsets.as_str()),
        ("WHATSAPP_TOKEN", "t"),
        ("WHATSAPP_PHONE_NUMBER_ID", "1"),
        ("WHATSAPP_VERIFY_TOKEN", "v"),
        ("WHATSAPP_APP_SECRET", "s"),
        ("CALLBACK_URL", "https://bridge.example"),
        ("CALLBACK_SECRET", "s"),
    ]);
    let read = RefCell::new(BTreeSet::new());
    let config = Config::from_lookup(TOOLSETS, |name| {
        read.borrow_mut().insert(name.to_owned());
        complete.get(name).map(Into::into)
    });
    assert!(config.is_ok());
    assert_eq!(read.into_inner(), names());
}

#[test]
fn settings_default_has_the_same_effect_as_an_unset_variable() {
    let toolsets = all_toolsets();
    let debug = |name: &str, value: Option<&str>| {
        let set = |read: &str| value.filter(|_| read == name);
        let config = Config::from_lookup(TOOLSETS, |read| {
            let enabled = (read == "TOOLSETS" && name != "TOOLSETS").then_some(&*toolsets);
            set(read).or(enabled).map(Into::into)
        });
        format!("{:?}", config.expect("a valid configuration"))
    };
    for Setting { name, default, .. } in all_settings(TOOLSETS) {
        let literal = default.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
        let literal = literal.filter(|value| !value.contains('`'));
        // A channel with only some of its settings is a problem.
        if let Some(value) = literal.filter(|_| *name != "WHATSAPP_API_BASE") {
            assert_eq!(debug(name, Some(value)), debug(name, None), "{name}");
        }
    }
}

#[test]
fn settings_example_file_lists_every_variable_once() {
    let example = fs::read_to_string(".env.example").expect("an example");
    let listed: Vec<_> = example
        .lines()
        .filter_map(|line| line.trim_start_matches(['#', ' ']).split_once('='))
        .map(|(name, _)| name)
        .filter(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
        .collect();
    assert_eq!(listed.len(), all_settings(TOOLSETS).count(), "{listed:?}");
    assert_eq!(listed.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), names());
}
