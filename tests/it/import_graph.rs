//! The import graph of `src/`: no two files and no two folders depend on each other.
//!
//! Edges come from `use` declarations and from paths that begin with `crate`, `super` or `self`, outside
//! test modules. A `mod` declaration is no edge.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use regex::Regex;

/// A module as the segments of its path; the file `src/a/mod.rs` is the module `a`.
type ModulePath = Vec<String>;
type Graph = BTreeMap<ModulePath, BTreeSet<ModulePath>>;

/// The modules below `folder` and their sources.
fn modules(folder: &Path, parent: &[String], found: &mut BTreeMap<ModulePath, String>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let module: ModulePath = parent.iter().cloned().chain([name.clone()]).collect();
        if path.is_dir() {
            if name != "tests" {
                modules(&path, &module, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).expect("readable");
            let module = if name == "mod" { parent.to_vec() } else { module };
            found.insert(module, source);
        }
    }
}

/// Splits a `use` tree into paths: `a::{b, c::d}` has `a::b` and `a::c::d`.
fn leaves(tree: &str, prefix: &str, found: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else {
        found.push(format!("{prefix}{}", tree.split(" as ").next().unwrap_or(tree)));
        return;
    };
    let (mut depth, mut start) = (0, 0);
    let body = rest.trim_end_matches('}').to_owned() + ",";
    for (index, character) in body.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = &body[start..index];
                if !part.trim().is_empty() {
                    leaves(part, &format!("{prefix}{head}"), found);
                }
                start = index + 1;
            }
            _ => {}
        }
    }
}

/// The absolute path that `path` means in `module`, if it can be one of this crate.
fn absolute(path: &str, module: &[String]) -> ModulePath {
    let mut segments = path.split("::").map(str::trim).peekable();
    let mut base = match segments.peek() {
        Some(&"crate") => Vec::new(),
        _ => module.to_vec(),
    };
    while let Some(segment) = segments.next_if(|name| matches!(*name, "crate" | "super" | "self")) {
        if segment == "super" {
            base.pop();
        }
    }
    base.into_iter().chain(segments.map(str::to_owned)).collect()
}

fn import_graph() -> Graph {
    let mut sources = BTreeMap::new();
    modules(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &[], &mut sources);
    let tests = Regex::new(r"(?m)^#\[cfg\(test\)\]\nmod \w+ \{").expect("a pattern");
    let comment = Regex::new("//[^\n]*").expect("a pattern");
    let declaration = Regex::new(r"\buse ([^;]+);").expect("a pattern");
    let inline = Regex::new(r"\b(?:crate|super|self)(?:::\w+)+").expect("a pattern");
    let mut graph = Graph::new();
    for (module, source) in &sources {
        let end = tests.find(source).map_or(source.len(), |found| found.start());
        let code = comment.replace_all(&source[..end], "").into_owned();
        let mut paths = Vec::new();
        for captures in declaration.captures_iter(&code) {
            leaves(&captures[1], "", &mut paths);
        }
        let rest = declaration.replace_all(&code, "").into_owned();
        paths.extend(inline.find_iter(&rest).map(|path| path.as_str().to_owned()));
        let targets = graph.entry(module.clone()).or_default();
        for path in paths {
            let path = absolute(&path, module);
            let target = (1..=path.len()).rev().map(|n| path[..n].to_vec());
            let target = target.into_iter().find(|prefix| sources.contains_key(prefix));
            targets.extend(target.filter(|target| target != module));
        }
    }
    graph
}

/// The nodes that are on a circle: those that reach themselves.
fn on_circles(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for start in graph.keys() {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(node) = open.pop() {
            for next in graph.get(node).into_iter().flatten() {
                if next == start {
                    found.push(start.join("::"));
                    open.clear();
                    break;
                }
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
    }
    found
}

#[test]
fn architecture_has_no_circles_between_files() {
    let graph = import_graph();
    let edges: usize = graph.values().map(BTreeSet::len).sum();
    assert!(edges > 300, "only {edges} imports were found");
    assert_eq!(on_circles(&graph), [""; 0]);
}

/// Each edge counts for the two folders in which the paths of its ends first differ.
#[test]
fn architecture_has_no_circles_between_folders() {
    let mut folders = Graph::new();
    for (module, targets) in &import_graph() {
        for target in targets {
            let shared = module.iter().zip(target).take_while(|(a, b)| a == b).count();
            if let (Some(_), Some(_)) = (module.get(shared), target.get(shared)) {
                let from = module[..=shared].to_vec();
                folders.entry(from).or_default().insert(target[..=shared].to_vec());
            }
        }
    }
    assert!(folders.len() > 50, "only {} folders were found", folders.len());
    assert_eq!(on_circles(&folders), [""; 0]);
}
