//! What a start finds: slots that no photo came of, files that nobody knows, records whose file is not what it was. Nothing with a picture in
//! it is ever deleted here.

use std::collections::BTreeSet;

use serde::Serialize;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{CustomerId, PhotoId, VisitId};
use waymark_domain::photo::{ORIGINAL, PREVIEW};
use waymark_domain::time::UnixMs;
use waymark_store::{BlobRow, BlobState, Capture as Slot, CaptureState};

use super::files::{Files, Found};
use super::{Photos, Purpose, blob};
use crate::error::{ErrorCode, WaymarkError};

/// How long an empty slot keeps its file: the camera may still be open in front of an app that was started anew behind it.
const EMPTY_FOR_MS: i64 = 24 * 3_600_000;

/// A slot with a picture in it that is no photo yet.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SlotView {
    /// The slot; the photo, once it is kept.
    pub id: PhotoId,
    /// When its file was written last, or it was opened, by this device's wall clock.
    pub at_ms: UnixMs,
    /// The file's length, bytes.
    pub len: u64,
    /// Its customer; absent when nobody knows.
    pub customer: Option<CustomerId>,
    /// The customer's name; empty when it is not known here.
    pub customer_name: String,
    /// Its visit.
    pub visit: Option<VisitId>,
    /// What it was to show; absent when nobody knows.
    pub slot: Option<String>,
    /// In the rep's own words.
    pub caption: Option<String>,
    /// Whether no slot was written for it: a file that lay in the folder.
    pub found: bool,
}

/// What a look around found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReconcileReport {
    /// Empty slots that were closed.
    pub closed: u64,
    /// Files that no slot was written for, and that are slots now.
    pub found: u64,
    /// Files of photos whose row was lost, and that were known by their hash.
    pub restored: u64,
    /// Photos whose file is gone.
    pub missing: Vec<PhotoId>,
    /// Photos whose file has other bytes than were taken.
    pub altered: Vec<PhotoId>,
}

impl Photos {
    /// Slots with a picture in them that is no photo yet, the oldest first. [`Self::recover`] keeps one, [`Self::discard`] throws it away.
    ///
    /// # Errors
    /// What reading may say.
    pub fn slots(&self) -> Result<Vec<SlotView>, WaymarkError> {
        let Some(files) = self.existing()? else {
            return Ok(Vec::new());
        };
        let mut views = Vec::new();
        for slot in self.0.read(|reader| reader.captures())? {
            let Some((path, len)) = self.file_of(&files, &slot)? else {
                continue;
            };
            let purpose: Option<Purpose> = slot
                .purpose
                .as_deref()
                .and_then(|text| serde_json::from_str(text).ok());
            let customer = match &purpose {
                Some(purpose) => self.0.read(|reader| reader.customer(purpose.customer))?,
                None => None,
            };
            views.push(SlotView {
                id: slot.id,
                at_ms: files.written_ms(&path).unwrap_or(slot.begun_ms),
                len,
                customer: purpose.as_ref().map(|purpose| purpose.customer),
                customer_name: customer.map(|row| row.record.name).unwrap_or_default(),
                visit: purpose.as_ref().and_then(|purpose| purpose.visit),
                slot: purpose.as_ref().map(|purpose| purpose.slot.clone()),
                caption: purpose.and_then(|purpose| purpose.caption),
                found: slot.state == CaptureState::Found,
            });
        }
        Ok(views)
    }

    /// Photos whose file was found to be gone from this phone, or to have other bytes than were taken. Their records stay.
    ///
    /// # Errors
    /// What reading may say.
    pub fn troubles(&self) -> Result<Vec<PhotoId>, WaymarkError> {
        let photos = self.0.read(|reader| {
            let rows = reader.blobs()?.into_iter();
            let wrong = rows.filter(|row| row.role == ORIGINAL && row.state != BlobState::Local);
            let photos = wrong.map(|row| reader.photos_with(row.sha256));
            photos.collect::<Result<Vec<_>, _>>()
        })?;
        let photos = photos.into_iter().flatten();
        Ok(photos.map(|row| PhotoId::from(row.id)).collect())
    }

    /// Brings slots, files and rows together. Every start does it; with `every_byte` all originals are read and compared with their hashes,
    /// else their lengths alone.
    ///
    /// # Errors
    /// What reading and writing may say; what was done before stays done, and the next start goes on.
    pub fn reconcile(&self, every_byte: bool) -> Result<ReconcileReport, WaymarkError> {
        let mut report = ReconcileReport::default();
        let Some(files) = self.existing()?.filter(|_| !self.0.is_push_only()) else {
            return Ok(report);
        };
        let _one = self.0.one_photo();
        self.look_at_slots(&files, &mut report)?;
        self.look_at_inbox(&files, &mut report)?;
        self.look_at_originals(&files, &mut report)?;
        self.look_at_previews(&files)?;
        self.look_at_rows(&files, every_byte, &mut report)?;
        Ok(report)
    }

