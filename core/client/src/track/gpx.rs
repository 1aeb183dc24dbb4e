//! GPX 1.1, and 1.0 when reading. The datum, accuracies and gaps are extensions of our own namespace; each gap is a segment without points, so that no
//! program draws a line across it.

use std::io::{BufRead, Write};
use std::rc::Rc;

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::{NsReader, XmlVersion};
use waymark_domain::fix::{AccuracySource, MAX_ACCURACY_M};
use waymark_domain::geo::Wgs84;

use super::metered::{Meter, Metered};
use super::{DATUM, Imported, MAX_FILE, Oddity, Part, Point, Reading, Recording};
use super::{source_name, source_of, written, wrong};
use crate::error::WaymarkError;

/// The namespace of our extensions.
pub const NAMESPACE: &str = "urn:waymark:track:1";

/// Deepest nesting; GPX with extensions has eight levels.
const MAX_DEPTH: usize = 32;
/// Longest name of a recording that is kept, characters.
const MAX_NAME: usize = 500;
/// Largest single tag or text, bytes.
const MAX_PIECE: usize = 256 * 1024;

/// Writes a recording as GPX 1.1.
///
/// # Errors
/// What writing may say.
pub fn write(recording: &Recording, out: &mut dyn Write) -> Result<(), WaymarkError> {
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<gpx version="1.1" creator="Waymark" xmlns="http://www.topografix.com/GPX/1/1" xmlns:wm="{NAMESPACE}">"#
    )?;
    writeln!(
        out,
        "<trk><name>{}</name><extensions><wm:datum>{DATUM}</wm:datum></extensions>",
        escaped(&recording.name)
    )?;
    for part in &recording.parts {
        match part {
            Part::Gap { reason, from } => {
                let from = from.and_then(written);
                let from = from
                    .map(|from| format!(r#" from="{from}""#))
                    .unwrap_or_default();
                let reason = reason.name();
                writeln!(
                    out,
                    r#"<trkseg><extensions><wm:gap reason="{reason}"{from}/></extensions></trkseg>"#
                )?;
            }
            Part::Points(points) => {
                writeln!(out, "<trkseg>")?;
                for point in points {
                    write_point(point, out)?;
                }
                writeln!(out, "</trkseg>")?;
            }
        }
    }
    writeln!(out, "</trk></gpx>")?;
    out.flush()?;
    Ok(())
}

fn write_point(point: &Point, out: &mut dyn Write) -> Result<(), WaymarkError> {
    // `{}` writes the shortest decimal that reads back as the same float
    let (lat, lon) = (point.position.lat(), point.position.lon());
    write!(out, r#"<trkpt lat="{lat}" lon="{lon}">"#)?;
    if let Some(metres) = point.altitude_m {
        write!(out, "<ele>{metres}</ele>")?;
    }
    if let Some(at) = point.at.and_then(written) {
        write!(out, "<time>{at}</time>")?;
    }
    if let Some((metres, source)) = point.accuracy {
        let source = source_name(source);
        write!(
            out,
            r#"<extensions><wm:accuracy source="{source}">{metres}</wm:accuracy></extensions>"#
        )?;
    }
    writeln!(out, "</trkpt>")?;
    Ok(())
}

/// Text for XML: markup escaped, characters that XML cannot hold left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' | '\n' => escaped.push(c),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c < ' ' => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// Reads the tracks of a GPX file as it streams by. Way points and routes are left aside. Times that are missing or wrong are told and the
/// points kept; a point without a place, a document type (which could define entities), an unknown entity, nesting or pieces without
/// end, a file over [`MAX_FILE`] and anything that is no XML are refused.
///
/// # Errors
/// [`crate::ErrorCode::InvalidInput`], with the line.
pub fn read(input: impl BufRead) -> Result<Imported, WaymarkError> {
    let meter = Rc::new(Meter::default());
    let metered = Metered::new(input, Rc::clone(&meter), MAX_PIECE, MAX_FILE);
    let mut xml = NsReader::from_reader(metered);
    xml.config_mut().expand_empty_elements = true;
    let mut gpx = Gpx::default();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        meter.next_piece();
        let line = meter.line();
        let unreadable = |error: &quick_xml::Error| match error {
            quick_xml::Error::Io(_) => wrong(meter.line(), "more than may be read, or unreadable"),
            _ => wrong(meter.line(), "not well-formed XML"),
        };
        let (namespace, event) = xml
            .read_resolved_event_into(&mut buffer)
            .map_err(|error| unreadable(&error))?;
        let ours = matches!(namespace, ResolveResult::Bound(Namespace(uri)) if uri == NAMESPACE);
        match event {
            Event::Start(tag) => gpx.open(line, &tag, ours)?,
            Event::End(_) => gpx.close(line)?,
            Event::Text(text) => gpx.text.push_str(&text.xml10_content()),
            Event::CData(text) => gpx.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => gpx.reference(line, &reference)?,
            Event::DocType(_) => return Err(wrong(line, "a document type is not allowed")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Empty(_) => return Err(wrong(line, "not well-formed XML")),
            Event::Eof => break,
        }
    }
    if !gpx.open.is_empty() || !gpx.root {
        return Err(wrong(meter.line(), "the file ends too early, or is no GPX"));
    }
    Ok(gpx.reading.finish())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tag {
    Gpx,
    Track,
    Name,
    Segment,
    Point,
    Time,
    Elevation,
    TrackExtensions,
    Datum,
    Extensions,
    Accuracy,
    Other,
}

/// What is known of the point that is being read.
struct Half {
    line: u64,
    point: Point,
    time: Option<String>,
}

#[derive(Default)]
struct Gpx {
    reading: Reading,
    open: Vec<Tag>,
    root: bool,
    text: String,
    half: Option<Half>,
    source: Option<AccuracySource>,
}

impl Gpx {
    fn open(&mut self, line: u64, tag: &BytesStart<'_>, ours: bool) -> Result<(), WaymarkError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(wrong(line, "nested too deeply"));
        }
        self.text.clear();
        let local = tag.local_name();
        let local: &str = local.as_ref();
        let tag_now = match (self.open.last().copied(), local) {
            (None, "gpx") if !self.root => Tag::Gpx,
            (None, _) => return Err(wrong(line, "not a GPX file")),
            (Some(Tag::Gpx), "trk") => Tag::Track,
            (Some(Tag::Track), "name") => Tag::Name,
            (Some(Tag::Track), "trkseg") => Tag::Segment,
            (Some(Tag::Segment), "trkpt") => Tag::Point,
            (Some(Tag::Point), "time") => Tag::Time,
            (Some(Tag::Point), "ele") => Tag::Elevation,
            (Some(Tag::Track), "extensions") => Tag::TrackExtensions,
            (Some(Tag::TrackExtensions), "datum") if ours => Tag::Datum,
            (Some(Tag::Point | Tag::Segment), "extensions") => Tag::Extensions,
            (Some(Tag::Extensions), "accuracy") if ours && self.half.is_some() => Tag::Accuracy,
            (Some(Tag::Extensions), "gap") if ours && self.half.is_none() => {
                let [reason, from] = attributes(line, tag, ["reason", "from"])?;
                self.reading
                    .gap(reason.as_deref().unwrap_or(""), from.as_deref());
                Tag::Other
            }
            _ => Tag::Other,
        };
        match tag_now {
            Tag::Gpx => self.root = true,
            Tag::Point => {
                let [lat, lon] = attributes(line, tag, ["lat", "lon"])?;
                let degrees = |text: Option<String>| text?.trim().parse::<f64>().ok();
                let position = degrees(lat).zip(degrees(lon));
                let position = position
                    .and_then(|(lat, lon)| Wgs84::new(lat, lon).ok())
                    .ok_or_else(|| wrong(line, "lat and lon are no coordinates in degrees"))?;
                self.half = Some(Half {
                    line,
                    point: Point {
                        position,
                        at: None,
                        altitude_m: None,
                        accuracy: None,
                    },
                    time: None,
                });
            }
            Tag::Accuracy => {
                let [source] = attributes(line, tag, ["source"])?;
                self.source = Some(source_of(source.as_deref()));
            }
            _ => {}
        }
        self.open.push(tag_now);
        Ok(())
    }

    fn close(&mut self, line: u64) -> Result<(), WaymarkError> {
        let text = std::mem::take(&mut self.text);
        match (self.open.pop(), &mut self.half) {
            (Some(Tag::Name), _) if self.reading.recording.name.is_empty() => {
                self.reading.recording.name = text.chars().take(MAX_NAME).collect();
            }
            (Some(Tag::Datum), _) if text.trim() != DATUM => {
                return Err(wrong(line, "a datum other than WGS-84"));
            }
            (Some(Tag::Segment), _) => self.reading.end_run(),
            (Some(Tag::Time), Some(half)) => half.time = Some(text),
            (Some(Tag::Elevation), Some(half)) => {
                let metres = number(&text);
                half.point.altitude_m = metres;
                if metres.is_none() {
                    self.reading.odd(line, Oddity::BadNumber);
                }
            }
            (Some(Tag::Accuracy), Some(half)) => {
                let metres = number(&text).filter(|m| *m > 0.0 && *m <= MAX_ACCURACY_M);
                half.point.accuracy = metres.zip(self.source);
                if metres.is_none() {
                    self.reading.odd(line, Oddity::BadNumber);
                }
            }
            (Some(Tag::Point), _) => {
                if let Some(half) = self.half.take() {
                    self.reading
                        .point(half.line, half.point, half.time.as_deref())?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A character by number, or one of XML's own five names. Nothing else exists without a document type.
    fn reference(
        &mut self,
        line: u64,
        reference: &quick_xml::events::BytesRef<'_>,
    ) -> Result<(), WaymarkError> {
        let unknown = || wrong(line, "an entity that XML does not know");
        let by_number = reference.resolve_char_ref().map_err(|_| unknown())?;
        let name = reference.xml10_content();
        let by_name = || quick_xml::escape::resolve_xml_entity(&name);
        match by_number {
            Some(c) => self.text.push(c),
            None => self.text.push_str(by_name().ok_or_else(unknown)?),
        }
        Ok(())
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

/// The named attributes of a tag.
fn attributes<const N: usize>(
    line: u64,
    tag: &BytesStart<'_>,
    names: [&str; N],
) -> Result<[Option<String>; N], WaymarkError> {
    let mut values = [const { None }; N];
    for attribute in tag.attributes() {
        let malformed = || wrong(line, "not well-formed XML");
        let attribute = attribute.map_err(|_| malformed())?;
        let local = attribute.key.local_name();
        let local: &str = local.as_ref();
        if let Some((_, value)) = names
            .iter()
            .zip(&mut values)
            .find(|(name, _)| **name == local)
        {
            let text = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|_| malformed())?;
            *value = Some(text.into_owned());
        }
    }
    Ok(values)
}
