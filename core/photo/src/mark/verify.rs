//! What a photo proves, with nothing but the company's public key.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::Serialize;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, TenantId};

use super::code::{self, Found, QUIET};
use super::digest::{self, LEVEL};
use super::payload::{self, Payload};
use super::statement::{Hashing, Position, Statement, picture_of};
use super::{Interval, Verdict, code_message, keys, vouch_message};
use crate::error::Error;
use crate::jpeg::{Segment, segments};
use crate::limits::MAX_FILE_BYTES;
use crate::planes::Plane;
use crate::reencode::{brightness, plane_means};
use crate::seal;
use crate::turn::Rect;

/// Farther outside its signed step a cell was edited, in 16ths of a level. Measured: `core/docs/photo.md` has the table.
const THRESHOLD: i32 = 3 * LEVEL;

/// With fewer cells a code says nothing about the picture.
const LEAST_CELLS: usize = 64;

/// The long side at which a picture is looked at, in pixels: no photo's modules are finer.
const LOOKED_AT: usize = 4096;

/// The most places that are named.
const MOST_PLACES: usize = 5;

/// What a photo came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// The picture, against what the device signed.
    pub picture: Picture,
    /// Whose device it was.
    pub vouched: Vouched,
    /// What the device said, where its signature is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
}

impl Checked {
    /// Whether the picture is what the device signed, or a smaller copy of it, and the company vouches for the device.
    #[must_use]
    pub const fn proven(&self) -> bool {
        matches!(self.vouched, Vouched::Yes)
            && matches!(
                self.picture,
                Picture::Authentic | Picture::PictureAuthentic | Picture::Recompressed { .. }
            )
    }
}

/// The picture, against what the device signed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Picture {
    /// Every byte of the file is as it was signed.
    Authentic,
    /// The picture is as it was signed, to the last bit; what stands beside it in the file is not.
    PictureAuthentic,
    /// Encoded anew or made smaller, and no cell looks different.
    Recompressed {
        /// What was measured.
        measure: Measure,
    },
    /// Some cells look different.
    Edited {
        /// What was measured.
        measure: Measure,
        /// Where, the largest first, at most five.
        places: Vec<Place>,
    },
    /// Most cells look different: a code from another picture, or a picture painted over.
    OtherPicture {
        /// What was measured.
        measure: Measure,
    },
    /// Cut, turned or stretched: what is left cannot be compared.
    Geometry {
        /// In what it differs.
        differs: Geometry,
        /// Width and height that were signed.
        signed: (usize, usize),
        /// Width and height that are there, of a picture of more than 4096 pixels as it is reduced to that.
        found: (usize, usize),
    },
    /// Not as it was signed, and no code on it that would tell what was done.
    Changed,
    /// There is a mark, and its signature is not that of the key that it names.
    SignatureWrong,
    /// There is a code of ours, and what it says cannot be.
    Unreadable,
    /// Several codes, of which none or more than one stands where it says it does.
    Several,
    /// Neither a statement in the file nor a code that can be read.
    NoMark,
}

/// In what a picture has another geometry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Geometry {
    /// Width against height.
    Proportions,
    /// Where the code stands.
    Place,
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Measure {
    /// Cells that were compared.
    pub cells: usize,
    /// Of these the ones that look different.
    pub different: usize,
    /// How far the brightness of a cell lies outside what was signed, at most, in 16ths of one of 256 levels.
    pub largest: i32,
    /// From how much on a cell counts as different, likewise.
    pub threshold: i32,
}

/// Where a picture was edited: the cells that look different and touch each other, in percent of its width and height, rounded outwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Place {
    /// From the left.
    pub left: usize,
    /// From the top.
    pub top: usize,
    /// From the left, too.
    pub right: usize,
    /// From the top, too.
    pub bottom: usize,
    /// How many cells.
    pub cells: usize,
}

impl Place {
    /// In which third of the width and of the height its middle lies: 0 left or top, 1 middle, 2 right or bottom.
    #[must_use]
    pub const fn thirds(&self) -> (usize, usize) {
        let (x, y) = (
            (self.left + self.right) * 3 / 200,
            (self.top + self.bottom) * 3 / 200,
        );
        (if x > 2 { 2 } else { x }, if y > 2 { 2 } else { y })
    }
}

/// Whether the company vouches for the device's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Vouched {
    /// It does.
    Yes,
    /// No company's key was given to check it with.
    NotChecked,
    /// The photo was made before the company had vouched for the device.
    Not,
    /// Another company does, or nobody.
    Wrong,
    /// Nothing is signed.
    Nothing,
}

/// What the device said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Said {
    /// The device.
    pub device: DeviceId,
    /// Its key: SEC 1 compressed, base64url without padding.
    pub device_key: String,
    /// When the photo was taken.
    pub time: Interval,
    /// What the check-in came to.
    pub verdict: Verdict,
    /// The device's last operation before it.
    pub n: u64,
    /// Its hash in hexadecimal digits: 64 from the file, the first 32 from the code.
    pub head: String,
    /// The company; only from the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// SHA-256 of the file that was stamped; only from the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original: Option<Hash>,
    /// Where it was taken; only from the file, and where it was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
}

