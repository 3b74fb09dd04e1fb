//! The command `demo`: a demonstration needs no settings, adds up, and leaves no file.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use random_connect::gateway::catalog::model::Catalog;
use random_connect::gateway::money::MicroCredits;
use random_connect::kernel::model::ModelUsage;
use regex::Regex;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::support::server::TEST_TIMEOUT;
use crate::support::terminal_process::TerminalProcess;

/// An empty folder for temporary files.
fn temp_folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).expect("a readable folder").next().is_none()
}

fn micros(amount: &str) -> i64 {
    amount.parse::<MicroCredits>().expect("an amount").as_micros()
}

/// The model, charge and balance of each answer, after a comparison of its charge to the shipped prices.
fn answers(shown: &str) -> Vec<(String, i64, i64)> {
    let catalog = Catalog::load(None).expect("a catalog");
    let done = r"← done (\w+), (\S+): (\d+) tokens in, (\d+) out; (\S+) charged, balance ([\d.]+)";
    let done = Regex::new(done).expect("a pattern");
    let answer = |[provider, model, input, output, charged, balance]: [&str; 6]| {
        let found = catalog.model(model).expect("a model");
        assert_eq!(found.provider, provider);
        let tokens = |count: &str| count.parse::<u64>().ok().filter(|count| *count > 0);
        let (input_tokens, output_tokens) = (tokens(input), tokens(output));
        assert!(input_tokens.is_some() && output_tokens.is_some(), "{input} {output}");
        let usage = ModelUsage { input_tokens, output_tokens, ..ModelUsage::default() };
        assert_eq!(micros(charged), found.price.cost(&usage).as_micros(), "{model}");
        (model.to_owned(), micros(charged), micros(balance))
    };
    done.captures_iter(shown).map(|found| answer(found.extract().1)).collect()
}

#[tokio::test]
async fn demo_gateway_fails_over_and_its_bill_adds_up() {
    let folder = temp_folder();
    let temp = folder.path().to_str().expect("a path");
    // Settings of a server, which the demonstration does not read.
    let variables =
        [("TMPDIR", temp), ("PORT", "1"), ("TOOLSETS", "connect"), ("OPENAI_BASE_URL", "no URL")];
    let mut demo = TerminalProcess::piped(&["demo", "gateway"], &variables);
    let shown = demo.expect_output("Your turn:").await;
    assert!(demo.wait_exit().await.success());
    assert!(is_empty(folder.path()), "files are left in {temp}");
    assert!(shown.lines().all(|line| line.chars().count() <= 78), "{shown}");
    assert!(!shown.contains('\u{1b}'), "colors in a pipe");

    // Lines are wrapped.
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    let answers = answers(&shown);
    let models: Vec<_> = answers.iter().map(|(model, ..)| model.as_str()).collect();
    assert_eq!(models, ["gpt-6.1-terra", "claude-haiku-4-5"], "{shown}");
    let mut balance = micros("1");
    for (_, charged, left) in &answers {
        balance -= charged;
        assert_eq!(balance, *left, "{shown}");
    }
    let (before, bill) = shown.split_once("The bill.").expect("a bill");
    let notice = "status 503. Ann asks again.";
    let (_, second) = before.split_once(notice).expect("the provider breaks");
    assert!(second.contains("← notice failover to claude, claude-haiku-4-5"), "{second}");

    let row = Regex::new(r"(\S+) \d+ in × \S+ \+ \d+ out × \S+ (\S+)").expect("a pattern");
    let rows: HashMap<_, _> =
        row.captures_iter(bill).map(|row| (row[1].to_owned(), micros(&row[2]))).collect();
    let charges = answers.iter().map(|(model, charged, _)| (model.clone(), *charged));
    assert_eq!(rows, charges.collect(), "{bill}");
    let sums = r"1 − (\S+) = (\S+) balance of the account (\S+) invoices of providers (\S+)";
    let sums = Regex::new(sums).expect("a pattern").captures(bill).expect("the sums");
    let [charged, left, account, invoices] = sums.extract().1.map(micros);
    assert_eq!((charged, invoices), (rows.values().sum(), charged), "{bill}");
    assert_eq!((left, account), (balance, balance), "{bill}");
}

#[tokio::test]
async fn demo_gateway_ends_at_ctrl_c() {
    let folder = temp_folder();
    let variables = [("TMPDIR", folder.path().to_str().expect("a path"))];
    let (mut demo, _terminal) = TerminalProcess::in_terminal(&["demo", "gateway"], &variables);
    demo.expect_output("ready").await;
    let process = Pid::from_raw(demo.child.id().try_into().expect("a process id"));
    kill(process, Signal::SIGINT).expect("a signal");
    assert!(demo.wait_exit().await.success());
    assert!(is_empty(folder.path()), "files are left");
}

#[tokio::test]
async fn demo_gateway_ends_at_ctrl_c_while_it_starts() {
    let folder = temp_folder();
    let variables = [("TMPDIR", folder.path().to_str().expect("a path"))];
    let (mut demo, _terminal) = TerminalProcess::in_terminal(&["demo", "gateway"], &variables);
    let has_folder = async {
        while is_empty(folder.path()) {
            yield_now().await;
        }
    };
    timeout(TEST_TIMEOUT, has_folder).await.expect("a folder");
    let process = Pid::from_raw(demo.child.id().try_into().expect("a process id"));
    kill(process, Signal::SIGINT).expect("a signal");
    assert!(demo.wait_exit().await.success());
}
