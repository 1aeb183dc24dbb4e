//! `waymark photo …` for photos taken in the app.

use serde_json::json;
use waymark_client::photos::words as said;
use waymark_client::system::SystemEntropy;
use waymark_client::{
    CaptureRequest, ErrorCode, ExportMode, FileState, Lang, PhotoFacts, PhotoOf, PhotoView,
    SlotView, Waymark, WaymarkError,
};
use waymark_domain::ambient::Entropy as _;
use waymark_domain::fix::AccuracySource;
use waymark_domain::ids::PhotoId;
use waymark_domain::photo::layer::{EDGE, Form, Mark, Point};
use waymark_domain::photo::{Place, Source, State};
use waymark_photo::limits::MAX_TEMPLATE_BYTES;
use waymark_photo::{CodeOutcome, SealKey, Template};

use super::visit::named_or_current;
use super::{customer_name, short_id, user};
use crate::args::photo::{
    PhotoAnnotate, PhotoExport, PhotoList, PhotoOf as Of, PhotoRecover, PhotoSlot, PhotoTake,
    PhotoWhich, PhotoWithdraw,
};
use crate::context::Context;
use crate::failure::{Outcome, Own};
use crate::photo::{read_key, read_photo};
use crate::when::{day_and_time, moment};
use crate::width::Table;
use crate::words::{photo as stamp_words, photos as words};

/// How thick a line is drawn, ten-thousandths of the picture's width.
const LINE: u16 = 40;
/// How high letters are.
const LETTERS: u16 = 300;

/// Opens a slot for a camera that writes by itself.
pub(crate) fn slot(context: &Context, args: &PhotoSlot) -> Outcome {
    let waymark = context.open()?;
    let capture = waymark
        .photos()
        .new_capture(&request(context, &waymark, args)?)?;
    context.show(&capture, || {
        let lang = context.lang;
        let held = capture.reserved / 1_000_000;
        let open = words::slot_open(lang, capture.path.display(), held);
        format!("{open}\n{}", words::then(lang, capture.id))
    })
}

pub(crate) fn take(context: &Context, args: &PhotoTake) -> Outcome {
    let waymark = context.open()?;
    let request = request(context, &waymark, &args.what)?;
    let photos = waymark.photos();
    if !args.picture.is_file() {
        return Err(Own::NoSuchFile(args.picture.display().to_string()).into());
    }
    let view = if args.gallery {
        photos.import(&args.picture, &request, Source::Gallery)?
    } else {
        let facts = facts(&waymark, args)?;
        let capture = photos.new_capture(&request)?;
        let kept = std::fs::copy(&args.picture, &capture.path)
            .map_err(WaymarkError::from)
            .and_then(|_| photos.commit(capture.id, &facts));
        if kept.is_err() {
            // the picture is where it was; what cannot be cleared away now is offered at the next start
            let _ = photos.discard(capture.id);
        }
        kept?
    };
    tell(context, &view)
}

pub(crate) fn list(context: &Context, args: &PhotoList) -> Outcome {
    let waymark = context.open()?;
    let photos = waymark.photos();
    let of = match (&args.of.photo_visit, &args.of.photo_customer) {
        (None, None) => None,
        _ => Some(of(context, &waymark, &args.of)?),
    };
    let views = match (of, &args.rep) {
        (Some(of), _) => photos.list(of)?,
        (None, rep) => {
            let rep = rep.as_deref().map(|rep| user(&waymark, rep)).transpose()?;
            photos.latest(rep)?
        }
    };
    context.show(&json!({ "photos": views }), || {
        let lang = context.lang;
        if views.is_empty() {
            return words::none(lang);
        }
        let mut table = Table::new([
            words::column_number(lang),
            words::column_time(lang),
            words::column_customer(lang),
            words::column_slot(lang),
            words::column_state(lang),
            words::column_id(lang),
        ]);
        for view in &views {
            table.row([
                view.number.to_string(),
                moment(view.at.best_ms(), view.tz),
                customer_name(&view.customer_name, lang),
                view.slot.clone(),
                state(view, lang),
                short_id(view.id),
            ]);
        }
        table.render()
    })
}

pub(crate) fn show(context: &Context, args: &PhotoWhich) -> Outcome {
    let waymark = context.open()?;
    let view = waymark.photos().get(find(&waymark, args)?)?;
    tell(context, &view)
}

