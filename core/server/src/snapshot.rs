//! Giving a device a scope that it has nothing of, page by page.

use std::ops::ControlFlow;

use serde_json::value::to_raw_value;
use waymark_domain::record::RecordKey;
use waymark_protocol::error::ApiCode;
use waymark_protocol::limits::{PAGE_MAX, PAGE_MIN};
use waymark_protocol::snapshot::{PageToken, SnapshotRequest};

use crate::access::scopes_of;
use crate::error::{Error, Result};
use crate::server::Server;
use crate::storage::Storage;
use crate::wire::{RawPage, raw_put};

impl<S: Storage> Server<S> {
    /// A page of a scope, as the bytes of a [`waymark_protocol::snapshot::SnapshotPage`].
    ///
    /// # Errors
    /// [`ApiCode::NotFound`] for a scope that the user does not see.
    pub fn snapshot(&self, token: &str, request: &SnapshotRequest) -> Result<Vec<u8>> {
        let limit = request.limit_bytes.clamp(PAGE_MIN, PAGE_MAX);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let after = request.after.as_ref().map(|token| RecordKey {
            kind: token.kind.clone(),
            id: token.id,
        });
        let page = self.storage.read(|view| {
            let caller = self.authenticate(view, token)?;
            if !scopes_of(view, &caller.user)?.contains(&request.scope) {
                return Err(Error::api(ApiCode::NotFound, "scope"));
            }
            let identity = view.identity()?;
            let seq = view.head_seq()?;
            let mut page = RawPage {
                epoch: identity
                    .ok_or_else(|| Error::corrupt("the identity"))?
                    .epoch,
                // a pin from after this moment is from another continuity, which the page's epoch tells
                pin: request.pin.map_or(seq, |pin| pin.min(seq)),
                puts: Vec::new(),
                next: None,
            };
            let (mut size, mut last) = (0, None);
            view.content(&request.scope, after.as_ref(), &mut |change| {
                let Some(put) = raw_put(&request.scope, &change)? else {
                    return Ok(ControlFlow::Continue(()));
                };
                let put = to_raw_value(&put).map_err(|_| Error::corrupt("a record"))?;
                if size > 0 && size + put.get().len() > limit {
                    page.next = last.take();
                    return Ok(ControlFlow::Break(()));
                }
                size += put.get().len();
                page.puts.push(put);
                last = Some(PageToken::from(change.key));
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(page)
        })?;
        serde_json::to_vec(&page).map_err(|_| Error::corrupt("a page"))
    }
}
