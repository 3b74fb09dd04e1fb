//! Word lists for comments, documents and identifiers.
//!
//! They hold the project to the standard terms of the glossary in ARCHITECTURE.md. A hard word never
//! occurs; a soft word has a budget, because it sometimes is the right one. To add a word, add a
//! pattern below together with the word to use instead.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use regex::{Regex, RegexSet};

/// Patterns that must not occur, each with the words to use instead.
const HARD: &[(&str, &str)] = &[
    (r"\b(some|no|every|any)body\b", "the user, no one, every user, anyone"),
    (r"\bwho(m|mever|ever|soever)\b", "the user that, the caller"),
    (r"\b(lately|anew|henceforth)\b", "recently, again"),
    (r"\b(brings?|bringing|brought)\b", "deliver, send"),
    (r"\bnews\b", "event"),
    (
        r"\b(stands?|stood|standing) (in|behind|before|beside|there|below|above|between|apart)\b",
        "is, precedes, follows",
    ),
    (r"\bof (theirs|ours|its own|their own|one's own)\b", "their, its"),
    (r"\bways? in\b", "entry point, transport"),
    (r"\bfor good\b", "permanently"),
    (r"\bparted\b", "separated"),
    (r"\bfrom (here|then) on\b", "after this"),
    (r"\blet (in|go of)\b", "admit, release"),
    (r"\b(further|former|latter) ones?\b", "its name"),
    (r"\bhow (people|they) treat\b", "chat rules"),
    (r"\bhow (they|one|somebody) stands?\b", "status"),
    (r"\b(is|are) there\b", "exists"),
    (r"\ba (look|word) (at|of|to|over)\b", "check, signal"),
];

/// Beginnings that a doc comment must not have.
const DOC: &str =
    r"^(What|Who|Whose|Whom|Those|So (many|long)|How (many|often|long|much)|Nothing) ";

/// Patterns with a budget, in occurrences per 1,000 lines of prose.
const SOFT: &[(&str, usize)] = &[
    (r"\b(told|tells?|telling)\b", 1),
    (r"\bkept\b", 1),
    (r"\b(looks?|looked|looking) (at|for|into)\b", 1),
    (r"\b(of|by|in|with|from|to|at|for) which\b", 2),
    (r"\bat once\b", 1),
    (r"\bso (many|much|long|often|far)\b", 1),
    (r"\bnothing (where|when|if|of)\b", 1),
    (r"\bas (far|much|many|often) as\b", 1),
];

/// Names that no function, binding or field has.
const IDENTIFIERS: &str =
    "told|kept|heard|said|whom|whose|lately|spurned|shunned|kindred|office|warden|ledger";

/// Fields whose names are part of a JSON format: file, field.
const FROZEN_FIELDS: &[(&str, &str)] = &[
    ("src/moderation/service.rs", "said"),
    ("src/transport/ops/admin/mod.rs", "told"),
    ("src/terminal/wire.rs", "told"),
    ("src/penpal/output.rs", "told"),
];

/// Texts that are data or examples, or that must not change.
const EXCEPTIONS: &[&str] = &[
    "src/connect/reply/messages/",
    "src/guard/wordlists/",
    "src/mask/cue/",
    "src/mask/number_words/",
    "tests/it/prompt_injection.rs",
    "tests/it/prose.rs",
    "tests/corpus/",
    "src/moderation/migrations/",
    "CHANGELOG.md",
    "LICENSE",
    "LICENSES/",
];

struct Line {
    place: String,
    text: String,
    is_doc: bool,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files of the project below `folder`, relative to the root.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(folder)).expect("a readable folder") {
        let entry = entry.expect("a readable entry");
        let path = folder.join(entry.file_name());
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().expect("a file type").is_dir() {
            if !name.starts_with("target") && name != ".git" && name != "node_modules" {
                found.extend(files(&path));
            }
        } else {
            found.push(path);
        }
    }
    found
}