    fn existing(&self) -> Result<Option<Files>, WaymarkError> {
        match self.files() {
            Ok(files) => Ok(Some(files).filter(Files::exists)),
            Err(error) if error.code == ErrorCode::Unsupported => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn look_at_slots(
        &self,
        files: &Files,
        report: &mut ReconcileReport,
    ) -> Result<(), WaymarkError> {
        let now = self.0.reading().wall_ms;
        let store = &self.0.0.store;
        for slot in self.0.read(|reader| reader.captures())? {
            let filled = self.file_of(files, &slot)?.is_some();
            let age = now.saturating_sub(slot.begun_ms).saturating_abs();
            match (filled, slot.state) {
                (true, CaptureState::Closed) => {
                    // the camera was still open when the slot was closed
                    store.set_capture_state(slot.id, CaptureState::Open)?;
                }
                (false, CaptureState::Open) => {
                    store.set_capture_state(slot.id, CaptureState::Closed)?;
                    report.closed += 1;
                }
                (false, CaptureState::Closed | CaptureState::Found) if age > EMPTY_FOR_MS => {
                    files.remove(&slot.path)?;
                    store.end_capture(slot.id)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Files of slots that nobody wrote down, and what is left of a photo that was saved.
    fn look_at_inbox(
        &self,
        files: &Files,
        report: &mut ReconcileReport,
    ) -> Result<(), WaymarkError> {
        let slots = self.0.read(|reader| reader.captures())?;
        let known: BTreeSet<&str> = slots.iter().map(|slot| slot.path.as_str()).collect();
        for file in files.inbox()? {
            if known.contains(file.path.as_str()) {
                continue;
            }
            let saved = match named(&file.path) {
                Some(id) => self.0.read(|reader| reader.photo(id))?,
                None => None,
            };
            // a picture that was here before it was saved: these bytes lie under their hash
            let twice = match &saved {
                Some(row) => {
                    let sha256 = row.record.original.file.sha256;
                    let bytes = files.read(&file.path)?;
                    bytes.is_some_and(|bytes| Hash::of(&bytes) == sha256)
                        && self.verify(sha256)?.is_some()
                }
                None => false,
            };
            if file.len == 0 || twice {
                files.remove(&file.path)?;
            } else {
                let id = named(&file.path).filter(|_| saved.is_none());
                self.adopt(files, &file, id, None)?;
                report.found += 1;
            }
        }
        Ok(())
    }

    /// Originals that no row knows.
    fn look_at_originals(
        &self,
        files: &Files,
        report: &mut ReconcileReport,
    ) -> Result<(), WaymarkError> {
        let (slots, rows) = self
            .0
            .read(|reader| Ok((reader.captures()?, reader.blobs()?)))?;
        let mut known: BTreeSet<String> = rows.into_iter().map(|row| row.path).collect();
        for slot in &slots {
            known.extend(self.moved_to(files, slot)?);
            known.insert(slot.path.clone());
        }
        for file in files.originals()? {
            if known.contains(&file.path) {
                continue;
            }
            let sha256 = Files::hash_of(&file.path);
            let photo = match sha256 {
                Some(sha256) => self.0.read(|reader| reader.photos_with(sha256))?.pop(),
                None => None,
            };
            match photo {
                Some(row) => {
                    let row = blob(&row.record.original.file, ORIGINAL, &file.path);
                    self.0.0.store.keep_blobs(&[row])?;
                    report.restored += 1;
                }
                None if file.len == 0 => files.remove(&file.path)?,
                None => {
                    self.adopt(files, &file, None, sha256)?;
                    report.found += 1;
                }
            }
        }
        Ok(())
    }

    /// Makes a slot of a file that nobody knows.
    fn adopt(
        &self,
        files: &Files,
        file: &Found,
        id: Option<PhotoId>,
        sha256: Option<Hash>,
    ) -> Result<(), WaymarkError> {
        let slot = Slot {
            id: id.unwrap_or_else(|| PhotoId::from_uuid(self.0.new_id())),
            path: file.path.clone(),
            state: CaptureState::Found,
            reserved: 0,
            begun_ms: files
                .written_ms(&file.path)
                .unwrap_or_else(|| self.0.reading().wall_ms),
            sha256,
            purpose: None,
        };
        self.0.0.store.begin_capture(&slot)?;
        Ok(())
    }

    /// Previews that no row knows are made of originals, and can be again.
    fn look_at_previews(&self, files: &Files) -> Result<(), WaymarkError> {
        let rows = self.0.read(|reader| reader.blobs())?;
        let known: BTreeSet<String> = rows.into_iter().map(|row| row.path).collect();
        for file in files.previews()? {
            if !known.contains(&file.path) {
                files.remove(&file.path)?;
            }
        }
        Ok(())
    }

    fn look_at_rows(
        &self,
        files: &Files,
        every_byte: bool,
        report: &mut ReconcileReport,
    ) -> Result<(), WaymarkError> {
        for row in self.0.read(|reader| reader.blobs())? {
            let state = self.look_at(files, &row, every_byte)?;
            if row.role == PREVIEW || state == BlobState::Local {
                continue;
            }
            let photos = self.0.read(|reader| reader.photos_with(row.sha256))?;
            let photos = photos.into_iter().map(|row| PhotoId::from(row.id));
            match state {
                BlobState::Altered => report.altered.extend(photos),
                BlobState::Missing | BlobState::Local => report.missing.extend(photos),
            }
        }
        Ok(())
    }

    fn look_at(
        &self,
        files: &Files,
        row: &BlobRow,
        every_byte: bool,
    ) -> Result<BlobState, WaymarkError> {
        let len = files.len(&row.path)?;
        let state = match len {
            None => BlobState::Missing,
            Some(len) if len != row.len => BlobState::Altered,
            // what was wrong once is right again only when every byte is
            Some(_) if every_byte || row.state != BlobState::Local => {
                return Ok(match self.verify(row.sha256)? {
                    Some(_) => BlobState::Local,
                    None => BlobState::Altered,
                });
            }
            Some(_) => BlobState::Local,
        };
        if state != row.state {
            self.0.0.store.mark_blob(row.sha256, state)?;
        }
        Ok(state)
    }
}

/// The slot that the name of a file in the inbox names.
fn named(path: &str) -> Option<PhotoId> {
    let name = path.rsplit('/').next()?;
    name.split_once('.')?.0.parse().ok()
}
