//! Stamped pictures, made of the untouched original and of what was recorded with it.

use std::io::Write;

use chrono::{DateTime, FixedOffset};
use serde::Serialize;
use waymark_domain::check_in::CheckIn;
use waymark_domain::geo::Position;
use waymark_domain::geo::fence::Side;
use waymark_domain::ids::{CheckInId, PhotoId};
use waymark_domain::photo::{Photo, Place, Source};
use waymark_domain::time::TimeClass;
use waymark_photo::{
    Error, Facts, Field, Fix, Interval, Language, Mode, Order, Report, SealKey, Source as Printed,
    Taken, Template, Text, Verdict as Judged, stamp, thumbnail,
};

use super::{NoPreview, Photos, len_of, words};
use crate::error::{ErrorCode, WaymarkError};
use crate::lang::Lang;
use crate::verdict;
use crate::when::short_time;

/// What to write of a photo.
#[derive(Debug, Clone, Copy)]
pub enum ExportMode<'a> {
    /// The original, byte for byte.
    Original,
    /// A stamped picture.
    Stamped {
        /// What to make of it.
        mode: Mode,
        /// What the stamp looks like; [`Photos::template`] when absent.
        template: Option<&'a Template>,
        /// With this the covered original is sealed inside, in [`Mode::Evidence`].
        seal: Option<&'a SealKey>,
        /// In which language it speaks, where no template says so.
        lang: Lang,
    },
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhotoExport {
    /// The photo.
    pub photo: PhotoId,
    /// Bytes.
    pub bytes: u64,
    /// What stamping did; absent for the original.
    pub stamp: Option<Report>,
    /// Why this device did not sign what it stamped.
    pub unsigned: Option<Unsigned>,
}

/// Why a stamped picture does not verify itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unsigned {
    /// Somebody else took it, and this device can say nothing of it.
    NotYours,
    /// When it was taken is known on neither side, or on one alone, and a signature states both. After the next sync it is.
    TimeOpen,
}

impl Photos {
    /// Writes a photo. The original stays as it is; a stamped picture is made anew each time, of what was recorded when it was taken. Names and
    /// addresses are printed as they are now.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::PictureGone`] when its file is not here as it was taken; [`ErrorCode::NotAPicture`] when it cannot
    /// be stamped, with the reason; [`ErrorCode::Io`].
    pub fn export(
        &self,
        id: PhotoId,
        mode: ExportMode<'_>,
        out: &mut dyn Write,
    ) -> Result<PhotoExport, WaymarkError> {
        let photo = self.found(id)?.record;
        let bytes = self.verify(photo.original.file.sha256)?;
        let bytes = bytes.ok_or(WaymarkError::new(ErrorCode::PictureGone, ""))?;
        let (mode, template, seal, lang) = match mode {
            ExportMode::Original => {
                out.write_all(&bytes)?;
                return Ok(PhotoExport {
                    photo: id,
                    bytes: len_of(&bytes),
                    stamp: None,
                    unsigned: None,
                });
            }
            ExportMode::Stamped {
                mode,
                template,
                seal,
                lang,
            } => (mode, template, seal, lang),
        };
        let lang = template.map_or(lang, |template| match template.language {
            Language::En => Lang::En,
            Language::ZhHans => Lang::ZhHans,
        });
        let own = Self::template(photo.source, lang);
        let facts = self.facts(&photo, lang)?;
        let signing = self.signing(&photo)?;
        let device = self.0.photo_mark()?;
        let sign = |message: &[u8]| device.sign(message);
        let marker = signing
            .as_ref()
            .ok()
            .map(|(time, verdict)| device.marker(*time, *verdict, &sign));
        let order = Order {
            mode,
            template: template.unwrap_or(&own),
            facts: &facts,
            seal,
            device_font: None,
            mark: marker.as_ref(),
        };
        let refused = |error: Error| WaymarkError::new(ErrorCode::NotAPicture, error.to_string());
        let stamped = stamp(&bytes, &order).map_err(refused)?;
        let mut counted = Counted { out, bytes: 0 };
        stamped.write_to(&mut counted)?;
        Ok(PhotoExport {
            photo: id,
            bytes: counted.bytes,
            stamp: Some(stamped.report().clone()),
            unsigned: signing.err(),
        })
    }

