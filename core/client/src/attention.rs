//! What the server would not take as it is: shown with its reason and a way out. It never stops anything else.

use serde::Serialize;
use waymark_domain::ids::OpId;
use waymark_domain::op::{Act, Draft, Operation};
use waymark_domain::record::{Body, rules};
use waymark_domain::time::TimeInterval;
use waymark_protocol::outcome::Outcome;
use waymark_store::Unit;

use crate::error::{ErrorCode, WaymarkError};
use crate::waymark::Waymark;

/// The attention list.
pub struct Attention(pub(crate) Waymark);

/// An operation that needs a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttentionRow {
    /// The operation.
    pub op: OpId,
    /// The kind of record.
    pub kind: String,
    /// What was done to it.
    pub act: Option<Act>,
    /// The command, for a step.
    pub command: Option<String>,
    /// The record.
    pub record: Option<String>,
    /// When the user did it.
    pub at: Option<TimeInterval>,
    /// The fields with the values that the user gave.
    pub values: Body,
    /// `review`, `rejected`, `vaulted` or `damaged`.
    pub code: String,
    /// What the server said, where it said something.
    pub outcome: Option<Outcome>,
    /// Whether it can be sent again as it is.
    pub can_retry: bool,
}

impl Attention {
    /// All that needs a person, oldest first.
    ///
    /// # Errors
    /// What reading may say.
    pub fn list(&self) -> Result<Vec<AttentionRow>, WaymarkError> {
        Ok(self
            .0
            .read(|reader| reader.attention())?
            .into_iter()
            .map(AttentionRow::from)
            .collect())
    }

    /// Does the same again, on top of what the record is by now. The new operation takes the old one's place.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; what the rules say now, for instance [`ErrorCode::WrongState`].
    pub fn retry(&self, op: OpId) -> Result<OpId, WaymarkError> {
        let row = self.found(op)?;
        let old = Operation::from_bytes(&row.bytes)?;
        let current = self
            .0
            .read(|reader| reader.record(&old.key()))?
            .map(|row| row.body);
        let mut draft = Draft::again(&old, current.as_ref());
        if matches!(old.act, Act::Create | Act::Append)
            && let Some(rules) = rules(&old.kind)
        {
            let body = draft
                .set
                .iter()
                .map(|(field, change)| (field.clone(), change.1.clone()))
                .collect();
            draft.references = rules.references(&body)?;
        }
        let committed = self.0.commit(vec![Unit::One(draft)])?;
        let first = committed
            .into_iter()
            .next()
            .ok_or(WaymarkError::new(ErrorCode::Internal, "no operation"))?;
        Ok(first.op_id)
    }

    /// Lets it go. Its bytes stay in the history here and on the server.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn dismiss(&self, op: OpId) -> Result<(), WaymarkError> {
        self.found(op)?;
        let at_ms = self.0.0.parts.clock.read().wall_ms;
        self.0.0.store.resolve_attention(op, "dismissed", at_ms)?;
        Ok(())
    }

    fn found(&self, op: OpId) -> Result<waymark_store::AttentionRow, WaymarkError> {
        let row = self.0.read(|reader| reader.attention_of(op))?;
        row.filter(|row| row.resolved_by.is_none())
            .ok_or(WaymarkError::new(ErrorCode::NotFound, "operation"))
    }
}

impl Waymark {
    /// What needs a person.
    #[must_use]
    pub fn attention(&self) -> Attention {
        Attention(self.clone())
    }
}

impl From<waymark_store::AttentionRow> for AttentionRow {
    fn from(row: waymark_store::AttentionRow) -> Self {
        let op = Operation::from_bytes(&row.bytes).ok();
        let outcome = serde_json::from_value::<Outcome>(row.outcome).ok();
        let values = op
            .iter()
            .flat_map(|op| &op.set)
            .map(|(field, change)| (field.clone(), change.1.clone()));
        let values = values.filter(|(_, value)| !value.is_null()).collect();
        Self {
            op: row.op_id,
            kind: op
                .as_ref()
                .map(|op| op.kind.to_string())
                .unwrap_or_default(),
            act: op.as_ref().map(|op| op.act),
            command: op
                .as_ref()
                .and_then(|op| op.cmd.as_ref())
                .map(|command| command.name.clone()),
            record: op.as_ref().map(|op| op.rec.to_string()),
            at: op.as_ref().map(|op| op.t.when),
            values,
            code: row.code,
            can_retry: op.is_some(),
            outcome,
        }
    }
}