pub(crate) fn export(context: &Context, args: &PhotoExport) -> Outcome {
    let waymark = context.open()?;
    let id = find(&waymark, &args.which)?;
    let template = match &args.template {
        Some(path) => {
            let json = read_photo(path, MAX_TEMPLATE_BYTES)?;
            Some(Template::from_json(&json).map_err(Own::Photo)?)
        }
        None => None,
    };
    let seal = args.key.as_deref().map(read_key).transpose()?.map(|key| {
        let mut nonce = [0; 12];
        SystemEntropy.fill(&mut nonce);
        SealKey { key, nonce }
    });
    let mode = args
        .mode
        .map_or(ExportMode::Original, |mode| ExportMode::Stamped {
            mode: mode.into(),
            template: template.as_ref(),
            seal: seal.as_ref(),
            lang: context.lang,
        });
    args.to.check()?;
    let done = args
        .to
        .write(|out| Ok(waymark.photos().export(id, mode, out)?))?;
    let file = args.to.name();
    context.show(&json!({ "file": file, "export": done }), || {
        let lang = context.lang;
        match (&done.stamp, done.unsigned) {
            (None, _) => words::exported(lang, &file, done.bytes),
            (Some(_), Some(why)) => {
                let stamped = words::stamped(lang, &file, done.bytes);
                format!("{stamped}\n{}", said::unsigned(why, lang))
            }
            (Some(report), None) => {
                let stamped = words::stamped(lang, &file, done.bytes);
                let signed = match report.code {
                    Some(CodeOutcome::Drawn { .. }) => stamp_words::signed(lang),
                    _ => stamp_words::signed_without_code(lang),
                };
                format!("{stamped}\n{signed}")
            }
        }
    })
}

pub(crate) fn annotate(context: &Context, args: &PhotoAnnotate) -> Outcome {
    let waymark = context.open()?;
    let photos = waymark.photos();
    let id = find(&waymark, &args.which)?;
    let before = photos.get(id)?.layer;
    let over = before.as_ref().map_or(0, |layer| layer.version);
    let mut marks = before
        .filter(|_| !args.clear)
        .map_or_else(Vec::new, |layer| layer.marks);
    marks.extend(new_marks(args)?);
    photos.annotate(id, over, marks)?;
    let view = photos.get(id)?;
    tell(context, &view)
}

pub(crate) fn withdraw(context: &Context, args: &PhotoWithdraw) -> Outcome {
    let waymark = context.open()?;
    let id = find(&waymark, &args.which)?;
    waymark.photos().withdraw(id, &args.reason)?;
    let view = waymark.photos().get(id)?;
    context.show(&view, || words::was_withdrawn(context.lang, view.number))
}

pub(crate) fn recover(context: &Context, args: &PhotoRecover) -> Outcome {
    let waymark = context.open()?;
    waymark.me()?;
    let photos = waymark.photos();
    if args.check {
        return check(context, &waymark);
    }
    let slots = photos.slots()?;
    let Some(which) = &args.which_slot else {
        return context.show(&json!({ "slots": slots }), || {
            if slots.is_empty() {
                return words::nothing_waits(context.lang);
            }
            let lines = slots.iter().map(|slot| waits(context, slot));
            let help = words::keep_or_discard(context.lang);
            lines.chain([help]).collect::<Vec<_>>().join("\n")
        });
    };
    let id = slot_named(&slots, which)?;
    if args.discard {
        photos.discard(id)?;
        return context.show(&json!({ "discarded": id }), || {
            words::discarded(context.lang)
        });
    }
    let request = match (&args.of.photo_visit, &args.of.photo_customer) {
        (None, None) => None,
        _ => {
            let known = slots.iter().find(|slot| slot.id == id);
            let name = known.and_then(|slot| slot.slot.as_deref());
            let of = of(context, &waymark, &args.of)?;
            Some(CaptureRequest {
                caption: known.and_then(|slot| slot.caption.clone()),
                ..CaptureRequest::of(of, name.unwrap_or("photo"))
            })
        }
    };
    let view = photos.recover(id, request.as_ref())?;
    tell(context, &view)
}

/// What a start found, for whoever gives any command.
pub(crate) fn tell_waiting(context: &Context, waymark: &Waymark) {
    // a folder that cannot be read is told by the commands about photos
    let slots = waymark.photos().slots().unwrap_or_default();
    let lang = context.lang;
    match slots.as_slice() {
        [] => {}
        [slot] => {
            let time = moment(slot.at_ms, context.offset_min());
            let customer = match slot.customer_name.as_str() {
                "" => words::unknown_place(lang),
                name => name.to_owned(),
            };
            context.tell(&words::notice_one(lang, time, customer));
        }
        slots => context.tell(&words::notice_many(lang, slots.len())),
    }
    let troubles = waymark.photos().troubles().unwrap_or_default();
    if !troubles.is_empty() {
        context.tell(&words::notice_trouble(lang, troubles.len()));
    }
}

