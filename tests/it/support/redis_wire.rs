//! Raw Redis commands in RESP 2, so that a test sees stored data without the crate's client.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::redis_server::RedisServer;

/// Sends a command; returns every string in the reply, with nested arrays flattened.
pub fn command(server: &RedisServer, arguments: &[&str]) -> Vec<String> {
    let stream = TcpStream::connect(server.address()).expect("Redis is up");
    let mut request = format!("*{}\r\n", arguments.len());
    for argument in arguments {
        write!(request, "${}\r\n{argument}\r\n", argument.len()).expect("a string");
    }
    (&stream).write_all(request.as_bytes()).expect("Redis is up");
    let mut strings = Vec::new();
    read(&mut BufReader::new(stream), &mut strings);
    strings
}

/// Reads one RESP 2 value.
fn read(stream: &mut BufReader<TcpStream>, strings: &mut Vec<String>) {
    let mut line = String::new();
    stream.read_line(&mut line).expect("a reply");
    let (kind, rest) = line.trim_end().split_at(1);
    match kind {
        "*" => (0..rest.parse().unwrap_or(0)).for_each(|_| read(stream, strings)),
        "$" => {
            let mut bytes = vec![0; rest.parse::<usize>().map_or(0, |length| length + 2)];
            stream.read_exact(&mut bytes).expect("the announced number of bytes");
            strings.push(String::from_utf8_lossy(&bytes).trim_end().to_owned());
        }
        _ => strings.push(rest.to_owned()),
    }
}

/// Returns every stored key with its values, one key per line.
pub fn dump(server: &RedisServer) -> String {
    let mut lines = String::new();
    for key in command(server, &["KEYS", "*"]) {
        let kind = command(server, &["TYPE", &key]).concat();
        let values = match kind.as_str() {
            "hash" => command(server, &["HGETALL", &key]),
            "list" => command(server, &["LRANGE", &key, "0", "-1"]),
            "zset" => command(server, &["ZRANGE", &key, "0", "-1", "WITHSCORES"]),
            _ => command(server, &["GET", &key]),
        };
        writeln!(lines, "{key} {}", values.join(" ")).expect("a string");
    }
    lines
}
