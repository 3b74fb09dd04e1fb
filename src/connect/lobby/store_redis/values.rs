//! Values of script replies, and packed fields. No meaning lives here: see `codec.rs`.

use redis::Value;

use crate::kernel::id::{RoomId, UserId};

/// The elements of an array reply.
pub(super) fn as_list(value: &Value) -> Option<&[Value]> {
    if let Value::Array(values) = value { Some(values) } else { None }
}

pub(super) fn as_user_ids(value: &Value) -> Option<Vec<UserId>> {
    as_list(value)?.iter().map(user_id_value).collect()
}

pub(super) fn as_bytes(value: &Value) -> Option<&[u8]> {
    if let Value::BulkString(bytes) = value { Some(bytes) } else { None }
}

/// A number, which a script returns as an integer or as decimal digits.
pub(super) fn as_u64(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::BulkString(digits) => parse_u64(digits),
        _ => None,
    }
}

pub(super) fn as_usize(value: &Value) -> Option<usize> {
    usize::try_from(as_u64(value)?).ok()
}

pub(super) fn as_bool(value: &Value) -> Option<bool> {
    as_u64(value).map(|number| number == 1)
}

pub(super) fn parse_u64(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

pub(super) fn user_id(hex: &[u8]) -> Option<UserId> {
    UserId::from_hex(std::str::from_utf8(hex).ok()?)
}

/// A user id as an element of a reply.
pub(super) fn user_id_value(value: &Value) -> Option<UserId> {
    user_id(as_bytes(value)?)
}

pub(super) fn room_id(hex: &[u8]) -> Option<RoomId> {
    RoomId::from_hex(std::str::from_utf8(hex).ok()?)
}

/// Splits concatenated fields, each preceded by its length and a colon, as `pack_fields` in
/// `lua/shared/base.lua` writes them.
pub(super) fn unpack_fields(packed: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut fields, mut rest) = (Vec::new(), packed);
    while !rest.is_empty() {
        let colon = rest.iter().position(|byte| *byte == b':')?;
        let length = usize::try_from(parse_u64(&rest[..colon])?).ok()?;
        let (field, tail) = rest[colon + 1..].split_at_checked(length)?;
        fields.push(field);
        rest = tail;
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redis_codec_unpacks_arbitrary_fields() {
        assert_eq!(unpack_fields(b"2:ab0:3:\x00:9"), Some(vec![&b"ab"[..], b"", b"\x00:9"]));
        assert_eq!(unpack_fields(b""), Some(vec![]));
        for malformed in [&b"x"[..], b"2:a", b":a", b"-1:a", b"99999999999999999999:a"] {
            assert_eq!(unpack_fields(malformed), None);
        }
    }
}