fn check(context: &Context, waymark: &Waymark) -> Outcome {
    let photos = waymark.photos();
    let report = photos.reconcile(true)?;
    let number = |id: &PhotoId| Ok::<_, WaymarkError>(photos.get(*id)?.number);
    let missing: Vec<u32> = report
        .missing
        .iter()
        .map(number)
        .collect::<Result<_, _>>()?;
    let altered: Vec<u32> = report
        .altered
        .iter()
        .map(number)
        .collect::<Result<_, _>>()?;
    context.show(&report, || {
        let lang = context.lang;
        let gone = missing.iter().map(|number| words::gone(lang, number));
        let other = altered.iter().map(|number| words::altered(lang, number));
        let lines: Vec<String> = gone.chain(other).collect();
        if lines.is_empty() {
            words::all_there(lang)
        } else {
            lines.join("\n")
        }
    })
}

fn of(context: &Context, waymark: &Waymark, args: &Of) -> Outcome<PhotoOf> {
    Ok(match &args.photo_customer {
        Some(customer) => PhotoOf::Customer(super::customer_named(context, waymark, customer)?.id),
        None => PhotoOf::Visit(named_or_current(waymark, args.photo_visit.as_deref())?.id),
    })
}

fn request(context: &Context, waymark: &Waymark, args: &PhotoSlot) -> Outcome<CaptureRequest> {
    waymark.me()?;
    Ok(CaptureRequest {
        caption: args.caption.clone(),
        ..CaptureRequest::of(of(context, waymark, &args.of)?, &args.slot)
    })
}

fn facts(waymark: &Waymark, args: &PhotoTake) -> Outcome<PhotoFacts> {
    let fix = match (args.lat, args.lon, args.datum, args.accuracy) {
        (Some(lat), Some(lon), Some(datum), Some(accuracy)) => Some(waymark.fix(
            (lat, lon),
            datum.into(),
            accuracy,
            AccuracySource::Stated,
            0,
        )?),
        // the grammar takes all four or none
        _ => None,
    };
    Ok(PhotoFacts {
        fix,
        taken_mono_ms: None,
    })
}

fn find(waymark: &Waymark, args: &PhotoWhich) -> Outcome<PhotoId> {
    waymark.me()?;
    Ok(waymark.photos().find(&args.which_photo)?)
}

fn slot_named(slots: &[SlotView], text: &str) -> Outcome<PhotoId> {
    let text = text.trim().to_lowercase();
    let fits = |slot: &&SlotView| !text.is_empty() && slot.id.to_string().ends_with(&text);
    let mut found = slots.iter().filter(fits);
    match (found.next(), found.next()) {
        (Some(slot), None) => Ok(slot.id),
        (None, _) => Err(WaymarkError::new(ErrorCode::NotFound, "slot").into()),
        (Some(_), Some(_)) => Err(WaymarkError::new(ErrorCode::Ambiguous, "slot").into()),
    }
}

fn waits(context: &Context, slot: &SlotView) -> String {
    let time = moment(slot.at_ms, context.offset_min());
    let kilobytes = slot.len.div_ceil(1000);
    match slot.customer {
        Some(_) => {
            let customer = customer_name(&slot.customer_name, context.lang);
            words::waits(context.lang, time, customer, kilobytes, slot.id)
        }
        None => words::waits_unknown(context.lang, time, kilobytes, slot.id),
    }
}

/// A photo in one line, as a visit lists it.
pub(crate) fn line(view: &PhotoView, lang: Lang) -> String {
    let time = day_and_time(&view.at, view.tz, lang);
    let caption = view.caption.as_deref().unwrap_or_default();
    let line = format!("{}. {time}  {}  {caption}", view.number, view.slot);
    format!("{}  ({})", line.trim_end(), state(view, lang))
}

fn state(view: &PhotoView, lang: Lang) -> String {
    let mut parts = vec![match view.file {
        FileState::Here => words::file_here(lang),
        FileState::Elsewhere => words::file_elsewhere(lang),
        FileState::Missing => words::file_missing(lang),
        FileState::Altered => words::file_altered(lang),
    }];
    if view.pending {
        parts.push(words::state_pending(lang));
    }
    if let State::Withdrawn { .. } = view.state {
        parts.push(words::state_withdrawn(lang));
    }
    parts.join(lang.pick(", ", "，"))
}

fn tell(context: &Context, view: &PhotoView) -> Outcome {
    context.show(view, || told(view, context.lang).join("\n"))
}

