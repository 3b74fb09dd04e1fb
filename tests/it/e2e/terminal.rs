//! The `chat` command: real processes through pipes and through a pseudo-terminal.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;
use random_connect::transport::http::limits::ConnectionLimits;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::support::server::{TEST_TIMEOUT, TOKEN, TestServer};
use crate::support::terminal_process::TerminalProcess;

const BINARY: &str = env!("CARGO_BIN_EXE_random-connect");

/// Waits until the line editor reads keys.
///
/// Between two lines the terminal is in canonical mode: a Ctrl-D at that moment, faster than any
/// user types, does not end the chat.
async fn wait_for_editor(terminal: &OwnedFd) {
    let canonical =
        || tcgetattr(terminal).expect("a terminal").local_flags.contains(LocalFlags::ICANON);
    let editing = async {
        while canonical() {
            yield_now().await;
        }
    };
    timeout(TEST_TIMEOUT, editing).await.expect("a prompt");
}

/// Starts a server process; returns it and its URL.
async fn server(port: &str) -> (TerminalProcess, String) {
    let variables =
        [("AUTH_TOKEN", TOKEN), ("HOST", "127.0.0.1"), ("PORT", port), ("LOG_LEVEL", "error")];
    let mut server = TerminalProcess::piped(&["serve"], &variables);
    server.expect_output("listens on ").await;
    let address = server.expect_output("/mcp").await;
    (server, address)
}

/// Starts a chat through pipes.
fn chat(address: &str) -> TerminalProcess {
    TerminalProcess::piped(&["chat", "--url", address], &[("AUTH_TOKEN", TOKEN)])
}

#[tokio::test]
async fn terminal_chat_survives_a_server_restart() {
    let (running, address) = server("0").await;
    let [mut ann, mut ben] = [chat(&address), chat(&address)];
    ann.write("#meet\n");
    ann.expect_output("Looking for someone").await;
    ben.write("#meet\n");
    ben.expect_output("You're now chatting with ").await;
    ann.expect_output("You're now chatting with ").await;
    let name = ann.expect_output(".").await;
    ben.write("Hello from Ben\nCall me at 9876543210\n");
    ann.expect_output(&format!("{name}: Hello from Ben\n")).await;
    ann.expect_output(&format!("{name}: Call me at [hidden]\n")).await;
    ben.expect_output("[hidden] in place of the number").await;

    let port = address.rsplit_once(':').expect("a port").1.to_owned();
    drop(running);
    ann.expect_output("Connection lost").await;
    ben.expect_output("Connection lost").await;
    ben.write("#meet\n");
    let (_running, _) = server(&port).await;
    for chat in [&mut ann, &mut ben] {
        chat.expect_output("Reconnected").await;
        chat.expect_output("The chat is over").await;
    }
    ben.expect_output("Looking for someone").await;
    ann.write("#meet\n");
    ann.expect_output("You're now chatting with ").await;
    ben.expect_output("You're now chatting with ").await;
    ben.write("Here we are\n");
    ann.expect_output(": Here we are\n").await;
    ann.input = None;
    ben.expect_output("Your partner left the chat").await;
    ben.input = None;
    assert!(ann.wait_exit().await.success() && ben.wait_exit().await.success());
}

#[tokio::test]
async fn terminal_editor_completes_and_prints_above_the_prompt() {
    let (_server, address) = server("0").await;
    let arguments = ["chat", "--url", &address, "--token", TOKEN];
    let (mut ann, terminal) = TerminalProcess::in_terminal(&arguments, &[]);
    let echoes =
        || tcgetattr(&terminal).expect("a terminal").local_flags.contains(LocalFlags::ECHO);
    ann.expect_output("Ctrl-D leaves").await;
    ann.write("#m\t");
    ann.expect_output("#meet  ").await;
    ann.write("e\t");
    ann.expect_output("#meet").await;
    ann.write("\r");
    ann.expect_output("Looking for someone").await;
    let mut ben = chat(&address);
    ben.write("#meet\n");
    ann.expect_output("You're now chatting with ").await;
    ann.write("half a line");
    ann.expect_output("half a line").await;
    assert!(!echoes(), "the editor draws the typed text");
    ben.write("Hi, I am at 9876543210\n");
    let before = ann.expect_output("\x1b[33m").await;
    assert!(before.contains("Hi, I am at "), "the number is highlighted: {before:?}");
    ann.expect_output("[hidden]").await;
    ann.expect_output("half a line").await;
    ann.write("\r");
    ben.expect_output(": half a line\n").await;
    ann.write("\x1b[A");
    ann.expect_output("half a line").await;
    ann.write("\x1b[A");
    ann.expect_output("#meet").await;
    ann.write("\r");
    ann.expect_output("already in a chat").await;
    wait_for_editor(&terminal).await;
    ann.write("\x04");
    ben.expect_output("Your partner left the chat").await;
    assert!(ann.wait_exit().await.success());
    assert!(echoes(), "the terminal echoes again");
}

