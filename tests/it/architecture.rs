//! Rules for the source files: layers, headers, length, clock and unfinished code.
//!
//! Circles are in `import_graph.rs`, words in `prose.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Maximum length of a source file, in lines.
const MAX_LINES: usize = 400;

/// Each layer with the other top-level modules that it may import.
const LAYERS: &[(&str, &[&str])] = &[
    ("kernel", &[]),
    ("mask", &[]),
    ("rate_limit", &["kernel"]),
    ("moderation", &["guard", "kernel", "rate_limit"]),
    ("guard", &[]),
    ("delivery", &["kernel"]),
    ("content", &["guard", "mask"]),
    ("connect", &["content", "delivery", "guard", "kernel", "mask", "moderation", "rate_limit"]),
    ("penpal", &["connect", "delivery", "guard", "kernel", "mask", "moderation", "rate_limit"]),
    ("gateway", &["kernel"]),
    ("goals", &["kernel"]),
    ("credentials", &["kernel"]),
    (
        "transport",
        &["connect", "credentials", "delivery", "gateway", "kernel", "moderation", "rate_limit"],
    ),
    ("config", &["credentials", "guard", "kernel", "moderation", "rate_limit"]),
    ("telemetry", &["config"]),
    ("cli", &["config", "credentials", "gateway", "kernel"]),
    ("terminal", &["kernel"]),
    ("demo", &["gateway", "kernel"]),
    (
        "app",
        &[
            "config",
            "connect",
            "credentials",
            "delivery",
            "gateway",
            "goals",
            "guard",
            "kernel",
            "mask",
            "moderation",
            "penpal",
            "rate_limit",
            "transport",
        ],
    ),
];

/// The file that may read the clock and seed a generator.
const CLOCK_FILE: &str = "src/kernel/clock.rs";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root().join(folder)) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        let below = path.strip_prefix(root()).expect("below the root").to_owned();
        if path.is_dir() && !path.ends_with("target") {
            files.extend(rust_files(below.to_str().expect("a plain name")));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(below);
        }
    }
    files
}

fn all_files() -> Vec<(PathBuf, String)> {
    let files = ["src", "tests", "benches", "fuzz"].into_iter().flat_map(rust_files);
    let read = |path: PathBuf| {
        let text = fs::read_to_string(root().join(&path)).expect("readable");
        (path, text)
    };
    files.map(read).collect()
}

/// Returns the top-level module of a file: its folder below `src`, or its name.
fn layer_of(path: &Path) -> String {
    let below = path.strip_prefix("src").expect("a source file");
    below
        .components()
        .next()
        .expect("a name")
        .as_os_str()
        .to_string_lossy()
        .trim_end_matches(".rs")
        .to_owned()
}

#[test]
fn architecture_imports_point_to_lower_layers() {
    let known: BTreeSet<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    for (path, text) in all_files().into_iter().filter(|(path, _)| path.starts_with("src")) {
        let own = layer_of(&path);
        if own == "lib" || own == "main" {
            continue;
        }
        let (_, below) = LAYERS.iter().find(|(name, _)| *name == own).unwrap_or_else(|| {
            panic!(
                "{} is in no layer: add its module to LAYERS and to ARCHITECTURE.md",
                path.display()
            )
        });
        for named in text.split("crate::").skip(1) {
            let named: String =
                named.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let allowed =
                !known.contains(named.as_str()) || named == own || below.contains(&named.as_str());
            assert!(allowed, "{} must not name {named}", path.display());
        }
    }
}

#[test]
fn architecture_imports_are_checkable() {
    for (path, text) in all_files().into_iter().filter(|(path, _)| path.starts_with("src")) {
        for hidden in
            [concat!("crate::", "{"), concat!("crate::", "*"), concat!("super::", "super")]
        {
            assert!(!text.contains(hidden), "{} imports with {hidden}", path.display());
        }
    }
}

#[test]
fn architecture_protocol_names_no_feature() {
    let features = [
        "connect",
        "penpal",
        "moderation",
        "rate_limit",
        "credentials",
        "delivery",
        "gateway",
        "goals",
    ];
    for (path, text) in all_files() {
        let protocols = ["src/transport/http", "src/transport/socket", "src/transport/mcp"];
        if protocols.iter().any(|folder| path.starts_with(folder)) {
            for feature in features {
                let named = text.contains(&format!("crate::{feature}"));
                assert!(!named, "{} must not name {feature}", path.display());
            }
        }
    }
}

#[test]
fn architecture_socket_knows_no_protocol_above_it() {
    for (path, text) in all_files() {
        if path.starts_with("src/transport/socket") {
            for other in ["rmcp", "serde_json", "transport::mcp", "transport::http"] {
                assert!(!text.contains(other), "{} must not name {other}", path.display());
            }
        }
    }
}

#[test]
fn architecture_only_app_names_backends() {
    for (path, text) in all_files().into_iter().filter(|(path, _)| path.starts_with("src")) {
        let own = path.file_stem().is_some_and(|stem| stem.to_string_lossy().starts_with("store_"));
        let declares = path.ends_with("mod.rs");
        // A toolset opens its own store, so that it is one folder and one row in the table.
        let plans = path.ends_with("plan.rs");
        let named = text.contains("store_") && text.contains("::store_");
        assert!(
            own || declares || plans || path == Path::new("src/app/stores.rs") || !named,
            "{} names a backend",
            path.display()
        );
    }
}

