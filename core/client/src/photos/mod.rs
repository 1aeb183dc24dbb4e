//! Photos taken in the app, kept safely.
//!
//! Before the camera opens, its slot is written down and room is held for it ([`Photos::new_capture`]); what the camera wrote becomes a photo
//! in one transaction ([`Photos::commit`]). A process that dies in between, as the system does to apps behind the camera, loses nothing: the
//! next start finds the slot and its file ([`Photos::slots`]), and a person keeps or discards it. The original is never changed.

mod files;
mod noticed;
mod picture;
mod reconcile;
mod stamped;
#[cfg(test)]
mod tests;
mod view;
pub mod words;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use waymark_domain::fix::Fix;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{BootId, CheckInId, CustomerId, PhotoId, UserId, VisitId};
use waymark_domain::op::Draft;
use waymark_domain::photo::camera::Camera;
use waymark_domain::photo::layer::Mark;
use waymark_domain::photo::{
    Attachment, MAX_BYTES, MAX_SLOT, MAX_TEXT, NoPlace, ORIGINAL, Original, PREVIEW, Photo, Place,
    Source, State, Step,
};
use waymark_domain::record::{Body, SyncRecord as _};
use waymark_domain::refusal::{check_length, check_text};
use waymark_domain::shift::later;
use waymark_domain::time::{TimeClass, TimeInterval};
use waymark_domain::visit;
use waymark_store::{BlobRow, BlobState, Capture as Slot, CaptureState, Row, Unit};

use self::files::Files;
use crate::customers::id_part;
use crate::error::{ErrorCode, WaymarkError};
use crate::waymark::Waymark;

pub use self::reconcile::{ReconcileReport, SlotView};
pub use self::stamped::{ExportMode, PhotoExport, Unsigned};
pub use self::view::{FileState, NoPreview, PhotoView};

/// Bytes that a slot holds free when nobody says otherwise: a picture of 50 megapixels at good quality.
pub const EXPECTED_BYTES: u64 = 16 << 20;

/// Most photos that a list of a customer or a person shows.
const LISTED: u32 = 200;

/// The photos.
pub struct Photos(pub(crate) Waymark);

/// What a photo is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhotoOf {
    /// A visit of the user's own.
    Visit(VisitId),
    /// A customer, outside any visit.
    Customer(CustomerId),
}

/// What is to be photographed.
#[derive(Debug, Clone)]
pub struct CaptureRequest {
    /// What it is of.
    pub of: PhotoOf,
    /// What it is to show, such as `shelf`.
    pub slot: String,
    /// In the rep's own words.
    pub caption: Option<String>,
    /// How large the picture may become, bytes; [`EXPECTED_BYTES`] when absent.
    pub expected_bytes: Option<u64>,
}

impl CaptureRequest {
    /// A photo with nothing said but what it is of and what it is to show.
    #[must_use]
    pub fn of(of: PhotoOf, slot: &str) -> Self {
        Self {
            of,
            slot: slot.to_owned(),
            caption: None,
            expected_bytes: None,
        }
    }
}

/// A slot that is ready for the camera.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capture {
    /// The slot; later the photo.
    pub id: PhotoId,
    /// Where the camera writes to. The file is there, and empty.
    pub path: PathBuf,
    /// Bytes that are held free for it; 0 where the file system cannot, then the free space was looked at and no more.
    pub reserved: u64,
}

/// What the shell knows of the moment when the picture was taken.
#[derive(Debug, Clone, Default)]
pub struct PhotoFacts {
    /// The fix that the device had. It is recorded inside an open work session alone.
    pub fix: Option<Fix>,
    /// Boot-time clock at which the shutter opened, milliseconds; now when absent.
    pub taken_mono_ms: Option<i64>,
}

/// What is written down of a slot before the camera opens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Purpose {
    customer: CustomerId,
    visit: Option<VisitId>,
    check_in: Option<CheckInId>,
    slot: String,
    caption: Option<String>,
    source: Source,
    at: TimeInterval,
    boot: BootId,
    mono: i64,
    tz: i16,
}