#[tokio::test]
async fn terminal_no_color_prints_plain_text() {
    let (_server, address) = server("0").await;
    let arguments = ["chat", "--url", &address, "--token", TOKEN];
    let (mut ann, _terminal) = TerminalProcess::in_terminal(&arguments, &[("NO_COLOR", "1")]);
    let before = ann.expect_output("Ctrl-D leaves").await;
    ann.write("#help\r");
    let shown = ann.expect_output("Anything else").await;
    assert!(!(before + &shown).contains("\x1b[3"), "{shown:?}");
}

#[tokio::test]
async fn terminal_end_of_input_waits_for_answers() {
    let (_server, address) = server("0").await;
    let mut ann = chat(&address);
    ann.write("#meet\n#nick Ann\n#help");
    ann.input = None;
    for reply in ["Connected to", "Looking for", "your nickname is Ann", "#bye: ", "left the queue"]
    {
        ann.expect_output(reply).await;
    }
    assert!(ann.wait_exit().await.success());
}

#[tokio::test]
async fn terminal_closed_output_leaves_the_chat() {
    let (_server, address) = server("0").await;
    let mut ben = chat(&address);
    ben.write("#meet\n");
    ben.expect_output("Looking for someone").await;
    let arguments = ["chat", "--url", &address, "--token", TOKEN];
    let mut ann = TerminalProcess::command(&arguments, &[]);
    let mut ann =
        ann.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary starts");
    let mut input = ann.stdin.take().expect("an input");
    input.write_all(b"#meet\n").expect("typed");
    let mut lines = BufReader::new(ann.stdout.take().expect("an output")).lines();
    assert!(lines.any(|line| line.expect("a line").contains("now chatting with")));
    drop(lines);
    ben.expect_output("You're now chatting with ").await;
    ben.write("Are you there?\n");
    ben.expect_output("Your partner left the chat").await;
    assert!(ann.wait().expect("the process exits").success());
}

#[tokio::test]
async fn terminal_signal_leaves_and_restores_the_tty() {
    let (_server, address) = server("0").await;
    let arguments = ["chat", "--url", &address, "--token", TOKEN];
    let mut ben = chat(&address);
    ben.write("#meet\n");
    ben.expect_output("Looking for someone").await;
    let (mut ann, terminal) = TerminalProcess::in_terminal(&arguments, &[]);
    ann.expect_output("Ctrl-D leaves").await;
    ann.write("#meet\r");
    ann.expect_output("You're now chatting with ").await;
    ben.expect_output("You're now chatting with ").await;
    let pid = Pid::from_raw(i32::try_from(ann.child.id()).expect("an id"));
    kill(pid, Signal::SIGTERM).expect("the signal is sent");
    ben.expect_output("Your partner left the chat").await;
    assert!(ann.wait_exit().await.success());
    let flags = tcgetattr(&terminal).expect("a terminal").local_flags;
    assert!(flags.contains(LocalFlags::ECHO | LocalFlags::ICANON));
}

