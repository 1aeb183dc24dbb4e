//! Customers from a file: all rows or none.

mod csv_file;
mod geojson_file;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;
use waymark_domain::customer::Customer;
use waymark_domain::geo::{Datum, Position};
use waymark_domain::ids::{CustomerId, UserId};
use waymark_domain::op::Draft;
use waymark_domain::record::{Role, SyncRecord as _};
use waymark_store::Unit;

use crate::error::{ErrorCode, WaymarkError};
use crate::lang::Lang;
use crate::waymark::Waymark;

/// Largest file, bytes: 20,000 customers at 500 bytes, ten times over.
const MAX_FILE: u64 = 100 * 1024 * 1024;

/// Most rows of one import; they are saved in one transaction.
const MAX_ROWS: usize = 50_000;

/// Most wrong rows that are listed.
const MAX_WRONG: usize = 100;

/// What to import.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// A `.csv`, or a `.geojson` or `.json` with a feature collection.
    pub path: PathBuf,
    /// The datum of the coordinates. GeoJSON is WGS-84 by its standard (RFC 7946 §4).
    pub datum: Option<Datum>,
    /// Whose the customers are to be. When absent, a rep's are the rep's own, a manager's go to the pool.
    pub owner: Option<UserId>,
    /// Only look, save nothing.
    pub dry_run: bool,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Rows read.
    pub rows: usize,
    /// Customers made; 0 when any row is wrong.
    pub imported: usize,
    /// Rows whose `external` identity is here already; left as they are.
    pub already_here: usize,
    /// What is wrong with which row.
    pub wrong: Vec<WrongRow>,
}

/// A row that cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WrongRow {
    /// Line of a CSV file, the header being 1; number of a GeoJSON feature, the first being 1.
    pub row: u64,
    /// The column or property.
    pub column: String,
    /// What is wrong.
    pub why: Wrong,
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// Empty where it must not be.
    Required,
    /// Over its limit.
    TooLong,
    /// Not a coordinate: a number of degrees within its range.
    NotACoordinate,
    /// Latitude without longitude, or the other way round.
    HalfAPosition,
    /// The identity stands in another row of the file too.
    Twice,
    /// Not text in UTF-8, or not as many columns as the header.
    Unreadable,
    /// Not a feature with a point.
    NotAPoint,
    /// Anything else that the rules for customers refuse.
    Refused,
}

impl Wrong {
    /// What is wrong, in words.
    #[must_use]
    pub const fn text(self, lang: Lang) -> &'static str {
        match self {
            Self::Required => lang.pick("is empty", "为空"),
            Self::TooLong => lang.pick("is too long", "过长"),
            Self::NotACoordinate => {
                lang.pick("is not a coordinate in degrees", "不是以度表示的坐标")
            }
            Self::HalfAPosition => {
                lang.pick("needs both latitude and longitude", "经纬度必须同时填写")
            }
            Self::Twice => lang.pick("stands in an earlier row too", "与前面的行重复"),
            Self::Unreadable => lang.pick("cannot be read", "无法读取"),
            Self::NotAPoint => lang.pick("is not a point", "不是点"),
            Self::Refused => lang.pick("is not allowed", "不允许"),
        }
    }
}

/// One row, read.
struct Row {
    number: u64,
    customer: Result<Customer, (String, Wrong)>,
}

impl Waymark {
    /// Imports customers: all rows in one transaction, or nothing when any row is wrong.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] when the file as a whole does not read or its datum is not stated, [`ErrorCode::Io`], and what saving may
    /// say. Wrong rows are no error but in the report.
    pub fn import_customers(&self, request: &ImportRequest) -> Result<ImportReport, WaymarkError> {
        let mut rows = read(request)?;
        let mut report = ImportReport {
            rows: rows.len(),
            imported: 0,
            already_here: 0,
            wrong: Vec::new(),
        };
        mark_wrong(&mut rows, &mut report);
        if !report.wrong.is_empty() {
            return Ok(report);
        }
        let known = self.known_externals()?;
        let me = self.me()?;
        let owner = request.owner.or((me.role == Role::Rep).then_some(me.user));
        let mut units = Vec::with_capacity(rows.len());
        for mut customer in rows.into_iter().filter_map(|row| row.customer.ok()) {
            if customer
                .external
                .as_ref()
                .is_some_and(|external| known.contains(external))
            {
                report.already_here += 1;
                continue;
            }
            customer.owner = owner;
            units.push(Unit::One(Draft::new(
                CustomerId::from_uuid(self.new_id()),
                &customer,
            )?));
        }
        report.imported = units.len();
        if !request.dry_run && !units.is_empty() {
            self.commit(units)?;
        }
        Ok(report)
    }
}

