//! Lines and pages written without reading the bodies in between: they are JSON in the database already.

use serde::Serialize;
use serde_json::value::RawValue;
use waymark_domain::ids::{Epoch, RecordId};
use waymark_domain::record::Kind;
use waymark_domain::scope::Scope;
use waymark_protocol::lines::write_line;
use waymark_protocol::response::{Leave, ResponseLine};
use waymark_protocol::snapshot::PageToken;

use crate::error::{Error, Result};
use crate::storage::Change;

/// [`waymark_protocol::response::Put`], its body as it stands.
#[derive(Serialize)]
pub(crate) struct RawPut<'a> {
    scope: &'a Scope,
    seq: u64,
    kind: &'a Kind,
    id: RecordId,
    rev: u64,
    body: &'a RawValue,
}

/// [`waymark_protocol::snapshot::SnapshotPage`], its bodies as they stand.
#[derive(Serialize)]
pub(crate) struct RawPage {
    pub(crate) epoch: Epoch,
    pub(crate) pin: u64,
    pub(crate) puts: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<PageToken>,
}

/// The record of a change in a scope; `None` when it left.
pub(crate) fn raw_put<'a>(scope: &'a Scope, change: &'a Change) -> Result<Option<RawPut<'a>>> {
    let Some((rev, body)) = &change.record else {
        return Ok(None);
    };
    Ok(Some(RawPut {
        scope,
        seq: change.seq,
        kind: &change.key.kind,
        id: change.key.id,
        rev: *rev,
        body: serde_json::from_str(body).map_err(|_| Error::corrupt("a body"))?,
    }))
}

/// A change in a scope as a line of an answer.
pub(crate) fn change_line(scope: &Scope, change: &Change) -> Result<Vec<u8>> {
    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Line<'a> {
        Put(RawPut<'a>),
    }
    let mut line = Vec::new();
    match raw_put(scope, change)? {
        Some(put) => write_line(&mut line, &Line::Put(put))?,
        None => {
            let leave = Leave {
                scope: scope.clone(),
                seq: change.seq,
                kind: change.key.kind.clone(),
                id: change.key.id,
            };
            write_line(&mut line, &ResponseLine::Leave(leave))?;
        }
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use waymark_domain::ids::uuid_v7;
    use waymark_domain::record::{Body, RecordKey};
    use waymark_protocol::response::Put;
    use waymark_protocol::snapshot::SnapshotPage;

    use super::*;

    fn change(record: Option<(u64, String)>) -> Change {
        Change {
            seq: 7,
            key: RecordKey {
                kind: Kind::new("visit"),
                id: RecordId::from_uuid(uuid_v7(1, [2; 10])),
            },
            record,
        }
    }

    fn put(scope: &Scope) -> Put {
        let body: Body = serde_json::from_str(r#"{"name":"a\nb","z":[1.5,null]}"#).unwrap();
        Put {
            scope: scope.clone(),
            seq: 7,
            kind: Kind::new("visit"),
            id: RecordId::from_uuid(uuid_v7(1, [2; 10])),
            rev: 3,
            body,
        }
    }

    #[test]
    fn a_raw_line_is_the_protocols_line() {
        let put = put(&Scope::POOL);
        let body = serde_json::to_string(&put.body).unwrap();
        let raw = change_line(&Scope::POOL, &change(Some((3, body)))).unwrap();
        let mut line = Vec::new();
        write_line(&mut line, &ResponseLine::Put(put)).unwrap();
        assert_eq!(raw, line);
    }

    #[test]
    fn a_raw_page_is_the_protocols_page() {
        let put = put(&Scope::POOL);
        let body = serde_json::to_string(&put.body).unwrap();
        let change = change(Some((3, body)));
        let raw_put = raw_put(&Scope::POOL, &change).unwrap().unwrap();
        let epoch = Epoch::from_uuid(uuid_v7(1, [3; 10]));
        let next = Some(PageToken::from(change.key.clone()));
        let raw = RawPage {
            epoch,
            pin: 9,
            puts: vec![serde_json::value::to_raw_value(&raw_put).unwrap()],
            next: next.clone(),
        };
        let page = SnapshotPage {
            epoch,
            pin: 9,
            puts: vec![put],
            next,
        };
        assert_eq!(
            serde_json::to_string(&raw).unwrap(),
            serde_json::to_string(&page).unwrap()
        );
    }
}
