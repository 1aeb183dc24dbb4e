//! GeoJSON (RFC 7946): a feature collection of points, WGS-84 by the standard. The properties are named as the columns of a CSV file.

use geojson::{Feature, GeoJson, GeometryValue, JsonObject};
use serde_json::Value;
use waymark_domain::customer::Customer;
use waymark_domain::geo::{Datum, Position};

use super::{Row, Wrong, filled};
use crate::error::{ErrorCode, WaymarkError};

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Row>, WaymarkError> {
    let unreadable = |what: &str| WaymarkError::new(ErrorCode::InvalidInput, what);
    let text = std::str::from_utf8(bytes).map_err(|_| unreadable("file: not UTF-8"))?;
    let parsed: GeoJson = text.parse().map_err(|_| unreadable("file: not GeoJSON"))?;
    let GeoJson::FeatureCollection(collection) = parsed else {
        return Err(unreadable("file: not a feature collection"));
    };
    let numbered = (1_u64..).zip(&collection.features);
    Ok(numbered
        .map(|(number, feature)| Row {
            number,
            customer: customer(feature),
        })
        .collect())
}

fn customer(feature: &Feature) -> Result<Customer, (String, Wrong)> {
    let point = match feature.geometry.as_ref().map(|geometry| &geometry.value) {
        Some(GeometryValue::Point { coordinates }) => coordinates,
        _ => return Err(("geometry".to_owned(), Wrong::NotAPoint)),
    };
    let position = match point.as_slice() {
        [lon, lat, ..] => Position::new(Datum::Wgs84, *lat, *lon).ok(),
        _ => None,
    };
    let position = position.ok_or(("geometry".to_owned(), Wrong::NotACoordinate))?;
    let nothing = JsonObject::new();
    let properties = feature.properties.as_ref().unwrap_or(&nothing);
    let text = |name: &str| match properties.get(name) {
        Some(Value::String(text)) => filled(text),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let own_id = feature.id.as_ref().map(|id| match id {
        geojson::feature::Id::String(text) => text.clone(),
        geojson::feature::Id::Number(number) => number.to_string(),
    });
    Ok(Customer {
        position: Some(position),
        address: text("address"),
        phone: text("phone"),
        category: text("category"),
        hours: text("opening_hours"),
        external: own_id.or_else(|| text("id")),
        tags: text("tags")
            .unwrap_or_default()
            .split(';')
            .filter_map(filled)
            .collect(),
        ..Customer::named(&text("name").unwrap_or_default())
    })
}