fn read(request: &ImportRequest) -> Result<Vec<Row>, WaymarkError> {
    let size = std::fs::metadata(&request.path)?.len();
    if size > MAX_FILE {
        return Err(WaymarkError::new(
            ErrorCode::InvalidInput,
            format!("file over {MAX_FILE} bytes"),
        ));
    }
    let bytes = std::fs::read(&request.path)?;
    let rows = match extension(&request.path).as_str() {
        "csv" => {
            let datum = request.datum.ok_or(WaymarkError::new(
                ErrorCode::InvalidInput,
                "datum: wgs84, gcj02 or bd09",
            ))?;
            csv_file::read(&bytes, datum)?
        }
        "geojson" | "json" => {
            if request.datum.is_some_and(|datum| datum != Datum::Wgs84) {
                return Err(WaymarkError::new(
                    ErrorCode::InvalidInput,
                    "datum: GeoJSON is WGS-84 (RFC 7946)",
                ));
            }
            geojson_file::read(&bytes)?
        }
        _ => {
            return Err(WaymarkError::new(
                ErrorCode::InvalidInput,
                "file: .csv, .geojson or .json",
            ));
        }
    };
    if rows.len() > MAX_ROWS {
        return Err(WaymarkError::new(
            ErrorCode::InvalidInput,
            format!("over {MAX_ROWS} rows"),
        ));
    }
    Ok(rows)
}

fn extension(path: &Path) -> String {
    path.extension()
        .map(|extension| extension.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default()
}

/// Checks each customer by the rules that the server will apply, and identities within the file.
fn mark_wrong(rows: &mut [Row], report: &mut ImportReport) {
    let mut seen = BTreeSet::new();
    for row in rows {
        let wrong = match &row.customer {
            Err((column, why)) => Some((column.clone(), *why)),
            Ok(customer) => customer.check().err().map(|refusal| {
                use waymark_domain::refusal::Code;
                let why = match refusal.code {
                    Code::Required => Wrong::Required,
                    Code::TooLong => Wrong::TooLong,
                    _ => Wrong::Refused,
                };
                (refusal.fields.into_iter().next().unwrap_or_default(), why)
            }),
        };
        let external = row
            .customer
            .as_ref()
            .ok()
            .and_then(|customer| customer.external.clone());
        let twice = external.is_some_and(|external| !seen.insert(external));
        let wrong = wrong.or(twice.then(|| ("id".to_owned(), Wrong::Twice)));
        if let Some((column, why)) = wrong
            && report.wrong.len() < MAX_WRONG
        {
            report.wrong.push(WrongRow {
                row: row.number,
                column,
                why,
            });
        }
    }
}

/// A position from two texts; `None` when both are empty.
fn position(lat: &str, lon: &str, datum: Datum) -> Result<Option<Position>, (String, Wrong)> {
    let degrees = |column: &str, text: &str| {
        text.parse::<f64>()
            .map_err(|_| (column.to_owned(), Wrong::NotACoordinate))
    };
    match (lat.trim(), lon.trim()) {
        ("", "") => Ok(None),
        ("", _) => Err(("lat".to_owned(), Wrong::HalfAPosition)),
        (_, "") => Err(("lon".to_owned(), Wrong::HalfAPosition)),
        (lat, lon) => {
            let (lat, lon) = (degrees("lat", lat)?, degrees("lon", lon)?);
            let wrong_column = if lat.abs() <= 90.0 { "lon" } else { "lat" };
            let position = Position::new(datum, lat, lon);
            position
                .map(Some)
                .map_err(|_| (wrong_column.to_owned(), Wrong::NotACoordinate))
        }
    }
}

fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
