//! GeoJSON (RFC 7946): a line for each run of points, times and accuracies beside the coordinates under `coordinateProperties`, and for each
//! gap a feature without geometry. A line that crosses the antimeridian is not cut there.

use std::io::{Read, Write};

use geojson::{Feature, GeoJson, GeometryValue};
use serde_json::{Value, json};
use waymark_domain::fix::MAX_ACCURACY_M;
use waymark_domain::geo::Wgs84;

use super::{DATUM, Imported, MAX_FILE, Oddity, Part, Point, Reading, Recording};
use super::{source_name, source_of, written};
use crate::error::{ErrorCode, WaymarkError};

/// Writes a recording as a feature collection.
///
/// # Errors
/// What writing may say.
pub fn write(recording: &Recording, out: &mut dyn Write) -> Result<(), WaymarkError> {
    let features: Vec<Value> = recording.parts.iter().filter_map(feature).collect();
    let collection = json!({ "type": "FeatureCollection", "name": recording.name, "datum": DATUM, "features": features });
    writeln!(out, "{collection}")?;
    out.flush()?;
    Ok(())
}

fn feature(part: &Part) -> Option<Value> {
    let points = match part {
        Part::Gap { reason, from } => {
            let from = from.and_then(written);
            return Some(json!({
                "type": "Feature", "geometry": null, "properties": { "kind": "gap", "reason": reason.name(), "from": from },
            }));
        }
        Part::Points(points) => points,
    };
    let coordinates: Vec<Value> = points.iter().map(coordinate).collect();
    // a line needs two positions
    let geometry = match coordinates.as_slice() {
        [] => return None,
        [alone] => json!({ "type": "Point", "coordinates": alone }),
        _ => json!({ "type": "LineString", "coordinates": coordinates }),
    };
    let each = |of: &dyn Fn(&Point) -> Value| points.iter().map(of).collect::<Vec<Value>>();
    Some(json!({
        "type": "Feature",
        "geometry": geometry,
        "properties": {
            "kind": "track",
            "coordinateProperties": {
                "times": each(&|point| json!(point.at.and_then(written))),
                "accuracies": each(&|point| json!(point.accuracy.map(|(metres, _)| metres))),
                "accuracySources": each(&|point| json!(point.accuracy.map(|(_, source)| source_name(source)))),
            },
        },
    }))
}

fn coordinate(point: &Point) -> Value {
    let (lat, lon) = (point.position.lat(), point.position.lon());
    match point.altitude_m {
        Some(metres) => json!([lon, lat, metres]),
        None => json!([lon, lat]),
    }
}

/// Reads lines and points of a feature collection, with times and accuracies where [`fn@write`] puts them.
///
/// # Errors
/// [`ErrorCode::InvalidInput`], with the number of the feature where there is one; files over [`MAX_FILE`] among them.
pub fn read(input: impl Read) -> Result<Imported, WaymarkError> {
    let unreadable = |what: &str| WaymarkError::new(ErrorCode::InvalidInput, what);
    let mut text = String::new();
    input
        .take(MAX_FILE + 1)
        .read_to_string(&mut text)
        .map_err(|_| unreadable("file: not UTF-8, or unreadable"))?;
    if text.len() as u64 > MAX_FILE {
        return Err(unreadable("file: larger than may be read"));
    }
    let parsed: GeoJson = text.parse().map_err(|_| unreadable("file: not GeoJSON"))?;
    let GeoJson::FeatureCollection(collection) = parsed else {
        return Err(unreadable("file: not a feature collection"));
    };
    let mut reading = Reading::default();
    let foreign = collection.foreign_members.as_ref();
    if let Some(Value::String(name)) = foreign.and_then(|members| members.get("name")) {
        reading.recording.name.clone_from(name);
    }
    let datum = foreign.and_then(|members| members.get("datum"));
    if datum.is_some_and(|datum| datum != DATUM) {
        return Err(unreadable("file: a datum other than WGS-84"));
    }
    for (number, feature) in (1_u64..).zip(&collection.features) {
        read_feature(&mut reading, number, feature)?;
        reading.end_run();
    }
    Ok(reading.finish())
}

fn read_feature(reading: &mut Reading, number: u64, feature: &Feature) -> Result<(), WaymarkError> {
    let wrong = |what: &str| {
        WaymarkError::new(ErrorCode::InvalidInput, format!("feature {number}: {what}"))
    };
    let properties = feature.properties.as_ref();
    let property = |name: &str| properties.and_then(|properties| properties.get(name));
    let points = match feature.geometry.as_ref().map(|geometry| &geometry.value) {
        None if property("kind") == Some(&json!("gap")) => {
            let reason = property("reason").and_then(Value::as_str).unwrap_or("");
            reading.gap(reason, property("from").and_then(Value::as_str));
            return Ok(());
        }
        Some(GeometryValue::LineString { coordinates }) => coordinates.as_slice(),
        Some(GeometryValue::Point { coordinates }) => std::slice::from_ref(coordinates),
        _ => return Err(wrong("neither a line nor a point")),
    };
    let lists = property("coordinateProperties");
    let beside = |list: &str, i: usize| lists.and_then(|lists| lists.get(list)?.get(i));
    for (i, point) in points.iter().enumerate() {
        let (lon, lat, altitude_m) = match point.as_slice() {
            [lon, lat] => (*lon, *lat, None),
            [lon, lat, metres, ..] => (*lon, *lat, Some(*metres)),
            _ => return Err(wrong("a coordinate has too few numbers")),
        };
        let position = Wgs84::new(lat, lon).map_err(|_| wrong("not coordinates in degrees"))?;
        let stated = beside("accuracies", i).and_then(Value::as_f64);
        let metres = stated.filter(|metres| *metres > 0.0 && *metres <= MAX_ACCURACY_M);
        if stated.is_some() && metres.is_none() {
            reading.odd(number, Oddity::BadNumber);
        }
        let source = source_of(beside("accuracySources", i).and_then(Value::as_str));
        let point = Point {
            position,
            at: None,
            altitude_m,
            accuracy: metres.map(|metres| (metres, source)),
        };
        reading.point(number, point, beside("times", i).and_then(Value::as_str))?;
    }
    Ok(())
}
