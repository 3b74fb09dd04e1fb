//! [`mask`] takes time in proportion to the text, also for hostile texts.
//!
//! The tests count the work in tokens and windows, which is the same on every machine. Measurements
//! of time belong in `benches/mask.rs`. To guard another text, add it to [`HOSTILE`].

use random_connect::mask::{mask, work};

/// Parts of hostile texts; each is repeated to make a long one.
const HOSTILE: [&str; 30] = [
    "7",
    "7 ",
    "98765 ",
    "98765 43210 ",
    "+91 98765 43210 ",
    "-",
    "1----",
    "nine ",
    "nine",
    "6three",
    "nine one four double two ",
    "12345 then ",
    "7oIl8B ",
    "😊",
    "7\u{fe0f}\u{20e3}",
    "a@b ",
    "a.b/c ",
    "call 1234567 ",
    "4111 1111 1111 1111 ",
    "12/05/2024 ",
    "a|",
    "1|",
    "9+",
    "98765#",
    "9@8",
    "n ",
    "nine and ",
    "two hundred ",
    "9l8O",
    "first 12345 then ",
];

#[test]
fn mask_work_is_linear_in_the_text() {
    for part in HOSTILE {
        let once = work(&part.repeat(512)).max(64);
        let fourfold = work(&part.repeat(2048));
        assert!(fourfold <= once * 5, "{part:?}: {once} steps became {fourfold}");
    }
}

#[test]
fn mask_work_per_character_is_bounded() {
    for part in HOSTILE {
        let text = part.repeat(2048);
        // A token starts at most seventeen windows on each of three levels.
        assert!(work(&text) <= text.len() * 52, "{part:?}");
    }
}

#[test]
fn mask_covers_long_texts_completely() {
    let text = "98765 43210 and ".repeat(4096);
    assert_eq!(mask(&text).hidden(), 4096);
}