/// How a photo comes to be saved.
#[derive(Debug, Clone, Copy)]
enum Way<'a> {
    /// The camera is done.
    Taken(&'a PhotoFacts),
    /// A person keeps what a start found.
    Recovered,
}

/// The places at which a process may die, for the tests that make it die there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    Reserved,
    Journaled,
    Synced,
    Moving,
    Moved,
    Previewed,
    Saved,
}

#[cfg(test)]
thread_local! {
    static DIES_AT: std::cell::Cell<Option<Point>> = const { std::cell::Cell::new(None) };
}

/// Passes a point. In a test the call may end here, with everything left as a death would leave it.
#[cfg_attr(
    not(test),
    expect(clippy::unnecessary_wraps, reason = "only a test dies here")
)]
fn pass(point: Point) -> Result<(), WaymarkError> {
    #[cfg(test)]
    if DIES_AT.get() == Some(point) {
        return Err(WaymarkError::new(ErrorCode::Closed, "died"));
    }
    let _ = point;
    Ok(())
}

impl Photos {
    /// Writes down what is to be photographed, and holds room for it. Then the camera may open.
    ///
    /// # Errors
    /// [`ErrorCode::NoRoom`] when the disk is too full, with the free and the needed megabytes; [`ErrorCode::NotFound`],
    /// [`ErrorCode::Forbidden`] for another's visit; [`ErrorCode::Required`] or [`ErrorCode::TooLong`] for slot and caption.
    pub fn new_capture(&self, request: &CaptureRequest) -> Result<Capture, WaymarkError> {
        let _one = self.0.one_photo();
        self.open_slot(request, Source::Camera)
    }

    /// Makes a photo of what the camera wrote into a slot. When it returns, file and record are durable. A second call gives the same photo.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an unknown slot, [`ErrorCode::NoPicture`] when the camera wrote nothing, [`ErrorCode::NotAPicture`];
    /// [`ErrorCode::Required`] when nobody knows what it is of: then [`Self::recover`] says it. The slot and its file stay.
    pub fn commit(&self, id: PhotoId, facts: &PhotoFacts) -> Result<PhotoView, WaymarkError> {
        let _one = self.0.one_photo();
        self.save(id, Way::Taken(facts), None)
    }

