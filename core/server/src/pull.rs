//! Giving a device what changed in its user's scopes.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use waymark_domain::scope::Scope;
use waymark_protocol::limits::{PAGE_MAX, PAGE_MIN};
use waymark_protocol::request::ScopeCursor;
use waymark_protocol::response::End;

use crate::error::Result;
use crate::storage::{ScopeHead, View};
use crate::wire::change_line;

/// Most records of a scope that a device has nothing of and still gets as changes: beyond, pages by key cost less than changes in order.
const SNAPSHOT_OVER: u64 = 500;

/// A page of changes.
pub(crate) struct Page {
    /// Its lines.
    pub(crate) lines: Vec<u8>,
    /// The line after them.
    pub(crate) end: End,
    /// Scopes of which the device claims to hold more than there is.
    pub(crate) ahead: Vec<Scope>,
}

/// The next page for a device that holds `cursors` of `scopes`.
pub(crate) fn page(
    view: &dyn View,
    scopes: &[Scope],
    cursors: &[ScopeCursor],
    limit_bytes: u32,
) -> Result<Page> {
    let seq = view.head_seq()?;
    let cursors = cursors.iter().map(|held| (&held.id, held.cursor));
    let cursors: BTreeMap<&Scope, u64> = cursors.collect();
    let mut page = Page {
        lines: Vec::new(),
        end: End {
            seq,
            ..End::default()
        },
        ahead: Vec::new(),
    };
    if limit_bytes == 0 {
        return Ok(page);
    }
    let limit = usize::try_from(limit_bytes.clamp(PAGE_MIN, PAGE_MAX)).unwrap_or(usize::MAX);
    let mut checkpoint = BTreeMap::new();
    for scope in scopes {
        let head = view.scope_head(scope)?;
        let cursor = cursors.get(scope).copied().unwrap_or(0);
        if cursor > seq {
            page.ahead.push(scope.clone());
        }
        if cursor > seq || (cursor == 0 && head.digest.count > SNAPSHOT_OVER) {
            page.end.snapshots.push(scope.clone());
        } else if !page.end.more {
            page.fill(view, scope, cursor, head, limit)?;
        }
        checkpoint.insert(scope.clone(), head.digest.to_text());
    }
    if !page.end.more && page.end.snapshots.is_empty() {
        page.end.checkpoint = checkpoint;
    }
    Ok(page)
}

impl Page {
    /// Adds a scope's changes, as many as there is room for; the first line of a page always has.
    fn fill(
        &mut self,
        view: &dyn View,
        scope: &Scope,
        cursor: u64,
        head: ScopeHead,
        limit: usize,
    ) -> Result<()> {
        let mut last = cursor;
        if head.seq > cursor {
            view.changes(scope, cursor, &mut |change| {
                // who has nothing of the scope need not hear what left it
                if cursor > 0 || change.record.is_some() {
                    let line = change_line(scope, &change)?;
                    if !self.lines.is_empty() && self.lines.len() + line.len() > limit {
                        self.end.more = true;
                        return Ok(ControlFlow::Break(()));
                    }
                    self.lines.extend(line);
                }
                last = change.seq;
                Ok(ControlFlow::Continue(()))
            })?;
        }
        if !self.end.more {
            last = self.end.seq;
        }
        if last > 0 {
            self.end.next.insert(scope.clone(), last);
        }
        Ok(())
    }
}