/// The calls that make masked text without the masker, with the files that may contain them.
#[test]
fn architecture_only_content_and_stores_go_past_the_masker() {
    for (path, text) in all_files().into_iter().filter(|(path, _)| path.starts_with("src")) {
        let in_mask = path.starts_with("src/mask");
        let is_content = path.starts_with("src/content");
        let is_store = path.components().any(|part| {
            let name = part.as_os_str().to_string_lossy();
            name.starts_with("store_")
        });
        let (waives, reads) = (text.contains("waive("), text.contains("Masked::from_stored"));
        assert!(in_mask || is_content || !waives, "{} waives the mask", path.display());
        assert!(in_mask || is_store || !reads, "{} reads stored text", path.display());
    }
}

#[test]
fn architecture_masked_has_no_public_constructor() {
    let source = fs::read_to_string(root().join("src/mask/masked.rs")).expect("readable");
    let (_, methods) = source.split_once("impl Masked {").expect("the methods");
    let (methods, _) = methods.split_once("\n}\n").expect("their end");
    let public: Vec<_> = methods.lines().filter(|line| line.trim().starts_with("pub ")).collect();
    assert!(!public.is_empty() && public.iter().all(|line| line.contains("self")), "{public:?}");
    assert_eq!(source.matches("pub struct Masked {").count(), 1);
    for derived in ["Default", "Deserialize"] {
        let (before, _) = source.split_once("pub struct Masked {").expect("the type");
        let derive = before.lines().last().expect("its derive");
        assert!(derive.contains("#[derive(") && !derive.contains(derived), "{derive}");
    }
}

#[test]
fn architecture_every_file_has_a_header() {
    for (path, text) in all_files() {
        assert!(
            text.starts_with("//! ") || text.starts_with("#!["),
            "{} has no header",
            path.display()
        );
    }
}

#[test]
fn architecture_files_stay_under_400_lines() {
    for (path, text) in all_files() {
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines: it is two files", path.display());
    }
}

#[test]
fn architecture_no_todo_or_allow_dead_code() {
    // Each mark is in two parts, so that this file does not contain it.
    let marks =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("dbg", "!(")];
    let silenced = [concat!("allow(dead", "_code"), concat!("unimple", "mented!(")];
    for (path, text) in all_files() {
        for mark in marks.iter().chain(&silenced) {
            assert!(!text.contains(mark), "{} contains {mark}", path.display());
        }
    }
}

#[test]
fn architecture_no_test_sleeps() {
    for (path, text) in all_files().into_iter().filter(|(path, _)| path.starts_with("tests")) {
        assert!(!text.contains(concat!("sleep", "(")), "{} sleeps", path.display());
    }
}

#[test]
fn architecture_only_clock_rs_reads_the_clock() {
    for (path, text) in all_files().into_iter().filter(|(path, _)| path.starts_with("src")) {
        if path != Path::new(CLOCK_FILE) {
            for call in [
                concat!("Instant::", "now"),
                concat!("SystemTime::", "now"),
                concat!("rand::", "rng("),
            ] {
                assert!(!text.contains(call), "{} calls {call}", path.display());
            }
        }
    }
}

/// Parses a version such as `1.94` or `1.94.0`.
fn version(text: &str) -> Vec<u64> {
    let mut numbers: Vec<u64> =
        text.split('.').map(|number| number.parse().expect("a number")).collect();
    numbers.resize(3, 0);
    numbers
}

/// Checks the dependencies that cargo builds on this platform, because those of other platforms
/// may not be downloaded.
#[test]
fn architecture_rust_version_covers_all_dependencies() {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version", "1"])
        .args(["--filter-platform", "host-tuple"])
        .current_dir(root())
        .output()
        .expect("cargo");
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    let metadata: Value = serde_json::from_slice(&cargo.stdout).expect("JSON");
    let list = |value: &Value| value.as_array().expect("an array").clone();
    let (packages, nodes) = (list(&metadata["packages"]), list(&metadata["resolve"]["nodes"]));
    let find = |all: &[Value], id: &Value| -> Value {
        all.iter().find(|entry| entry["id"] == *id).expect("a package").clone()
    };

    let mut found = Vec::new();
    let mut open = vec![metadata["resolve"]["root"].clone()];
    while let Some(id) = open.pop() {
        if !found.contains(&id) {
            let needed = list(&find(&nodes, &id)["deps"]).into_iter().filter(|dependency| {
                list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"] != "dev")
            });
            open.extend(needed.map(|dependency| dependency["pkg"].clone()));
            found.push(id);
        }
    }
    let declared = |id: &Value| find(&packages, id)["rust_version"].as_str().map(version);
    let own = declared(&found[0]).expect("a rust-version");
    for id in &found {
        assert!(declared(id) <= Some(own.clone()), "{id} needs a newer Rust than {own:?}");
    }
}
