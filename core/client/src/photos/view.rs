//! A photo, as it is shown.

use std::path::PathBuf;

use serde::Serialize;
use waymark_domain::ids::{CustomerId, PhotoId, UserId, VisitId};
use waymark_domain::photo::layer::Layer;
use waymark_domain::photo::signals::{Signal, signals};
use waymark_domain::photo::{Original, Photo, Place, Source, State};
use waymark_domain::time::TimeInterval;
use waymark_store::{BlobRow, BlobState, Row};

use super::Photos;
use crate::error::WaymarkError;

/// A photo, as a screen shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhotoView {
    /// The photo.
    pub id: PhotoId,
    /// Its number among the photos of its author on the device that took it.
    pub number: u32,
    /// Who took it.
    pub rep: UserId,
    /// The customer that it is of.
    pub customer: CustomerId,
    /// The customer's name; empty when the customer is no longer here.
    pub customer_name: String,
    /// The visit during which it was taken.
    pub visit: Option<VisitId>,
    /// What it is to show.
    pub slot: String,
    /// In its author's own words.
    pub caption: Option<String>,
    /// Where it comes from.
    pub source: Source,
    /// When it was taken; of one that was brought from elsewhere, when it was brought.
    pub at: TimeInterval,
    /// Local time minus UTC there and then, minutes.
    pub tz: i16,
    /// Where it was taken. Absent for another's photo: looking at another's position takes a purpose.
    pub place: Option<Place>,
    /// The original: its hash, length, kind and size.
    pub original: Original,
    /// The file of the original, where it is here as it was taken.
    pub path: Option<PathBuf>,
    /// The file of the small stamped picture, where it is here.
    pub preview: Option<PathBuf>,
    /// Why none could be made; known when the photo is saved, later only that there is none.
    pub no_preview: Option<NoPreview>,
    /// Where the picture is.
    pub file: FileState,
    /// What is drawn over it.
    pub layer: Option<Layer>,
    /// Whether it stands.
    pub state: State,
    /// Other photos whose picture is the same, byte for byte, the earliest first.
    pub same_as: Vec<PhotoId>,
    /// What is noticed about it. None of it refuses or alters anything.
    pub signals: Vec<Signal>,
    /// Whether the server has not spoken about it yet.
    pub pending: bool,
}

/// Where the picture of a photo is, as far as is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// On this phone.
    Here,
    /// On the phone that took it.
    Elsewhere,
    /// It was here, and its file is gone.
    Missing,
    /// It was here, and its file has other bytes now.
    Altered,
}

/// Why a photo has no preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoPreview {
    /// Too small for a stamp.
    TooSmall,
    /// Too many pixels to be decoded here.
    TooLarge,
    /// Damaged.
    Damaged,
    /// Anything else.
    Other,
}

impl Photos {
    pub(super) fn views(&self, rows: Vec<Row<Photo>>) -> Result<Vec<PhotoView>, WaymarkError> {
        rows.into_iter().map(|row| self.shown(row)).collect()
    }

    pub(super) fn shown(&self, row: Row<Photo>) -> Result<PhotoView, WaymarkError> {
        let photo = row.record;
        let original = photo.original.file.sha256;
        let (customer, file, small, same, before) = self.0.read(|reader| {
            let small = match &photo.preview {
                Some(preview) => reader.blob(preview.sha256)?,
                None => None,
            };
            Ok((
                reader.customer(photo.customer)?,
                reader.blob(original)?,
                small,
                reader.photos_with(original)?,
                reader.photo_before(photo.rep, photo.at.best_ms())?,
            ))
        })?;
        let here = |row: Option<BlobRow>| {
            let row = row.filter(|row| row.state == BlobState::Local)?;
            Some(self.files().ok()?.absolute(&row.path))
        };
        let state = match file.as_ref().map(|row| row.state) {
            None => FileState::Elsewhere,
            Some(BlobState::Local) => FileState::Here,
            Some(BlobState::Missing) => FileState::Missing,
            Some(BlobState::Altered) => FileState::Altered,
        };
        let id = PhotoId::from(row.id);
        let before = before.as_ref().map(|row| (row.id.into(), &row.record));
        let signals = signals(&photo, before);
        let same_as = same.into_iter().map(|row| PhotoId::from(row.id));
        Ok(PhotoView {
            id,
            number: photo.number,
            rep: photo.rep,
            customer: photo.customer,
            customer_name: customer.map(|row| row.record.name).unwrap_or_default(),
            visit: photo.visit,
            slot: photo.slot,
            caption: photo.caption,
            source: photo.source,
            at: photo.at,
            tz: photo.tz,
            place: (photo.rep == self.0.user()?).then_some(photo.place),
            no_preview: photo.preview.is_none().then_some(NoPreview::Other),
            original: photo.original,
            path: here(file),
            preview: here(small),
            file: state,
            layer: photo.layer,
            signals,
            state: photo.state,
            same_as: same_as.filter(|other| *other != id).collect(),
            pending: row.pending > 0,
        })
    }
}