/// Looks whether a photo is what a device signed. `company` is the company's public key, a P-256 point in SEC 1 compressed form; without it
/// nobody vouches for the device.
///
/// # Errors
/// [`Error`] when the file is no picture that can be read, or `company` is no key.
pub fn verify(data: &[u8], company: Option<&[u8; 33]>) -> Result<Checked, Error> {
    if data.len() > MAX_FILE_BYTES * 2 {
        return Err(Error::FileTooLarge(data.len()));
    }
    if company.is_some_and(|key| !keys::is_key(key)) {
        return Err(Error::CompanyKey);
    }
    let statements = Statements::of(data);
    if let Some((statement, picture)) = statements.kept {
        let vouched = match statement.key() {
            Some(key) => vouched(statement.device, &key, statement.vouch().as_ref(), company),
            None => Vouched::Wrong,
        };
        return Ok(Checked {
            picture,
            vouched,
            said: Some(said_in_file(statement)),
        });
    }
    let plane = brightness(data, LOOKED_AT)?;
    let codes = Codes::read(&code::find(&plane), &plane);
    let Some(payload) = codes.the_one() else {
        let picture = if !codes.signed.is_empty() {
            Picture::Several
        } else if codes.wrong || statements.wrong {
            Picture::SignatureWrong
        } else if codes.unreadable {
            Picture::Unreadable
        } else if statements.changed {
            Picture::Changed
        } else {
            Picture::NoMark
        };
        return Ok(Checked {
            picture,
            vouched: Vouched::Nothing,
            said: None,
        });
    };
    let (payload, differs) = payload;
    let picture = match differs {
        Some(differs) => Picture::Geometry {
            differs: *differs,
            signed: payload.size,
            found: (plane.width, plane.height),
        },
        None => judge(payload, &plane),
    };
    Ok(Checked {
        picture,
        vouched: vouched(
            payload.device,
            &payload.key,
            payload.vouch.as_ref(),
            company,
        ),
        said: Some(said_on_picture(payload)),
    })
}

fn vouched(
    device: DeviceId,
    key: &[u8; 33],
    vouch: Option<&[u8; 64]>,
    company: Option<&[u8; 33]>,
) -> Vouched {
    match (vouch, company) {
        (None, _) => Vouched::Not,
        (Some(_), None) => Vouched::NotChecked,
        (Some(vouch), Some(company)) => {
            if keys::verifies(company, &vouch_message(device, key), vouch) {
                Vouched::Yes
            } else {
                Vouched::Wrong
            }
        }
    }
}

fn said_in_file(statement: Statement) -> Said {
    Said {
        device: statement.device,
        time: statement.time(),
        device_key: statement.device_key,
        verdict: statement.verdict,
        n: statement.n,
        head: statement.head.to_string(),
        tenant: Some(statement.tenant),
        original: Some(statement.original),
        position: statement.position,
    }
}

fn said_on_picture(payload: &Payload) -> Said {
    Said {
        device: payload.device,
        device_key: BASE64URL_NOPAD.encode(&payload.key),
        time: payload.time,
        verdict: payload.verdict,
        n: payload.head.n,
        head: HEXLOWER.encode(&payload.head.hash),
        tenant: None,
        original: None,
        position: None,
    }
}

/// The statements in a file.
#[derive(Default)]
struct Statements {
    /// The one that the file, or at least its picture, still keeps to.
    kept: Option<(Statement, Picture)>,
    /// One is signed, and says something else.
    changed: bool,
    /// One is not signed by the key that it names.
    wrong: bool,
}

impl Statements {
    fn of(data: &[u8]) -> Self {
        let mut found = Self::default();
        let Ok(segments) = segments(data) else {
            return found;
        };
        let picture = std::cell::OnceCell::new();
        // more than one is nobody's habit
        for (segment, body) in seal::marks(data, &segments).take(4) {
            match Statement::read(body) {
                Some((statement, true)) => {
                    if without(data, segment) == Some(statement.file) {
                        found.kept = Some((statement, Picture::Authentic));
                        return found;
                    }
                    let picture = picture.get_or_init(|| picture_of(data));
                    if *picture == Some(statement.picture) {
                        found.kept = Some((statement, Picture::PictureAuthentic));
                    } else {
                        found.changed = true;
                    }
                }
                Some((_, false)) | None => found.wrong = true,
            }
        }
        found
    }
}

/// SHA-256 of a file without a segment.
fn without(data: &[u8], segment: &Segment) -> Option<Hash> {
    let mut hashing = Hashing::new();
    hashing.add(data.get(..segment.whole.start)?);
    hashing.add(data.get(segment.whole.end..)?);
    Some(hashing.done())
}

/// The codes on a picture.
#[derive(Default)]
struct Codes {
    /// Signed ones, and in what the picture differs from what they say of its geometry.
    signed: Vec<(Payload, Option<Geometry>)>,
    wrong: bool,
    unreadable: bool,
}

