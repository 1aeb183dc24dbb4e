//! Reading rows from the pages of a database file, past SQLite: <https://www.sqlite.org/fileformat2.html>.
//!
//! Nothing in the file is believed: every offset is checked, every chain of pages is bounded, and what comes out is believed only where a
//! hash proves it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The page size of every file that this crate makes.
const PAGE_SIZE: usize = 4096;

/// Most bytes of one row: more than the largest operation with its frame.
const MAX_ROW: usize = 4 * waymark_domain::op::MAX_OP_BYTES;

/// A page of rows of a table.
const TABLE_LEAF: u8 = 0x0d;
/// A page of rows of a table without row ids.
const INDEX_LEAF: u8 = 0x0a;

/// A column's value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Int(i64),
    Real,
    Text(String),
    Blob(Vec<u8>),
}

/// Every row that is found on a leaf page, as its columns.
pub(super) fn rows(damaged: &Path) -> Vec<Vec<Value>> {
    let pages = Pages::read(damaged);
    let mut rows = Vec::new();
    for page in pages.all() {
        rows.extend(pages.rows_of(page));
    }
    rows
}

/// The pages of a file, those of its log in their place.
struct Pages {
    file: Vec<u8>,
    logged: BTreeMap<usize, Vec<u8>>,
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let word: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(u32::from_be_bytes(word))
}

fn be16(bytes: &[u8], at: usize) -> Option<usize> {
    let word: [u8; 2] = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
    Some(usize::from(u16::from_be_bytes(word)))
}

/// A variable-length integer, and where it ends.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for i in 0..9 {
        let byte = *bytes.get(at.checked_add(i)?)?;
        if i == 8 {
            return Some(((value << 8) | u64::from(byte), at + 9));
        }
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((value, at + i + 1));
        }
    }
    None
}

fn size(n: u64) -> Option<usize> {
    usize::try_from(n).ok()
}

impl Pages {
    fn read(damaged: &Path) -> Self {
        let file = fs::read(damaged).unwrap_or_default();
        let mut log = damaged.as_os_str().to_owned();
        log.push("-wal");
        let log = fs::read(PathBuf::from(log)).unwrap_or_default();
        Self {
            file,
            logged: committed_pages(&log).unwrap_or_default(),
        }
    }

    /// Every page, from the second: the first is the schema's.
    fn all(&self) -> impl Iterator<Item = &[u8]> {
        let in_file = self.file.len() / PAGE_SIZE;
        let last = self.logged.keys().next_back().copied().unwrap_or(0);
        (2..=in_file.max(last)).filter_map(|number| self.page(number))
    }

    /// A page by its number, from 1.
    fn page(&self, number: usize) -> Option<&[u8]> {
        if let Some(page) = self.logged.get(&number) {
            return Some(page);
        }
        let begin = number.checked_sub(1)?.checked_mul(PAGE_SIZE)?;
        self.file.get(begin..begin.checked_add(PAGE_SIZE)?)
    }

    fn rows_of(&self, page: &[u8]) -> Vec<Vec<Value>> {
        let kind = page.first().copied().unwrap_or(0);
        if kind != TABLE_LEAF && kind != INDEX_LEAF {
            return Vec::new();
        }
        let cells = be16(page, 3).unwrap_or(0).min(PAGE_SIZE / 4);
        let listed = (0..cells).map(|i| self.row(page, kind, be16(page, 8 + 2 * i)?));
        let mut rows = Vec::with_capacity(cells);
        let mut strays = false;
        for row in listed {
            strays |= row.is_none();
            rows.extend(row);
        }
        if strays {
            // the row may be whole, and only the list of where the rows are may be hurt: it is looked for at every place
            let anywhere = 8 + 2 * cells..page.len();
            rows.extend(anywhere.filter_map(|start| self.row(page, kind, start)));
        }
        rows
    }

    fn row(&self, page: &[u8], kind: u8, start: usize) -> Option<Vec<Value>> {
        let (total, mut at) = varint(page, start)?;
        let total = size(total).filter(|total| *total <= MAX_ROW)?;
        if kind == TABLE_LEAF {
            (_, at) = varint(page, at)?;
        }
        let payload = self.payload(page, kind, at, total)?;
        columns(&payload)
    }