    /// What this device signs of a photo: when it was taken, and what the check-in came to that it goes with.
    fn signing(&self, photo: &Photo) -> Result<Result<(Interval, Judged), Unsigned>, WaymarkError> {
        if photo.rep != self.0.user()? {
            return Ok(Err(Unsigned::NotYours));
        }
        // it was taken before now, and that may be known by now
        let latest = photo.at.latest.or(self.0.now()?.latest);
        let (Some(from_ms), Some(to_ms)) = (photo.at.earliest, latest) else {
            return Ok(Err(Unsigned::TimeOpen));
        };
        let time = Interval { from_ms, to_ms };
        if u32::try_from(to_ms.saturating_sub(from_ms)).is_err() {
            return Ok(Err(Unsigned::TimeOpen));
        }
        let verdict = self
            .check_in_of(photo)?
            .and_then(|check_in| check_in.verdict)
            .map_or(Judged::None, |verdict| match verdict.side {
                Side::Inside => Judged::Met,
                Side::Outside => Judged::NotMet,
                Side::Uncertain => Judged::Unverified,
            });
        Ok(Ok((time, verdict)))
    }

    fn check_in_of(&self, photo: &Photo) -> Result<Option<CheckIn>, WaymarkError> {
        let (Some(visit), Some(check_in)) = (photo.visit, photo.check_in) else {
            return Ok(None);
        };
        let rows = self.0.read(|reader| reader.check_ins_of_visit(visit))?;
        let found = rows
            .into_iter()
            .find(|row| CheckInId::from(row.id) == check_in);
        Ok(found.map(|row| row.record))
    }

    /// What the stamp of a photo from this source looks like when nobody says otherwise.
    #[must_use]
    pub fn template(source: Source, lang: Lang) -> Template {
        let keys = [
            "time", "address", "position", "customer", "rep", "company", "verdict", "serial",
        ];
        // where a picture was not taken in the app, the stamp says so
        let elsewhere = (source != Source::Camera).then_some("source");
        let fields = keys.into_iter().chain(elsewhere).map(|key| Field {
            key: key.to_owned(),
            label: None,
            large: key == "time",
        });
        Template {
            language: match lang {
                Lang::En => Language::En,
                Lang::ZhHans => Language::ZhHans,
            },
            fields: fields.collect(),
            ..Template::default()
        }
    }

    /// The small stamped picture, or why there is none. It speaks the language of the company's documents, English.
    pub(super) fn preview_of(
        &self,
        bytes: &[u8],
        photo: &Photo,
    ) -> Result<Result<Vec<u8>, NoPreview>, WaymarkError> {
        let lang = Lang::En;
        let facts = self.facts(photo, lang)?;
        let template = Self::template(photo.source, lang);
        let order = |mode| Order {
            mode,
            template: &template,
            facts: &facts,
            seal: None,
            device_font: None,
            mark: None,
        };
        let stamped = match stamp(bytes, &order(Mode::Evidence)) {
            // a stamp beside it has room where one on it has none
            Err(Error::TooSmall { .. }) => stamp(bytes, &order(Mode::Canvas)),
            other => other,
        };
        let made = match stamped {
            Ok(stamped) => {
                let mut whole = Vec::new();
                stamped.write_to(&mut whole)?;
                thumbnail(&whole)
            }
            // one that was stamped before it came here shows that stamp
            Err(Error::AlreadyStamped) => thumbnail(bytes),
            Err(error) => Err(error),
        };
        Ok(made.map_err(|error| NoPreview::from(&error)))
    }