impl Codes {
    fn read(found: &[Found], plane: &Plane) -> Self {
        let mut codes = Self::default();
        for found in found {
            let read = payload::from_text(&found.text)
                .and_then(|bytes| Payload::read(&bytes).map(|read| (bytes, read)));
            let Ok((bytes, (payload, signature))) = read else {
                codes.unreadable = true;
                continue;
            };
            let signed = bytes.len().saturating_sub(signature.len());
            let message = code_message(bytes.get(..signed).unwrap_or_default());
            if !keys::verifies(&payload.key, &message, &signature) {
                codes.wrong = true;
            } else if payload.means.len() < LEAST_CELLS || !covers_little(&payload) {
                codes.unreadable = true;
            } else {
                let differs = geometry(&payload, found, (plane.width, plane.height));
                codes.signed.push((payload, differs));
            }
        }
        codes
    }

    /// The only one, or the only one that stands where it says: a photo may show another photo.
    fn the_one(&self) -> Option<&(Payload, Option<Geometry>)> {
        if let [only] = self.signed.as_slice() {
            return Some(only);
        }
        let mut in_place = self.signed.iter().filter(|(_, differs)| differs.is_none());
        in_place.next().filter(|_| in_place.next().is_none())
    }
}

/// A band leaves at least half of the picture.
const fn covers_little(payload: &Payload) -> bool {
    payload.band.width() * payload.band.height() * 2 <= payload.size.0 * payload.size.1
}

/// In what a picture of this size differs from what its code says of it.
fn geometry(payload: &Payload, found: &Found, size: (usize, usize)) -> Option<Geometry> {
    let (width, height) = (size.0 as f64, size.1 as f64);
    let signed = (payload.size.0 as f64, payload.size.1 as f64);
    // each side of a smaller picture is rounded to a pixel
    let fits = (width * signed.1 / signed.0 - height).abs() <= 1.5
        || (height * signed.0 / signed.1 - width).abs() <= 1.5;
    if !fits {
        return Some(Geometry::Proportions);
    }
    let side = payload.module * code::MODULES;
    let (left, top) = (
        payload.code.0 + QUIET * payload.module,
        payload.code.1 + QUIET * payload.module,
    );
    let corners = [
        (left, top),
        (left + side, top),
        (left + side, top + side),
        (left, top + side),
    ];
    // the middle of a finder's edge is found to within a module, and a pixel of the smaller picture
    let module = payload.module as f64 * 2.0;
    let near = (
        module / signed.0 + 2.0 / width,
        module / signed.1 + 2.0 / height,
    );
    let stands = corners.iter().zip(found.corners).all(|(corner, found)| {
        (corner.0 as f64 / signed.0 - found.0).abs() <= near.0
            && (corner.1 as f64 / signed.1 - found.1).abs() <= near.1
    });
    (!stands).then_some(Geometry::Place)
}

/// Compares a picture with its code, cell by cell.
fn judge(payload: &Payload, plane: &Plane) -> Picture {
    let cells = payload.cells();
    let means = plane_means(plane, &cells);
    let deviations = digest::deviations(&payload.means, &means);
    let different: Vec<Rect> = cells
        .rects()
        .zip(&deviations)
        .filter(|(_, deviation)| **deviation > THRESHOLD)
        .map(|(rect, _)| rect)
        .collect();
    let measure = Measure {
        cells: deviations.len(),
        different: different.len(),
        largest: deviations.iter().copied().max().unwrap_or(0),
        threshold: THRESHOLD,
    };
    if different.is_empty() {
        Picture::Recompressed { measure }
    } else if measure.different * 2 > measure.cells {
        Picture::OtherPicture { measure }
    } else {
        Picture::Edited {
            measure,
            places: places(different, payload.size),
        }
    }
}

/// Cells that touch each other as places.
fn places(mut cells: Vec<Rect>, (width, height): (usize, usize)) -> Vec<Place> {
    let mut places = Vec::new();
    while let Some(first) = cells.pop() {
        let mut whole = first;
        let mut group = vec![first];
        let mut at = 0;
        while let Some(cell) = group.get(at).copied() {
            at += 1;
            let touches = |other: &mut Rect| {
                other.left <= cell.right
                    && cell.left <= other.right
                    && other.top <= cell.bottom
                    && cell.top <= other.bottom
            };
            for next in cells.extract_if(.., touches) {
                whole = Rect {
                    left: whole.left.min(next.left),
                    top: whole.top.min(next.top),
                    right: whole.right.max(next.right),
                    bottom: whole.bottom.max(next.bottom),
                };
                group.push(next);
            }
        }
        places.push(Place {
            left: whole.left * 100 / width,
            top: whole.top * 100 / height,
            right: (whole.right * 100).div_ceil(width),
            bottom: (whole.bottom * 100).div_ceil(height),
            cells: group.len(),
        });
    }
    places.sort_by_key(|place| (std::cmp::Reverse(place.cells), place.top, place.left));
    places.truncate(MOST_PLACES);
    places
}
