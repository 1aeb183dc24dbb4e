//! CSV: UTF-8 with or without a byte order mark, a header line, columns in any order. `name` is needed; `id`, `lat`, `lon`, `address`,
//! `phone`, `category`, `opening_hours` and `tags` (separated by `;`) are understood; others are left out.

use csv::{ReaderBuilder, StringRecord};
use waymark_domain::customer::Customer;
use waymark_domain::geo::Datum;

use super::{Row, Wrong, filled, position};
use crate::error::{ErrorCode, WaymarkError};

pub(super) fn read(bytes: &[u8], datum: Datum) -> Result<Vec<Row>, WaymarkError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(bytes);
    let header = reader
        .headers()
        .map_err(|_| WaymarkError::new(ErrorCode::InvalidInput, "header line: not UTF-8"))?;
    let header: Vec<String> = header
        .iter()
        .map(|name| name.trim().to_lowercase())
        .collect();
    if !header.iter().any(|name| name == "name") {
        return Err(WaymarkError::new(
            ErrorCode::InvalidInput,
            "header line: no column `name`",
        ));
    }
    let mut rows = Vec::new();
    let mut record = StringRecord::new();
    loop {
        let number = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(rows),
            Ok(true) => {
                let number = record.position().map_or(number, csv::Position::line);
                rows.push(Row {
                    number,
                    customer: customer(&header, &record, datum),
                });
            }
            Err(_) => rows.push(Row {
                number,
                customer: Err((String::new(), Wrong::Unreadable)),
            }),
        }
        if rows.len() > super::MAX_ROWS {
            return Ok(rows);
        }
    }
}

fn customer(
    header: &[String],
    record: &StringRecord,
    datum: Datum,
) -> Result<Customer, (String, Wrong)> {
    if record.len() != header.len() {
        return Err((String::new(), Wrong::Unreadable));
    }
    let cell = |name: &str| {
        let column = header.iter().position(|column| column == name);
        column
            .and_then(|column| record.get(column))
            .unwrap_or_default()
    };
    Ok(Customer {
        position: position(cell("lat"), cell("lon"), datum)?,
        address: filled(cell("address")),
        phone: filled(cell("phone")),
        category: filled(cell("category")),
        hours: filled(cell("opening_hours")),
        external: filled(cell("id")),
        tags: cell("tags").split(';').filter_map(filled).collect(),
        ..Customer::named(cell("name").trim())
    })
}
