//! Hand-off of a place to a map app, in the datum that the app reads.
//!
//! - `geo:` is WGS-84 by definition (RFC 5870, section 3.4.2).
//! - AMap: `coordinate=gaode` of uri.amap.com, `dev=0` of its schemes, is GCJ-02 (its URI API pages; `dev=1` would have it convert).
//! - Tencent: `apis.map.qq.com/uri/v1` takes GCJ-02 and nothing else.
//! - Baidu: `coord_type=bd09ll` (its URI API page; left out it is the default, but a wrong one "shifts the place").
//! - Apple: its maps of the mainland are AMap's. No parameter names the datum, and Apple documents none; those who hand over WGS-84 there
//!   report an offset (dpa99c/phonegap-launch-navigator#186). So GCJ-02 in the mainland, which abroad is WGS-84 to the digit.
//! - Google: its documentation says WGS-84, but its street map of the mainland is drawn in GCJ-02, and a pin of WGS-84 stands some 400 m
//!   beside the door. The pin must hit the street: GCJ-02 in the mainland, WGS-84 elsewhere. On the satellite picture it is then off.
//!
//! Apple's and Google's maps of Hong Kong, Macau and Taiwan are not shifted, as far as is known, so the provider setting is not
//! theirs. Nothing of this paragraph and of the two above is promised by either company: look again when they change their maps.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Datum, Position, Regions};

/// A map app, or a way to reach one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum App {
    /// Whatever the phone opens for `geo:`.
    Geo,
    /// AMap (高德地图) in a browser, which offers the app.
    AmapWeb,
    /// AMap's app on Android.
    AmapAndroid,
    /// AMap's app on iOS.
    AmapIos,
    /// Apple Maps.
    Apple,
    /// Google Maps.
    Google,
    /// Baidu (百度地图) in a browser, which offers the app.
    BaiduWeb,
    /// Baidu's app.
    Baidu,
    /// Tencent (腾讯地图) in a browser, which offers the app.
    TencentWeb,
}

impl App {
    /// Every app.
    pub const ALL: [Self; 9] = [
        Self::Geo,
        Self::AmapWeb,
        Self::AmapAndroid,
        Self::AmapIos,
        Self::Apple,
        Self::Google,
        Self::BaiduWeb,
        Self::Baidu,
        Self::TencentWeb,
    ];

    /// The datum that it reads; see the head of this file.
    #[must_use]
    pub const fn datum(self) -> Datum {
        match self {
            Self::Geo => Datum::Wgs84,
            Self::BaiduWeb | Self::Baidu => Datum::Bd09,
            Self::AmapWeb
            | Self::AmapAndroid
            | Self::AmapIos
            | Self::Apple
            | Self::Google
            | Self::TencentWeb => Datum::Gcj02,
        }
    }

    /// Where its maps are shifted, when those of the provider are so in `regions`.
    const fn regions(self, regions: Regions) -> Regions {
        match self {
            Self::Apple | Self::Google => Regions {
                hong_kong: false,
                macau: false,
                taiwan: false,
            },
            _ => regions,
        }
    }
}

/// A link that opens a place in a map app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Which app.
    pub app: App,
    /// What to open.
    pub url: String,
    /// The datum of the numbers in it.
    pub datum: Datum,
}

/// A link for every app. A position of another datum than an app's is converted.
#[must_use]
pub fn links(position: Position, name: &str, regions: Regions) -> Vec<Link> {
    let name = encoded(name.trim());
    App::ALL
        .into_iter()
        .map(|app| {
            let datum = app.datum();
            // what the caller has is read by the caller's setting; what the app is given, by the app's
            let at = if position.datum() == datum && app.regions(regions) == regions {
                position
            } else {
                Position::Wgs84(position.to_wgs84(regions)).in_datum(datum, app.regions(regions))
            };
            // seven decimals are 1 cm
            let (lat, lon) = (format!("{:.7}", at.lat()), format!("{:.7}", at.lon()));
            let url = match app {
                App::Geo if name.is_empty() => format!("geo:{lat},{lon}"),
                // Android's reading of RFC 5870, which otherwise shows no pin
                App::Geo => format!("geo:{lat},{lon}?q={lat},{lon}({name})"),
                App::AmapWeb => format!("https://uri.amap.com/marker?position={lon},{lat}&name={name}&src=waymark&coordinate=gaode&callnative=1"),
                App::AmapAndroid => format!("androidamap://viewMap?sourceApplication=waymark&poiname={name}&lat={lat}&lon={lon}&dev=0"),
                App::AmapIos => format!("iosamap://viewMap?sourceApplication=waymark&poiname={name}&lat={lat}&lon={lon}&dev=0"),
                App::Apple => format!("https://maps.apple.com/?ll={lat},{lon}&q={name}"),
                App::Google => format!("https://www.google.com/maps/search/?api=1&query={lat}%2C{lon}"),
                App::BaiduWeb => format!("https://api.map.baidu.com/marker?location={lat},{lon}&title={name}&content={name}&output=html&coord_type=bd09ll&src=waymark"),
                App::Baidu => format!("baidumap://map/marker?location={lat},{lon}&title={name}&content={name}&coord_type=bd09ll&src=waymark"),
                App::TencentWeb => format!("https://apis.map.qq.com/uri/v1/marker?marker=coord:{lat},{lon};title:{name};addr:{name}&referer=waymark"),
            };
            Link { app, url, datum }
        })
        .collect()
}