/// The text of a line's comment, and whether it is a doc comment.
fn comment<'a>(path: &Path, line: &'a str) -> Option<(&'a str, bool)> {
    let name = path.file_name()?.to_str()?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or(name);
    let mark = match extension {
        "md" => return Some((line, false)),
        "rs" | "js" => "//",
        "lua" => "--",
        "toml" | "yml" | "sh" | "Makefile" | "Dockerfile" | "example" => "#",
        _ => return None,
    };
    let start = line.trim_start();
    let text = match start.strip_prefix(mark) {
        Some(text) => text,
        // A comment behind code; a mark inside a string or a URL has no space on both sides.
        None => line.split_once(&format!(" {mark} "))?.1,
    };
    let doc = text.strip_prefix(['/', '!']);
    Some((doc.unwrap_or(text).trim(), doc.is_some() && mark == "//"))
}

fn prose() -> Vec<Line> {
    let quoted = Regex::new(r#"`[^`]*`|"[^"]*"|“[^”]*”"#).expect("a pattern");
    let mut lines = Vec::new();
    for path in files(Path::new("")) {
        let shown = path.to_string_lossy().replace('\\', "/");
        if EXCEPTIONS.iter().any(|exception| shown.starts_with(exception)) {
            continue;
        }
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        let mut fenced = false;
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("```") && path.extension().is_some_and(|e| e == "md") {
                fenced = !fenced;
            }
            if let Some((text, is_doc)) = comment(&path, line).filter(|_| !fenced) {
                let text = quoted.replace_all(text, "").into_owned();
                lines.push(Line { place: format!("{shown}:{}", number + 1), text, is_doc });
            }
        }
    }
    assert!(lines.len() > 3_000, "only {} lines of prose were found", lines.len());
    lines
}

fn pattern(text: &str) -> Regex {
    Regex::new(&format!("(?i){text}")).expect("a pattern")
}

#[test]
fn prose_avoids_banned_words() {
    let doc = Regex::new(DOC).expect("a pattern");
    let hard: Vec<_> = HARD.iter().map(|(text, instead)| (pattern(text), instead)).collect();
    let mut found = Vec::new();
    for Line { place, text, is_doc } in prose() {
        if let Some((_, instead)) = hard.iter().find(|(pattern, _)| pattern.is_match(&text)) {
            found.push(format!("{place}: {text}\n    use: {instead}"));
        } else if is_doc && doc.is_match(&text) {
            found.push(format!("{place}: {text}\n    begin with a noun or a verb"));
        }
    }
    assert!(found.is_empty(), "{} lines:\n{}", found.len(), found.join("\n"));
}

#[test]
fn prose_keeps_the_budget_of_soft_words() {
    let lines = prose();
    for (text, per_thousand) in SOFT {
        let pattern = pattern(text);
        let found: Vec<_> = lines
            .iter()
            .filter(|line| pattern.is_match(&line.text))
            .map(|line| format!("{}: {}", line.place, line.text))
            .collect();
        let budget = lines.len() * per_thousand / 1_000;
        assert!(found.len() <= budget, "{text}: budget {budget}\n{}", found.join("\n"));
    }
}

#[test]
fn prose_identifiers_avoid_banned_names() {
    let names = Regex::new(&format!(
        r"\b(?:fn|let|let mut)\s+({IDENTIFIERS})\b|^\s*(?:pub(?:\([a-z: ]+\))? )?({IDENTIFIERS}): "
    ))
    .expect("a pattern");
    let code = RegexSet::new([r"^\s*//", r#"^\s*r?""#]).expect("patterns");
    let mut found = Vec::new();
    for path in
        files(Path::new("")).into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs"))
    {
        let shown = path.to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(root().join(&path)).expect("readable");
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !code.is_match(line)) {
            let Some(captures) = names.captures(line) else { continue };
            let name = captures.get(1).or(captures.get(2)).expect("a name").as_str();
            if !FROZEN_FIELDS.contains(&(shown.as_str(), name)) {
                found.push(format!("{shown}:{}: {name}", number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn prose_type_names_are_unique() {
    let definition = Regex::new(r"^(?:pub(?:\([a-z: ]+\))? )?(?:struct|enum|trait|type) (\w+)")
        .expect("a pattern");
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in files(Path::new("src"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
    {
        let text = fs::read_to_string(root().join(&path)).expect("readable");
        for captures in text.lines().filter_map(|line| definition.captures(line)) {
            places.entry(captures[1].to_owned()).or_default().push(path.display().to_string());
        }
    }
    places.retain(|_, files| files.len() > 1);
    assert!(places.is_empty(), "{places:#?}");
}