    /// What is known of a photo, to be printed.
    fn facts(&self, photo: &Photo, lang: Lang) -> Result<Facts, WaymarkError> {
        let (customer, rep) = self
            .0
            .read(|reader| Ok((reader.customer(photo.customer)?, reader.member(photo.rep)?)))?;
        let me = self.0.me()?;
        let check_in = self.check_in_of(photo)?;
        let (position, position_missing) = self.position(photo, check_in.as_ref(), lang)?;
        let customer = customer.map(|row| row.record);
        let known = |text: Option<String>, en, zh| match text {
            Some(text) => Text::Is(text),
            None => Text::Missing(lang.pick(en, zh).to_owned()),
        };
        let rep = if photo.rep == me.user {
            Some(me.user_name)
        } else {
            rep.map(|row| row.record.name)
        };
        let address = customer
            .as_ref()
            .and_then(|customer| customer.address.clone());
        let verdict = check_in.and_then(|check_in| {
            let verdict = check_in.verdict?;
            let said = verdict::summary(lang, &verdict, check_in.accuracy_m);
            let at = short_time(check_in.at.best_ms(), photo.tz);
            Some(format!("{at} {said}"))
        });
        let texts = [
            (
                "customer",
                known(
                    customer.map(|customer| customer.name),
                    "not here any more",
                    "已不在本机",
                ),
            ),
            ("address", known(address, "none recorded", "未登记")),
            ("rep", known(rep, "not here any more", "已不在本机")),
            ("company", known(Some(me.company), "", "")),
            ("verdict", known(verdict, "no check-in", "无签到")),
            ("serial", known(Some(photo.number.to_string()), "", "")),
        ];
        Ok(Facts {
            time: taken(photo),
            position,
            position_missing,
            source: match photo.source {
                Source::Camera => Printed::Camera,
                Source::Gallery => Printed::Gallery,
                Source::OtherApp => Printed::OtherApp,
                Source::Unknown => Printed::Unknown,
            },
            texts: texts
                .into_iter()
                .map(|(key, text)| (key.to_owned(), text))
                .collect(),
        })
    }

    fn position(
        &self,
        photo: &Photo,
        check_in: Option<&CheckIn>,
        lang: Lang,
    ) -> Result<(Option<Fix>, Option<String>), WaymarkError> {
        let regions = self.0.regions()?;
        let fix = |position: Position, accuracy_m| {
            let place = match position {
                Position::Wgs84(place) => place,
                Position::Gcj02(place) => place.to_wgs84(regions),
                Position::Bd09(place) => place.to_wgs84(regions),
            };
            Fix {
                lat: place.lat(),
                lon: place.lon(),
                accuracy_m: Some(accuracy_m),
                altitude_m: None,
                heading_deg: None,
                dop: None,
            }
        };
        let unknown = || words::no_place(waymark_domain::photo::NoPlace::Unknown, lang);
        Ok(match (&photo.place, check_in) {
            (Place::Session { fix: taken, .. }, _) => {
                (Some(fix(taken.position, taken.accuracy_m)), None)
            }
            (Place::CheckIn, Some(check_in))
                if !waymark_domain::retention::is_erased(&check_in.extra) =>
            {
                (Some(fix(check_in.position, check_in.accuracy_m)), None)
            }
            (Place::None { why }, _) => (None, Some(words::no_place(*why, lang).to_owned())),
            (Place::CheckIn | Place::Unknown(_), _) => (None, Some(unknown().to_owned())),
        })
    }
}

/// The time as it is printed; none for a picture from elsewhere: when it was brought is not when it was taken.
fn taken(photo: &Photo) -> Option<Taken> {
    if photo.source != Source::Camera {
        return None;
    }
    let zone = FixedOffset::east_opt(i32::from(photo.tz) * 60)?;
    let at = DateTime::from_timestamp_millis(photo.at.best_ms())?;
    let plus_minus = photo.at.uncertainty_ms();
    Some(Taken {
        at: at.with_timezone(&zone),
        plus_minus_s: plus_minus.and_then(|ms| u32::try_from(ms.saturating_add(999) / 1000).ok()),
        verified: plus_minus.is_some() && matches!(photo.at.class, TimeClass::A | TimeClass::B),
    })
}

/// Counts what passes through.
struct Counted<'a> {
    out: &'a mut dyn Write,
    bytes: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += u64::try_from(written).unwrap_or(0);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}