fn told(view: &PhotoView, lang: Lang) -> Vec<String> {
    let customer = customer_name(&view.customer_name, lang);
    let mut lines = vec![words::kept(lang, view.number, customer, &view.slot)];
    let time = day_and_time(&view.at, view.tz, lang);
    lines.push(match view.source {
        Source::Camera => words::taken(lang, time),
        Source::Gallery | Source::OtherApp | Source::Unknown => words::brought(lang, time),
    });
    lines.push(match &view.place {
        None => words::place_hidden(lang),
        Some(Place::Session { fix, .. }) => {
            let (position, accuracy) = (fix.position, fix.accuracy_m);
            let datum = position.datum().name();
            words::at_place(lang, position.lat(), position.lon(), datum, accuracy)
        }
        Some(Place::CheckIn) => words::at_check_in(lang),
        Some(Place::None { why }) => words::no_place(lang, said::no_place(*why, lang)),
        Some(Place::Unknown(_)) => words::place_later(lang),
    });
    let original = &view.original;
    lines.push(words::original(
        lang,
        &original.file.mime,
        original.width,
        original.height,
        original.file.len,
    ));
    lines.push(words::hash(lang, original.file.sha256));
    lines.push(words::file(lang, said::file_state(view.file, lang)));
    if let Some(path) = &view.path {
        lines.push(words::path(lang, path.display()));
    }
    match (&view.preview, view.no_preview) {
        (Some(path), _) => lines.push(words::preview(lang, path.display())),
        (None, Some(why)) => lines.push(words::no_preview(lang, said::no_preview(why, lang))),
        (None, None) => {}
    }
    lines.extend(view.caption.as_ref().map(|text| words::caption(lang, text)));
    let noticed = view.signals.iter().map(|signal| {
        let other = signal.other.as_ref().map(short_id).unwrap_or_default();
        words::noticed(lang, said::signal(signal, &other, lang))
    });
    lines.extend(noticed);
    if let Some(layer) = &view.layer {
        lines.push(words::drawn(lang, layer.marks.len(), layer.version));
    }
    if let State::Withdrawn { at, reason } = &view.state {
        let time = day_and_time(at, view.tz, lang);
        lines.push(words::withdrawn(lang, time, reason));
    }
    lines
}

fn new_marks(args: &PhotoAnnotate) -> Outcome<Vec<Mark>> {
    let mark = |width, form| Mark {
        ink: args.ink.into(),
        width,
        form,
    };
    let wrong = |text: &String| Own::NotAMark(text.clone());
    let mut marks = Vec::new();
    for text in &args.arrow {
        let (from, to) = two(text).ok_or_else(|| wrong(text))?;
        marks.push(mark(LINE, Form::Arrow { from, to }));
    }
    for text in &args.rect {
        let (from, to) = two(text).ok_or_else(|| wrong(text))?;
        marks.push(mark(LINE, Form::Rect { from, to }));
    }
    for text in &args.stroke {
        let points = points(text).ok_or_else(|| wrong(text))?;
        marks.push(mark(LINE, Form::Stroke { points }));
    }
    for text in &args.text {
        let (at, words) = at_words(text).ok_or_else(|| wrong(text))?;
        let text = words.to_owned();
        marks.push(mark(LETTERS, Form::Text { at, text }));
    }
    Ok(marks)
}

fn two(text: &str) -> Option<(Point, Point)> {
    match points(text)?.as_slice() {
        [from, to] => Some((*from, *to)),
        _ => None,
    }
}

fn points(text: &str) -> Option<Vec<Point>> {
    let numbers: Vec<u16> = text.split(',').map(coordinate).collect::<Option<_>>()?;
    let (pairs, rest) = numbers.as_chunks::<2>();
    let points = pairs.iter().map(|[x, y]| Point(*x, *y)).collect();
    (rest.is_empty() && !pairs.is_empty()).then_some(points)
}

fn at_words(text: &str) -> Option<(Point, &str)> {
    let mut parts = text.splitn(3, ',');
    let (x, y) = (coordinate(parts.next()?)?, coordinate(parts.next()?)?);
    Some((Point(x, y), parts.next()?.trim()))
}

/// A percentage as ten-thousandths.
fn coordinate(text: &str) -> Option<u16> {
    let text = text.trim();
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(part) || part.len() > 2 {
        return None;
    }
    let part = format!("{part:0<2}");
    let value = whole.parse::<u16>().ok()?.checked_mul(100)?;
    let value = value.checked_add(part.parse().ok()?)?;
    (value <= EDGE).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_percentages_and_words_may_hold_commas() {
        assert_eq!(two("0,0,100,45.5"), Some((Point(0, 0), Point(EDGE, 4_550))));
        assert_eq!(points("1,2,3,4.25,5,6").map(|points| points.len()), Some(3));
        assert_eq!(
            at_words("10, 20, empty, again"),
            Some((Point(1_000, 2_000), "empty, again"))
        );
        for wrong in ["", "1", "1,2,3", "-1,2", "101,2", "1.234,2", "a,b", "1,2,"] {
            assert_eq!(points(wrong), None, "{wrong}");
        }
    }
}