#[tokio::test]
async fn terminal_start_errors_are_one_line() {
    let server = TestServer::with(&[], ConnectionLimits::default()).await;
    let error = async |arguments: Vec<String>| {
        let variables: [(&str, OsString); 0] = [];
        let mut command = tokio::process::Command::new(BINARY);
        command.arg("chat").args(arguments).env_clear().envs(variables);
        command.current_dir(std::env::temp_dir()).stdin(Stdio::null());
        let output = timeout(TEST_TIMEOUT, command.output())
            .await
            .expect("in time")
            .expect("the process exits");
        assert_eq!(output.stdout, b"");
        let message = String::from_utf8(output.stderr).expect("text");
        assert_eq!(message.lines().count(), 1, "{message}");
        (output.status.code(), message)
    };
    let to = |url: &str, token: &str| ["--url", url, "--token", token].map(str::to_owned).to_vec();
    let (status, message) = error(to(&server.url, TOKEN)).await;
    assert!(status == Some(1) && message.contains("TOOLSETS=connect,penpal"), "{message}");
    let (status, message) = error(to(&server.url, "not-the-token")).await;
    assert!(status == Some(1) && message.contains("rejected this token"), "{message}");
    assert!(!message.contains("not-the-token"), "{message}");
    let (status, message) = error(to("http://127.0.0.1:1", TOKEN)).await;
    assert!(status == Some(1) && message.contains("no server is listening at http://127.0.0.1:1"));
    let (status, message) = error(to("chat.example", TOKEN)).await;
    assert!(status == Some(2) && message.contains("is not a server URL"), "{message}");
    let (status, message) = error(to(&server.url, "two words")).await;
    assert!(
        status == Some(2) && message.contains("AUTH_TOKEN") && !message.contains("two"),
        "{message}"
    );
    let (status, message) = error(Vec::new()).await;
    assert!(status == Some(2) && message.contains("AUTH_TOKEN"), "{message}");
}

#[tokio::test]
async fn terminal_token_comes_from_a_file_or_the_environment() {
    let server = TestServer::start().await;
    let file = std::env::temp_dir().join(format!("chat-token-{}", std::process::id()));
    std::fs::write(&file, format!("{TOKEN}\n")).expect("written");
    let file = file.to_str().expect("text");
    // The server lacks the penpal tools, which only a caller with its token learns.
    let run = async |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = tokio::process::Command::new(BINARY);
        command.args(["chat", "--url", &server.url]).args(arguments).env_clear();
        command.envs(variables.iter().copied()).current_dir(std::env::temp_dir());
        let output = timeout(TEST_TIMEOUT, command.stdin(Stdio::null()).output()).await;
        let output = output.expect("in time").expect("the process exits");
        String::from_utf8(output.stderr).expect("text")
    };
    let (own, other) = (("RANDOM_CONNECT_TOKEN", TOKEN), ("RANDOM_CONNECT_TOKEN", "other"));
    let wrong = ("AUTH_TOKEN", "wrong");
    assert!(run(&["--token-file", file], &[other]).await.contains("TOOLSETS=connect,penpal"));
    assert!(run(&[], &[own, wrong]).await.contains("TOOLSETS=connect,penpal"));
    assert!(run(&[], &[other]).await.contains("rejected this token"));
    assert!(run(&["--token-file", "/missing"], &[own]).await.contains("can't read /missing"));
    std::fs::remove_file(file).expect("removed");
}

#[tokio::test]
async fn terminal_demo_hides_a_number_and_exits() {
    let mut demo = TerminalProcess::piped(&["chat", "--demo"], &[("NO_COLOR", "1"), ("PORT", "1")]);
    let shown = demo.expect_output("Your turn:").await;
    assert!(demo.wait_exit().await.success());
    let sides = shown.lines().filter_map(|line| line.split_once(" │ "));
    let (ann, ben): (Vec<_>, Vec<_>) = sides.unzip();
    let [ann, ben] = [ann, ben].map(|lines| lines.join("\n"));
    assert!(ann.contains("98334 12506") && ann.contains("nine eight double"), "{shown}");
    assert!(!ben.contains("98334") && !ben.contains("nine"), "{shown}");
    assert!(
        ben.matches("[hidden]").count() >= 2 && ben.contains("You both like: music"),
        "{shown}"
    );
    assert!(ben.contains("Chat ended") && ann.contains("Your partner left"), "{shown}");
}