    /// Makes a photo of what a start found. Of its time it is known that the slot was open, and what the file says. `request` tells what it is
    /// of where nobody knows, or corrects it.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn recover(
        &self,
        id: PhotoId,
        request: Option<&CaptureRequest>,
    ) -> Result<PhotoView, WaymarkError> {
        let _one = self.0.one_photo();
        self.save(id, Way::Recovered, request)
    }

    /// Throws a slot away with what is in it. A photo that is saved stays.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn discard(&self, id: PhotoId) -> Result<(), WaymarkError> {
        let _one = self.0.one_photo();
        self.throw_away(id)
    }

    /// Makes a photo of a file that was not taken in the app. The file itself stays where it is. No position is recorded with it.
    ///
    /// # Errors
    /// As [`Self::new_capture`] and [`Self::commit`]; [`ErrorCode::InvalidInput`] for a source that is the camera.
    pub fn import(
        &self,
        from: &Path,
        request: &CaptureRequest,
        source: Source,
    ) -> Result<PhotoView, WaymarkError> {
        if !matches!(source, Source::Gallery | Source::OtherApp) {
            return Err(WaymarkError::new(ErrorCode::InvalidInput, "source"));
        }
        let _one = self.0.one_photo();
        let slot = self.open_slot(request, source)?;
        let saved = self
            .files()?
            .bring(from, &Files::slot(slot.id))
            .and_then(|()| self.save(slot.id, Way::Taken(&PhotoFacts::default()), None));
        if saved.is_err() {
            // the file is where it was; a slot for it would only ask to be cleared away. What cannot be cleared away now a start finds.
            let _ = self.throw_away(slot.id);
        }
        saved
    }

    /// The photos of a visit in the order of time, or the latest ones of a customer.
    ///
    /// # Errors
    /// What reading may say.
    pub fn list(&self, of: PhotoOf) -> Result<Vec<PhotoView>, WaymarkError> {
        let rows = self.0.read(|reader| match of {
            PhotoOf::Visit(visit) => reader.photos_of_visit(visit),
            PhotoOf::Customer(customer) => reader.photos_of_customer(customer, LISTED),
        })?;
        self.views(rows)
    }

    /// The latest photos that somebody took, the user when nobody is named.
    ///
    /// # Errors
    /// What reading may say.
    pub fn latest(&self, rep: Option<UserId>) -> Result<Vec<PhotoView>, WaymarkError> {
        let rep = rep.map_or_else(|| self.0.user(), Ok)?;
        let rows = self.0.read(|reader| reader.photos_of_rep(rep, LISTED))?;
        self.views(rows)
    }

    /// A photo. Whether its file still has the bytes that were taken is looked at, and written down where it has not.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn get(&self, id: PhotoId) -> Result<PhotoView, WaymarkError> {
        let row = self.found(id)?;
        if self
            .0
            .read(|reader| reader.blob(row.record.original.file.sha256))?
            .is_some()
        {
            self.verify(row.record.original.file.sha256)?;
        }
        self.shown(row)
    }

    /// The photo that `text` names: its id, a part of it, or its number among the user's own.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::Ambiguous`].
    pub fn find(&self, text: &str) -> Result<PhotoId, WaymarkError> {
        let text = text.trim();
        if let Ok(id) = text.parse::<PhotoId>() {
            return Ok(self.found(id)?.id.into());
        }
        let mut ids: Vec<PhotoId> = Vec::new();
        if let Some(part) = id_part(text) {
            let found = self
                .0
                .read(|reader| reader.ids_by_part(&Photo::KIND, &part, 2))?;
            ids.extend(found.into_iter().map(PhotoId::from));
        }
        if ids.is_empty()
            && let Ok(number) = text.trim_start_matches('#').parse::<u32>()
        {
            let me = self.0.user()?;
            let mine = self.0.read(|reader| reader.photos_of_rep(me, u32::MAX))?;
            let mine = mine.into_iter().filter(|row| row.record.number == number);
            ids.extend(mine.map(|row| PhotoId::from(row.id)));
        }
        match ids.as_slice() {
            [id] => Ok(*id),
            [] => Err(WaymarkError::new(ErrorCode::NotFound, "photo")),
            _ => Err(WaymarkError::new(ErrorCode::Ambiguous, "photo")),
        }
    }

    /// Draws over a photo, in place of the version `over` of what was drawn before; 0 when nothing was. The picture is not touched.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::WrongState`] when something newer is drawn, or the photo was withdrawn;
    /// [`ErrorCode::TooLong`], [`ErrorCode::InvalidInput`] for the marks; [`ErrorCode::Forbidden`].
    pub fn annotate(&self, id: PhotoId, over: u32, marks: Vec<Mark>) -> Result<(), WaymarkError> {
        let by = self.0.user()?;
        self.step(id, Step::Annotate { over, by, marks })
    }

    /// Withdraws a photo: it stays, and says so and why.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::Required`] without a reason; [`ErrorCode::Forbidden`] for another's.
    pub fn withdraw(&self, id: PhotoId, reason: &str) -> Result<(), WaymarkError> {
        let reason = reason.trim().to_owned();
        self.step(id, Step::Withdraw { reason })
    }

    fn step(&self, id: PhotoId, step: Step) -> Result<(), WaymarkError> {
        self.found(id)?;
        self.0.commit(vec![Unit::One(step.draft(id)?)])?;
        Ok(())
    }

    fn found(&self, id: PhotoId) -> Result<Row<Photo>, WaymarkError> {
        let found = self.0.read(|reader| reader.photo(id))?;
        found.ok_or(WaymarkError::new(ErrorCode::NotFound, "photo"))
    }

    fn files(&self) -> Result<Files, WaymarkError> {
        let root = self.0.0.photos.clone();
        root.map(Files::new)
            // a database in memory has no folder beside it
            .ok_or(WaymarkError::new(ErrorCode::Unsupported, "photos"))
    }

    fn open_slot(&self, request: &CaptureRequest, source: Source) -> Result<Capture, WaymarkError> {
        let purpose = self.purpose(request, source)?;
        let files = self.files()?;
        let id = PhotoId::from_uuid(self.0.new_id());
        let path = Files::slot(id);
        let expected = request.expected_bytes.unwrap_or(EXPECTED_BYTES);
        let reserved = files.reserve(&path, expected)?;
        pass(Point::Reserved)?;
        let slot = Slot {
            id,
            path: path.clone(),
            state: CaptureState::Open,
            reserved,
            begun_ms: self.0.reading().wall_ms,
            sha256: None,
            purpose: Some(text(&purpose)?),
        };
        if let Err(error) = self.0.0.store.begin_capture(&slot) {
            files.remove(&path)?;
            return Err(error.into());
        }
        pass(Point::Journaled)?;
        Ok(Capture {
            id,
            path: files.absolute(&path),
            reserved,
        })
    }

    /// What a slot is for. Everything that could refuse the photo later is looked at before the camera opens.
    fn purpose(&self, request: &CaptureRequest, source: Source) -> Result<Purpose, WaymarkError> {
        let me = self.0.user()?;
        let slot = request.slot.trim().to_owned();
        check_text("slot", &slot, MAX_SLOT)?;
        let caption = request.caption.as_deref().map(str::trim);
        let caption = caption.filter(|caption| !caption.is_empty());
        check_length("caption", caption.unwrap_or_default(), MAX_TEXT)?;
        let (customer, visit, check_in) = match request.of {
            PhotoOf::Customer(customer) => {
                let found = self.0.read(|reader| reader.customer(customer))?;
                found.ok_or(WaymarkError::new(ErrorCode::NotFound, "customer"))?;
                (customer, None, None)
            }
            PhotoOf::Visit(id) => {
                let visit = self.0.visits().found(id)?.record;
                if visit.rep != me {
                    return Err(WaymarkError::new(ErrorCode::Forbidden, "visit"));
                }
                // a check-in says where the rep is while the visit lasts
                let goes_on = matches!(visit.state, visit::State::InProgress { .. });
                let check_ins = self.0.read(|reader| reader.check_ins_of_visit(id))?;
                let own = check_ins.into_iter().rev().find(|row| row.record.rep == me);
                let check_in = own.filter(|_| goes_on).map(|row| row.id.into());
                (visit.customer, Some(id), check_in)
            }
        };
        let reading = self.0.reading();
        Ok(Purpose {
            customer,
            visit,
            check_in,
            slot,
            caption: caption.map(str::to_owned),
            source,
            at: self.0.now()?,
            boot: reading.boot,
            mono: reading.mono_ms,
            tz: reading.utc_offset_min,
        })
    }

    fn throw_away(&self, id: PhotoId) -> Result<(), WaymarkError> {
        let slot = self.0.read(|reader| reader.capture(id))?;
        let slot = slot.ok_or(WaymarkError::new(ErrorCode::NotFound, "slot"))?;
        let files = self.files()?;
        // the same picture may be a photo's already
        let kept = match slot.sha256 {
            Some(sha256) => self.0.read(|reader| reader.blob(sha256))?,
            None => None,
        };
        let kept = kept.map(|row| row.path);
        for path in [self.moved_to(&files, &slot)?, Some(slot.path)] {
            if let Some(path) = path.filter(|path| Some(path) != kept.as_ref()) {
                files.remove(&path)?;
            }
        }
        self.0.0.store.end_capture(id)?;
        self.0.changed();
        Ok(())
    }

    /// Where the picture of a slot lies that had been on its way to its place.
    fn moved_to(&self, files: &Files, slot: &Slot) -> Result<Option<String>, WaymarkError> {
        let Some(sha256) = slot.sha256 else {
            return Ok(None);
        };
        for extension in ["jpg", "png", "webp"] {
            let place = Files::original(sha256, extension);
            if files.len(&place)?.is_some_and(|len| len > 0) {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// The file of a slot that has something in it.
    fn file_of(&self, files: &Files, slot: &Slot) -> Result<Option<(String, u64)>, WaymarkError> {
        // what the camera wrote last counts: it may have written again after an attempt to save
        for path in [Some(slot.path.clone()), self.moved_to(files, slot)?] {
            if let Some(path) = path
                && let Some(len) = files.len(&path)?.filter(|len| *len > 0)
            {
                return Ok(Some((path, len)));
            }
        }
        Ok(None)
    }

    fn save(
        &self,
        id: PhotoId,
        way: Way<'_>,
        request: Option<&CaptureRequest>,
    ) -> Result<PhotoView, WaymarkError> {
        if let Some(row) = self.0.read(|reader| reader.photo(id))? {
            return self.shown(row);
        }
        let slot = self.0.read(|reader| reader.capture(id))?;
        let slot = slot.ok_or(WaymarkError::new(ErrorCode::NotFound, "slot"))?;
        let known: Option<Purpose> = slot
            .purpose
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok());
        let purpose = match (request, &known) {
            (Some(request), _) => {
                let source = known
                    .as_ref()
                    .map_or(Source::OtherApp, |known| known.source);
                let told = self.purpose(request, source)?;
                Purpose {
                    at: known.as_ref().map_or(told.at, |known| known.at),
                    ..told
                }
            }
            (None, Some(known)) => known.clone(),
            (None, None) => return Err(WaymarkError::new(ErrorCode::Required, "customer")),
        };
        let files = self.files()?;
        let no_picture = || WaymarkError::new(ErrorCode::NoPicture, "");
        let (path, _) = self.file_of(&files, &slot)?.ok_or_else(no_picture)?;
        let bytes = files.read(&path)?.ok_or_else(no_picture)?;
        let head = picture::head(&bytes)?;
        let sha256 = Hash::of(&bytes);
        let (at, tz) = self.taken_at(&purpose, &files, &path, way)?;
        files.sync(&path)?;
        pass(Point::Synced)?;
        self.0.0.store.move_capture(id, sha256)?;
        pass(Point::Moving)?;
        let place = Files::original(sha256, head.extension);
        files.place(&path, &place, sha256)?;
        pass(Point::Moved)?;

        let me = self.0.user()?;
        let number = self.0.read(|reader| reader.last_photo_number(me))?;
        let mut photo = Photo {
            rep: me,
            customer: purpose.customer,
            visit: purpose.visit,
            check_in: purpose.check_in,
            number: number.saturating_add(1),
            original: Original {
                file: Attachment {
                    sha256,
                    len: len_of(&bytes),
                    mime: head.mime.to_owned(),
                },
                width: head.width,
                height: head.height,
            },
            preview: None,
            source: purpose.source,
            at,
            tz,
            place: self.place(&purpose, way)?,
            slot: purpose.slot,
            caption: purpose.caption,
            look: None,
            nothing_to_see: false,
            alike: Vec::new(),
            camera: Camera::default(),
            layer: None,
            state: State::Kept,
            extra: Body::new(),
        };
        self.notice(&bytes, &mut photo)?;
        let mut rows = vec![blob(&photo.original.file, ORIGINAL, &place)];
        let made = self.preview_of(&bytes, &photo)?;
        let no_preview = match made {
            Ok(small) => {
                let file = Attachment {
                    sha256: Hash::of(&small),
                    len: len_of(&small),
                    mime: "image/jpeg".to_owned(),
                };
                let place = Files::preview(file.sha256);
                files.write(&place, &small)?;
                rows.push(blob(&file, PREVIEW, &place));
                photo.preview = Some(file);
                None
            }
            Err(why) => Some(why),
        };
        pass(Point::Previewed)?;
        let unit = Unit::One(Draft::new(id, &photo)?);
        let reading = self.0.reading();
        let mut new_id = || self.0.new_id();
        self.0
            .0
            .store
            .commit_capture(id, vec![unit], &rows, reading, &mut new_id)?;
        pass(Point::Saved)?;
        // left there when the same picture was here already
        if slot.path != place {
            files.remove(&slot.path)?;
        }
        self.0.changed();
        let view = self.shown(self.found(id)?)?;
        Ok(PhotoView { no_preview, ..view })
    }

    /// When the picture was taken, and the zone.
    fn taken_at(
        &self,
        purpose: &Purpose,
        files: &Files,
        path: &str,
        way: Way<'_>,
    ) -> Result<(TimeInterval, i16), WaymarkError> {
        let (reading, now) = (self.0.reading(), self.0.now()?);
        match way {
            Way::Taken(facts) => {
                let taken = facts.taken_mono_ms.unwrap_or(reading.mono_ms);
                let begun = (purpose.boot == reading.boot).then_some(purpose.mono);
                if taken > reading.mono_ms || begun.is_some_and(|begun| taken < begun) {
                    return Err(WaymarkError::new(ErrorCode::InvalidInput, "taken"));
                }
                let age = reading.mono_ms.saturating_sub(taken);
                let at = later(now, age.saturating_neg());
                Ok((at, reading.utc_offset_min))
            }
            // nobody saw the shutter: after the slot was opened; and the file says when it was written, by a clock that nobody vouches for
            Way::Recovered => {
                let wall = files.written_ms(path).unwrap_or(purpose.at.wall);
                let fits = purpose.at.wall <= wall && wall <= reading.wall_ms;
                let at = TimeInterval {
                    earliest: purpose.at.earliest,
                    latest: None,
                    class: if fits { TimeClass::C } else { TimeClass::D },
                    wall,
                };
                Ok((at, purpose.tz))
            }
        }
    }

    /// Where it was taken: no position is recorded outside an open work session, and none anew for a check-in.
    fn place(&self, purpose: &Purpose, way: Way<'_>) -> Result<Place, WaymarkError> {
        let none = |why| Ok(Place::None { why });
        if purpose.source != Source::Camera {
            return none(NoPlace::NotTakenHere);
        }
        let by_check_in = purpose.check_in.map(|_| Place::CheckIn);
        let fix = match way {
            Way::Taken(facts) => facts.fix.as_ref(),
            Way::Recovered => None,
        };
        if let Some(fix) = fix {
            fix.check()?;
        }
        let (me, reading, now) = (self.0.me()?, self.0.reading(), self.0.now()?);
        let open = self
            .0
            .read(|reader| reader.open_shift(me.user, me.device))?
            .filter(|row| row.record.admits(reading, now).is_ok());
        match (open, fix) {
            (Some(open), Some(fix)) if open.record.admits_fix(fix.mono_ms, reading).is_ok() => {
                Ok(Place::Session {
                    shift: open.id.into(),
                    boot: reading.boot,
                    fix: fix.clone(),
                })
            }
            (Some(_), _) => by_check_in.map_or_else(|| none(NoPlace::NoFix), Ok),
            (None, _) => by_check_in.map_or_else(|| none(NoPlace::OutsideWork), Ok),
        }
    }

    /// Reads a file that is here and looks whether it has the bytes that were taken. `None` when it has not, and that is written down.
    fn verify(&self, sha256: Hash) -> Result<Option<Vec<u8>>, WaymarkError> {
        let Some(row) = self.0.read(|reader| reader.blob(sha256))? else {
            return Ok(None);
        };
        let bytes = self.files()?.read(&row.path);
        // a file that grew beyond every limit is another one
        let state = match &bytes {
            Ok(Some(bytes)) if Hash::of(bytes) == sha256 => BlobState::Local,
            Ok(None) => BlobState::Missing,
            Ok(Some(_)) => BlobState::Altered,
            Err(error) if error.code == ErrorCode::NotAPicture => BlobState::Altered,
            Err(error) => return Err(error.clone()),
        };
        if state != row.state && !self.0.is_push_only() {
            self.0.0.store.mark_blob(sha256, state)?;
        }
        Ok(bytes.ok().flatten().filter(|_| state == BlobState::Local))
    }
}

fn blob(file: &Attachment, role: &str, path: &str) -> BlobRow {
    BlobRow {
        sha256: file.sha256,
        len: file.len,
        mime: file.mime.clone(),
        path: path.to_owned(),
        role: role.to_owned(),
        state: BlobState::Local,
    }
}

fn len_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(MAX_BYTES)
}

fn text(purpose: &Purpose) -> Result<String, WaymarkError> {
    serde_json::to_string(purpose)
        .map_err(|error| WaymarkError::new(ErrorCode::Internal, error.to_string()))
}

impl Waymark {
    /// The photos.
    #[must_use]
    pub fn photos(&self) -> Photos {
        Photos(self.clone())
    }
}