/// Percent-encoded UTF-8; only what RFC 3986 calls unreserved stays.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // writing to a String does not fail
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(link: &Link) -> (f64, f64) {
        let mut found = link
            .url
            .replace("%2C", ",")
            .split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'))
            .filter(|part| part.contains('.'))
            .filter_map(|part| part.parse().ok())
            .collect::<Vec<f64>>();
        found.truncate(2);
        if link.app == App::AmapWeb {
            (found[1], found[0])
        } else {
            (found[0], found[1])
        }
    }

    #[test]
    fn every_app_gets_the_numbers_of_its_own_datum() {
        // facts.md §5.3: one place in three datums
        let place = Position::new(Datum::Wgs84, 39.9087, 116.3975).unwrap();
        let must = |app| match app {
            App::Geo => (39.908_7, 116.397_5),
            App::AmapWeb
            | App::AmapAndroid
            | App::AmapIos
            | App::Apple
            | App::Google
            | App::TencentWeb => (39.910_103_5, 116.403_743_6),
            App::BaiduWeb | App::Baidu => (39.916_442_8, 116.410_116_6),
        };
        for datum in [Datum::Wgs84, Datum::Gcj02, Datum::Bd09] {
            let links = links(
                place.in_datum(datum, Regions::default()),
                "天安门",
                Regions::default(),
            );
            assert_eq!(links.len(), App::ALL.len());
            for link in links {
                let (lat, lon) = must(link.app);
                let is = numbers(&link);
                assert!(
                    (is.0 - lat).abs() < 1.1e-7 && (is.1 - lon).abs() < 1.1e-7,
                    "{link:?}"
                );
                assert_eq!(link.datum, link.app.datum());
            }
        }
    }

    #[test]
    fn abroad_only_baidu_gets_other_numbers() {
        for link in links(
            Position::new(Datum::Wgs84, 43.7311, 7.4197).unwrap(),
            "Port",
            Regions::default(),
        ) {
            assert_eq!(
                numbers(&link) == (43.7311, 7.4197),
                link.datum != Datum::Bd09,
                "{link:?}"
            );
        }
    }

    #[test]
    fn apple_and_google_do_not_shift_hong_kong_whatever_the_other_provider_does() {
        let place = Position::new(Datum::Wgs84, 22.28, 114.16).unwrap();
        let regions = Regions {
            hong_kong: true,
            ..Regions::default()
        };
        for given in [place, place.in_datum(Datum::Gcj02, regions)] {
            for link in links(given, "", regions) {
                let same = matches!(link.app, App::Geo | App::Apple | App::Google);
                assert_eq!(numbers(&link) == (22.28, 114.16), same, "{link:?}");
            }
        }
    }

    #[test]
    fn a_name_cannot_break_out_of_its_place() {
        let place = Position::new(Datum::Wgs84, 1.5, 2.5).unwrap();
        for link in links(place, " 店 & Söhne?x=1#; (ü) ", Regions::default()) {
            if link.app != App::Google {
                assert!(
                    link.url
                        .contains("%E5%BA%97%20%26%20S%C3%B6hne%3Fx%3D1%23%3B%20%28%C3%BC%29"),
                    "{link:?}"
                );
            }
            assert!(
                link.url.is_ascii() && !link.url.contains([' ', '#']),
                "{link:?}"
            );
        }
    }
}
