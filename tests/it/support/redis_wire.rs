//! Talks to a Redis in its own words.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::redis_server::RedisServer;

/// Sends a command; returns all that is text or bytes in the answer.
pub fn command(server: &RedisServer, words: &[&str]) -> Vec<String> {
    let stream = TcpStream::connect(server.address()).expect("a server");
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        write!(request, "${}\r\n{word}\r\n", word.len()).expect("a string");
    }
    (&stream).write_all(request.as_bytes()).expect("a server");
    let mut all = Vec::new();
    read(&mut BufReader::new(stream), &mut all);
    all
}

/// Reads one value of the protocol (RESP 2).
fn read(stream: &mut BufReader<TcpStream>, all: &mut Vec<String>) {
    let mut line = String::new();
    stream.read_line(&mut line).expect("an answer");
    let (kind, rest) = line.trim_end().split_at(1);
    match kind {
        "*" => (0..rest.parse().unwrap_or(0)).for_each(|_| read(stream, all)),
        "$" => {
            let mut bytes = vec![0; rest.parse::<usize>().map_or(0, |length| length + 2)];
            stream.read_exact(&mut bytes).expect("as many as it says");
            all.push(String::from_utf8_lossy(&bytes).trim_end().to_owned());
        }
        _ => all.push(rest.to_owned()),
    }
}

/// All that is kept.
pub fn dump(server: &RedisServer) -> String {
    let mut all = String::new();
    for key in command(server, &["KEYS", "*"]) {
        let kind = command(server, &["TYPE", &key]).concat();
        let values = match kind.as_str() {
            "hash" => command(server, &["HGETALL", &key]),
            "list" => command(server, &["LRANGE", &key, "0", "-1"]),
            "zset" => command(server, &["ZRANGE", &key, "0", "-1", "WITHSCORES"]),
            _ => command(server, &["GET", &key]),
        };
        writeln!(all, "{key} {}", values.join(" ")).expect("a string");
    }
    all
}
