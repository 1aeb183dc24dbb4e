//! Everything that is here, as JSON lines: the user's own copy of the user's own work.

use std::io::Write;

use serde_json::json;
use waymark_domain::op::Operation;

use crate::error::WaymarkError;
use crate::waymark::Waymark;

/// Records read at a time.
const CHUNK: u32 = 500;

impl Waymark {
    /// Writes every record that this user sees, then every operation that is not settled, one JSON object a line. Coordinates carry their
    /// datum. Gives the number of lines.
    ///
    /// # Errors
    /// What reading and writing may say.
    pub fn export(&self, out: &mut dyn Write) -> Result<u64, WaymarkError> {
        let mut lines = 0;
        let mut after = None;
        loop {
            let rows = self.read(|reader| reader.export(after.as_ref(), CHUNK))?;
            let Some(last) = rows.last() else { break };
            after = Some(last.key.clone());
            for row in rows {
                let line = json!({
                    "record": row.key.kind, "id": row.key.id, "rev": row.rev, "pending": row.pending, "body": row.body,
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
                let op = Operation::from_bytes(&row.bytes).ok();
                writeln!(out, "{}", json!({ "pending_operation": op, "n": row.n }))?;
                lines += 1;
            }
        }
        for row in self.read(|reader| reader.attention())? {
            let op = Operation::from_bytes(&row.bytes).ok();
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
