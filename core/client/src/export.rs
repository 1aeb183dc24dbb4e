//! Everything that is here, as JSON lines: the user's own copy of the user's own work.

use std::io::Write;

use data_encoding::BASE64;
use serde_json::{Value, json};
use waymark_domain::check_in::CheckIn;
use waymark_domain::ids::UserId;
use waymark_domain::photo::Photo;
use waymark_domain::record::{Body, Kind, SyncRecord as _};
use waymark_domain::track_segment::TrackSegment;

use crate::error::WaymarkError;
use crate::waymark::Waymark;

/// Records read at a time.
const CHUNK: u32 = 500;

impl Waymark {
    /// Writes every record that this user sees, then every operation that is not settled, one JSON object a line. Coordinates carry their
    /// datum. Other people's check-ins, tracks and photos come without their positions: looking at those takes a purpose, which a whole copy has not.
    /// A call for help keeps its position: it was sent so that its rep is found.
    /// Gives the number of lines.
    ///
    /// # Errors
    /// What reading and writing may say.
    pub fn export(&self, out: &mut dyn Write) -> Result<u64, WaymarkError> {
        let mut lines = 0;
        let mut after = None;
        let me = self.user()?;
        loop {
            let rows = self.read(|reader| reader.export(after.as_ref(), CHUNK))?;
            let Some(last) = rows.last() else { break };
            after = Some(last.key.clone());
            for row in rows {
                let body = without_others_positions(&row.key.kind, row.body, me);
                let line = json!({
                    "record": row.key.kind, "id": row.key.id, "rev": row.rev, "pending": row.pending, "body": body,
                });
                writeln!(out, "{line}")?;
                lines += 1;
            }
        }
        let mut sent = 0;
        loop {
            let rows = self.read(|reader| reader.outbox(sent, CHUNK))?;
            let Some(last) = rows.last() else { break };
            sent = last.n;
            for row in rows {
                let op = as_stored(&row.bytes);
                writeln!(out, "{}", json!({ "pending_operation": op, "n": row.n }))?;
                lines += 1;
            }
        }
        for row in self.read(|reader| reader.attention())? {
            let op = as_stored(&row.bytes);
            writeln!(
                out,
                "{}",
                json!({ "needs_attention": row.code, "operation": op })
            )?;
            lines += 1;
        }
        out.flush()?;
        Ok(lines)
    }
}

/// A body without what says where somebody else was.
fn without_others_positions(kind: &Kind, mut body: Body, me: UserId) -> Body {
    // the statement holds every fix once more
    let fields: &[&str] = if *kind == CheckIn::KIND {
        &["position", "statement"]
    } else if *kind == TrackSegment::KIND {
        &["packed"]
    } else if *kind == Photo::KIND {
        &["place"]
    } else {
        return body;
    };
    if body.get("rep") != Some(&json!(me)) {
        for field in fields {
            body.remove(*field);
        }
    }
    body
}

/// An operation with every field that it has, known to this version or not; bytes that are no JSON as they are.
fn as_stored(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| json!({ "base64": BASE64.encode(bytes) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_operation_is_left_out_because_this_version_does_not_read_it() {
        let later = json!({ "op": "x", "act": "teleport", "warp": 9 });
        assert_eq!(as_stored(later.to_string().as_bytes()), later);
        assert_eq!(as_stored(b"\xff\x00"), json!({ "base64": "/wA=" }));
    }
}
