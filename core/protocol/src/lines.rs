//! Newline-delimited JSON, cut into lines as the bytes come in.

use crate::error::{ApiCode, ApiError};
use crate::limits::{MAX_EXPANDED, MAX_LINE};

/// Cuts a stream of bytes into lines, within the limits.
#[derive(Debug, Default)]
pub struct LineCutter {
    partial: Vec<u8>,
    total: usize,
}

impl LineCutter {
    /// Takes the next bytes and gives the lines that they complete, without their newline.
    ///
    /// # Errors
    /// [`ApiCode::TooLarge`] for a line over [`MAX_LINE`] or a body over [`MAX_EXPANDED`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, ApiError> {
        self.total = self.total.saturating_add(bytes.len());
        if self.total > MAX_EXPANDED {
            return Err(ApiError::new(
                ApiCode::TooLarge,
                format!("body over {MAX_EXPANDED} bytes"),
            ));
        }
        let mut lines = Vec::new();
        let mut pieces = bytes.split(|&byte| byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            if self.partial.len() + piece.len() > MAX_LINE {
                return Err(ApiError::new(
                    ApiCode::TooLarge,
                    format!("line over {MAX_LINE} bytes"),
                ));
            }
            self.partial.extend_from_slice(piece);
            if pieces.peek().is_some() {
                lines.push(std::mem::take(&mut self.partial));
            }
        }
        Ok(lines)
    }

    /// Whether the stream ended within a line.
    #[must_use]
    pub fn is_within_a_line(&self) -> bool {
        !self.partial.is_empty()
    }
}

/// Appends `message` as one line.
///
/// # Errors
/// [`ApiCode::Internal`] when it does not serialise, which a message of this crate always does.
pub fn write_line<T: serde::Serialize>(into: &mut Vec<u8>, message: &T) -> Result<(), ApiError> {
    serde_json::to_writer(&mut *into, message)
        .map_err(|error| ApiError::new(ApiCode::Internal, error.to_string()))?;
    into.push(b'\n');
    Ok(())
}

/// Reads one line.
///
/// # Errors
/// [`ApiCode::Malformed`] with the place in the line, never its content.
pub fn read_line<'a, T: serde::Deserialize<'a>>(line: &'a [u8]) -> Result<T, ApiError> {
    serde_json::from_slice(line).map_err(|error| {
        let detail = format!("{:?} error at column {}", error.classify(), error.column());
        ApiError::new(ApiCode::Malformed, detail)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lines_do_not_depend_on_how_the_bytes_are_cut(text in "[a-c\n]{0,80}", cut in 1_usize..9) {
            let mut whole = LineCutter::default();
            let mut pieces = LineCutter::default();
            let expected = whole.push(text.as_bytes()).unwrap();
            let mut got = Vec::new();
            for piece in text.as_bytes().chunks(cut) {
                got.extend(pieces.push(piece).unwrap());
            }
            prop_assert_eq!(got, expected);
            prop_assert_eq!(pieces.is_within_a_line(), whole.is_within_a_line());
        }
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_fills_the_memory() {
        let mut cutter = LineCutter::default();
        let chunk = vec![b'x'; 64 * 1024];
        let refused = (0..100).find_map(|_| cutter.push(&chunk).err()).unwrap();
        assert_eq!(refused.code, ApiCode::TooLarge);
        assert!(cutter.partial.len() <= MAX_LINE);
    }
}
