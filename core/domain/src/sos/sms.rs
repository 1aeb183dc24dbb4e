//! Short messages: how many parts a text takes (3GPP TS 23.038 and 23.040), and the link that opens one (RFC 5724).

use std::fmt::Write as _;

use serde::Serialize;

/// How a text is coded, and what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Size {
    /// How it is coded.
    pub coding: Coding,
    /// Units of that coding.
    pub units: usize,
    /// Messages that it takes.
    pub parts: usize,
}

/// How a text is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Coding {
    /// Seven bits a character.
    Gsm7,
    /// UTF-16 code units.
    Ucs2,
}

impl Coding {
    /// Units that one message holds alone, and as a part of several.
    const fn room(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }
}

/// The basic alphabet without its letters and digits of ASCII.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";

/// Characters that take two units.
const EXTENDED: &str = "^{}\\[~]|€\u{c}";

/// Units of seven bits that a character takes; `None` when the alphabet lacks it.
#[must_use]
pub fn gsm7_units(character: char) -> Option<usize> {
    if character.is_ascii_alphanumeric() || BASIC.contains(character) {
        Some(1)
    } else {
        EXTENDED.contains(character).then_some(2)
    }
}

/// What a text takes.
#[must_use]
pub fn size(text: &str) -> Size {
    let seven: Option<usize> = text.chars().map(gsm7_units).sum();
    let (coding, units) = match seven {
        Some(units) => (Coding::Gsm7, units),
        None => (Coding::Ucs2, text.encode_utf16().count()),
    };
    let (alone, part) = coding.room();
    let parts = if units <= alone {
        1
    } else {
        // a character of two units is not torn apart: at worst a part holds one unit less
        units.div_ceil(part - 1)
    };
    Size {
        coding,
        units,
        parts,
    }
}

/// A telephone number without what people put between its digits; `None` when it is none.
#[must_use]
pub fn number(text: &str) -> Option<String> {
    let kept: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')'))
        .collect();
    let digits = kept.strip_prefix('+').unwrap_or(&kept);
    // E.164: at most fifteen; emergency numbers have three
    let fits = (3..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then_some(kept)
}

/// The link that opens a message to `number`, as [`number`] gives it, with `text` in it.
#[must_use]
pub fn uri(number: &str, text: &str) -> String {
    let mut uri = format!("sms:{number}?body=");
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // writing to a String does not fail
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(text: &str) -> (Coding, usize, usize) {
        let size = size(text);
        (size.coding, size.units, size.parts)
    }

    #[test]
    fn a_message_holds_160_characters_of_seven_bits_or_70_of_sixteen() {
        assert_eq!(sized(&"a".repeat(160)), (Coding::Gsm7, 160, 1));
        assert_eq!(sized(&"a".repeat(161)), (Coding::Gsm7, 161, 2));
        assert_eq!(sized(&"é".repeat(160)), (Coding::Gsm7, 160, 1));
        assert_eq!(sized(&"€".repeat(80)), (Coding::Gsm7, 160, 1));
        assert_eq!(sized(&"€".repeat(81)), (Coding::Gsm7, 162, 2));
        assert_eq!(sized(&"求".repeat(70)), (Coding::Ucs2, 70, 1));
        assert_eq!(sized(&"求".repeat(71)), (Coding::Ucs2, 71, 2));
        assert_eq!(sized(&"😀".repeat(36)), (Coding::Ucs2, 72, 2));
        // ô is not in the alphabet
        assert_eq!(sized("Côte").0, Coding::Ucs2);
        assert_eq!(sized("").2, 1);
    }

    #[test]
    fn the_alphabet_has_the_128_places_of_the_standard() {
        let basic = BASIC.chars().count() + 62;
        // the escape to the extension is the 128th
        assert_eq!(basic, 127);
    }

    #[test]
    fn a_number_is_digits_and_nothing_else() {
        assert_eq!(number("+377 98-98.(1)234").as_deref(), Some("+37798981234"));
        assert_eq!(number("112").as_deref(), Some("112"));
        for none in [
            "",
            "+",
            "12",
            "Anna",
            "112?body=x",
            "1234567890123456",
            "+1+1",
        ] {
            assert_eq!(number(none), None, "{none}");
        }
    }

    #[test]
    fn a_text_cannot_break_out_of_its_link() {
        assert_eq!(
            uri("+37798", "SOS: a&b 50%\n求"),
            "sms:+37798?body=SOS%3A%20a%26b%2050%25%0A%E6%B1%82"
        );
    }
}