    /// A row's bytes, from its page and the chain of pages that it overflows to.
    fn payload(&self, page: &[u8], kind: u8, at: usize, total: usize) -> Option<Vec<u8>> {
        let usable = PAGE_SIZE;
        let most = if kind == TABLE_LEAF {
            usable - 35
        } else {
            (usable - 12) * 64 / 255 - 23
        };
        if total <= most {
            return page.get(at..at.checked_add(total)?).map(<[u8]>::to_vec);
        }
        let least = (usable - 12) * 32 / 255 - 23;
        let fitting = least + (total - least) % (usable - 4);
        let here = if fitting <= most { fitting } else { least };
        let end = at.checked_add(here)?;
        let mut payload = page.get(at..end)?.to_vec();
        let mut next = be32(page, end)?;
        while payload.len() < total {
            let overflow = self.page(usize::try_from(next).ok()?)?;
            let missing = (total - payload.len()).min(usable - 4);
            payload.extend_from_slice(overflow.get(4..4 + missing)?);
            next = be32(overflow, 0)?;
        }
        Some(payload)
    }
}

/// Takes a record apart. `None` when its header contradicts its length.
fn columns(payload: &[u8]) -> Option<Vec<Value>> {
    let (header, mut at) = varint(payload, 0)?;
    let header = size(header).filter(|header| *header <= payload.len())?;
    let mut body = header;
    let mut values = Vec::new();
    while at < header {
        let (serial, next) = varint(payload, at)?;
        at = next;
        let len = match serial {
            0 | 8 | 9 => 0,
            1..=4 => size(serial)?,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => size((serial - 12) / 2)?,
        };
        let bytes = payload.get(body..body.checked_add(len)?)?;
        body += len;
        values.push(match serial {
            0 => Value::Null,
            7 => Value::Real,
            8 => Value::Int(0),
            9 => Value::Int(1),
            1..=6 => Value::Int(integer(bytes)),
            _ if serial % 2 == 0 => Value::Blob(bytes.to_vec()),
            _ => Value::Text(String::from_utf8(bytes.to_vec()).ok()?),
        });
    }
    Some(values)
}

/// A big-endian integer in two's complement.
fn integer(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|first| *first >= 0x80);
    let start = if negative { -1 } else { 0 };
    bytes
        .iter()
        .fold(start, |value: i64, byte| (value << 8) | i64::from(*byte))
}

/// The pages of a write-ahead log that belong to committed transactions, the latest of each. `None` when the log's header is not whole.
fn committed_pages(log: &[u8]) -> Option<BTreeMap<usize, Vec<u8>>> {
    const HEADER: usize = 32;
    const FRAME: usize = 24;
    let magic = be32(log, 0)?;
    let big_endian = match magic {
        0x377f_0682 => false,
        0x377f_0683 => true,
        _ => return None,
    };
    let salts = log.get(16..24)?;
    let mut sum = checksum(log.get(..24)?, big_endian, (0, 0));
    if sum != (be32(log, 24)?, be32(log, 28)?) || be32(log, 8)? != u32::try_from(PAGE_SIZE).ok()? {
        return None;
    }
    let (mut committed, mut open) = (BTreeMap::new(), Vec::new());
    let mut at = HEADER;
    while let Some(frame) = log.get(at..at + FRAME + PAGE_SIZE) {
        let (head, page) = frame.split_at(FRAME);
        sum = checksum(head.get(..8)?, big_endian, sum);
        sum = checksum(page, big_endian, sum);
        if head.get(8..16)? != salts || sum != (be32(head, 16)?, be32(head, 20)?) {
            break;
        }
        open.push((usize::try_from(be32(head, 0)?).ok()?, page.to_vec()));
        if be32(head, 4)? != 0 {
            committed.extend(open.drain(..));
        }
        at += FRAME + PAGE_SIZE;
    }
    Some(committed)
}

fn checksum(bytes: &[u8], big_endian: bool, start: (u32, u32)) -> (u32, u32) {
    let word = |bytes: &[u8]| -> u32 {
        let word: [u8; 4] = bytes.try_into().unwrap_or_default();
        if big_endian {
            u32::from_be_bytes(word)
        } else {
            u32::from_le_bytes(word)
        }
    };
    let (mut a, mut b) = start;
    for pair in bytes.chunks_exact(8) {
        let (first, second) = pair.split_at(4);
        a = a.wrapping_add(word(first)).wrapping_add(b);
        b = b.wrapping_add(word(second)).wrapping_add(a);
    }
    (a, b)
}
