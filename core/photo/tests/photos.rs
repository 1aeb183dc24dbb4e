//! Real pictures, read by a decoder that is not ours.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::io::Cursor;
use std::path::PathBuf;

use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, ImageReader, RgbImage};
use waymark_domain::photo::signals::SAME_BITS;
use waymark_photo::{
    Corner, Error, Facts, Language, Logo, Method, Mode, Order, Report, SealKey, Shape,
    THUMBNAIL_BYTES, Template, Text, Why, camera, looks, restore, stamp, thumbnail,
};

const KEY: SealKey = SealKey {
    key: [7; 32],
    nonce: [9; 12],
};

fn fixture(name: &str) -> Vec<u8> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/photos");
    std::fs::read(root.join(name)).unwrap()
}

fn facts() -> Facts {
    serde_json::from_str(
        r#"{
            "time": {"at": "2026-11-22T14:35:08.250+08:00", "plus_minus_s": 2, "verified": true},
            "position": {"lat": 30.274085, "lon": 120.15507, "accuracy_m": 12, "altitude_m": -12.5, "heading_deg": 271.5, "dop": 1.2},
            "source": "camera",
            "texts": {
                "address": {"is": "浙江省杭州市西湖区文三路478号华星时代广场A座1203室"},
                "customer": {"is": "杭州鑫源百货商行"},
                "rep": {"is": "王小明"}
            }
        }"#,
    )
    .unwrap()
}

/// One short line, so that it fits on small pictures.
fn short() -> Template {
    Template::from_json(br#"{"language": "zh-Hans", "fields": [{"key": "rep"}]}"#).unwrap()
}

fn stamped(data: &[u8], mode: Mode, template: &Template) -> Result<(Vec<u8>, Report), Error> {
    let facts = facts();
    let order = Order {
        mode,
        template,
        facts: &facts,
        seal: Some(&KEY),
        device_font: None,
        mark: None,
    };
    let stamped = stamp(data, &order)?;
    let mut out = Vec::new();
    stamped.write_to(&mut out).unwrap();
    Ok((out, stamped.report().clone()))
}

/// As it is shown, read by the crate `image`.
fn shown(data: &[u8], orientation: u8) -> RgbImage {
    let mut picture = ImageReader::with_format(Cursor::new(data), ImageFormat::Jpeg)
        .decode()
        .unwrap();
    picture.apply_orientation(Orientation::from_exif(orientation).unwrap());
    picture.into_rgb8()
}

/// The whole segments before the picture, with their markers.
fn segments(data: &[u8]) -> Vec<(u8, &[u8])> {
    let mut at = 2;
    let mut found = Vec::new();
    while data[at + 1] != 0xDA {
        let length = usize::from(u16::from_be_bytes([data[at + 2], data[at + 3]]));
        found.push((data[at + 1], &data[at..at + 2 + length]));
        at += 2 + length;
    }
    found
}

/// No pixel outside the band differs, many inside do, the original comes back, and of the segments only EXIF and our own differ.
fn check_in_place(data: &[u8], template: &Template, orientation: u8) -> Report {
    let (out, report) = stamped(data, Mode::Evidence, template).unwrap();
    let Method::InPlace {
        tables_extended, ..
    } = report.method
    else {
        unreachable!("{report:?}");
    };
    let (before, after) = (shown(data, orientation), shown(&out, orientation));
    assert_eq!(before.dimensions(), after.dimensions());
    let (mut outside, mut inside) = (0, 0);
    for ((x, y, a), b) in before.enumerate_pixels().zip(after.pixels()) {
        let (x, y) = (x as usize, y as usize);
        let band = report.band;
        let within = (band.left..band.right).contains(&x) && (band.top..band.bottom).contains(&y);
        if a != b && within {
            inside += 1;
        } else if a != b {
            outside += 1;
        }
    }
    assert_eq!(outside, 0, "{report:?}");
    assert!(inside > 100, "{inside} {report:?}");
    assert!(report.band.height() <= report.size.1 / 4 + 1, "{report:?}");

    assert!(restore(&out, &KEY.key).unwrap() == data);

    let ours = |segment: &(u8, &[u8])| segment.0 == 0xE9 && segment.1[4..].starts_with(b"WAYMARK");
    let exif = |segment: &(u8, &[u8])| segment.0 == 0xE1 && segment.1[4..].starts_with(b"Exif");
    let tables = |segment: &(u8, &[u8])| tables_extended && segment.0 == 0xC4;
    // the table of further pictures says where they lie now; it has a test of its own
    let further = |segment: &(u8, &[u8])| segment.0 == 0xE2 && segment.1[4..].starts_with(b"MPF");
    let rest = |data| -> Vec<(u8, Vec<u8>)> {
        segments(data)
            .into_iter()
            .filter(|segment| !ours(segment) && !exif(segment))
            .filter(|segment| !tables(segment) && !further(segment))
            .map(|(marker, bytes)| (marker, bytes.to_vec()))
            .collect()
    };
    assert_eq!(rest(data), rest(&out));
    assert!(segments(&out).iter().any(exif), "EXIF is there");
    report
}

/// A picture of 320 by 240, or 240 by 320, in 4:2:0 with EXIF that states its orientation.
fn made(width: u32, height: u32, orientation: u8, pixel: [u8; 3]) -> Vec<u8> {
    let picture = RgbImage::from_pixel(width, height, image::Rgb(pixel));
    let mut png = Cursor::new(Vec::new());
    DynamicImage::from(picture)
        .write_to(&mut png, ImageFormat::Png)
        .unwrap();
    turned(thumbnail(png.get_ref()).unwrap(), orientation)
}

/// A JPEG without EXIF, to be shown in this orientation.
fn turned(mut jpeg: Vec<u8>, orientation: u8) -> Vec<u8> {
    let mut exif =
        b"\xFF\xE1\0\x22Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    jpeg.splice(2..2, exif);
    jpeg
}

fn find(haystack: &[u8], needle: &[u8]) -> usize {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
        .unwrap()
}

#[test]
fn a_photo_of_18_megapixels_changes_under_the_stamp_alone_and_comes_back_whole() {
    let data = fixture("canon_422_18mp.jpg");
    let template = Template {
        language: Language::ZhHans,
        ..Template::default()
    };
    let report = check_in_place(&data, &template, 1);
    assert_eq!(report.size, (5184, 3456));
    assert_eq!((report.band.left, report.band.right), (0, 5184));
    assert_eq!(report.missing_fields, []);
}

#[test]
fn every_kind_of_baseline_jpeg_is_stamped_in_place() {
    for (name, corner) in [
        ("flower_444_icc_thumb.jpg", Corner::BottomLeft),
        ("adobe_rgb_no_ycc.jpg", Corner::TopLeft),
        ("no_exif.jpg", Corner::BottomRight),
        ("nokia_n70_422_iptc.jpg", Corner::TopRight),
        ("nintendo3ds_mpo.jpg", Corner::BottomLeft),
        ("grayscale_small.jpg", Corner::BottomLeft),
    ] {
        for shape in [Shape::Band, Shape::Block] {
            let template = Template {
                corner,
                shape,
                ..short()
            };
            let report = check_in_place(&fixture(name), &template, 1);
            assert_eq!(
                report.band.top == 0,
                matches!(corner, Corner::TopLeft | Corner::TopRight),
                "{name}"
            );
        }
    }
}

#[test]
fn the_stamp_is_shown_upright_in_every_orientation_and_nothing_else_changes() {
    let mut texts = Vec::new();
    for orientation in 1..=8 {
        let (width, height) = if orientation < 5 {
            (320, 240)
        } else {
            (240, 320)
        };
        let data = made(width, height, orientation, [90, 120, 100]);
        for (corner, shape) in [
            (Corner::BottomLeft, Shape::Band),
            (Corner::TopRight, Shape::Block),
        ] {
            let template = Template {
                corner,
                shape,
                ..short()
            };
            let report = check_in_place(&data, &template, orientation);
            assert_eq!(report.size, (320, 240));
            if corner == Corner::TopRight && orientation == 1 {
                assert_eq!(report.band.right, 320);
            }
            let (out, _) = stamped(&data, Mode::Evidence, &template).unwrap();
            let picture = shown(&out, orientation);
            let letters: Vec<(u32, u32)> = picture
                .enumerate_pixels()
                .filter(|(x, y, pixel)| {
                    let (x, y) = (*x as usize, *y as usize);
                    let band = report.band;
                    pixel.0[1] > 120
                        && (band.left..band.right).contains(&x)
                        && (band.top..band.bottom).contains(&y)
                })
                .map(|(x, y, _)| (x, y))
                .collect();
            if corner == Corner::TopRight {
                texts.push(letters);
            }
        }
    }
    // the same letters at the same places, but for single pixels at their rims, which JPEG rounds one way or the other
    for letters in &texts {
        assert!(letters.len() > 200, "{}", letters.len());
        let near = |a: &(u32, u32), b: &(u32, u32)| a.0.abs_diff(b.0) + a.1.abs_diff(b.1) <= 1;
        let missing = texts[0]
            .iter()
            .filter(|dot| !letters.iter().any(|letter| near(dot, letter)))
            .count();
        assert!(
            missing * 50 < texts[0].len(),
            "{missing} of {}",
            texts[0].len()
        );
    }
}

#[test]
fn white_letters_stand_out_from_a_white_picture() {
    let data = made(320, 240, 1, [255; 3]);
    let template = Template {
        plate_opacity: 55,
        ..short()
    };
    let (out, report) = stamped(&data, Mode::Evidence, &template).unwrap();
    let picture = shown(&out, 1);
    let luminance = |value: u8| {
        let s = f64::from(value) / 255.0;
        if s <= 0.04045 {
            s / 12.92
        } else {
            ((s + 0.055) / 1.055).powf(2.4)
        }
    };
    // the far end of the band, where nothing is written
    let plate = picture
        .rows()
        .nth(report.band.top + 8)
        .unwrap()
        .nth(310)
        .unwrap()
        .0[1];
    let contrast = 1.05 / (luminance(plate) + 0.05);
    assert!(contrast >= 4.5, "{plate} {contrast}");
    let brightest = picture
        .rows()
        .skip(report.band.top)
        .flatten()
        .map(|p| p.0[1])
        .max();
    assert!(brightest > Some(235), "{brightest:?}");
}

#[test]
fn a_picture_without_room_for_letters_is_refused() {
    let data = fixture("restart_markers.jpg");
    assert!(matches!(
        stamped(&data, Mode::Evidence, &short()),
        Err(Error::TooSmall { .. })
    ));
}

#[test]
fn what_is_no_baseline_jpeg_is_encoded_anew_and_says_why() {
    for (name, why) in [
        ("progressive3.jpg", Why::Progressive),
        ("flower_exif.webp", Why::NotJpeg),
        ("hopper.png", Why::NotJpeg),
        ("orientation_6.webp", Why::NotJpeg),
    ] {
        let (out, report) = stamped(&fixture(name), Mode::Evidence, &short()).unwrap();
        assert_eq!(report.method, Method::Reencoded { why }, "{name}");
        assert_eq!(report.sealed_bytes, 0);
        let picture = shown(&out, 1);
        assert_eq!(
            (picture.width() as usize, picture.height() as usize),
            report.size
        );
        assert!(matches!(restore(&out, &KEY.key), Err(Error::NotSealed)));
    }
    let cmyk = stamped(
        &fixture("cmyk_adobe_xmp_thumb.jpg"),
        Mode::Evidence,
        &short(),
    )
    .unwrap();
    assert_eq!(
        cmyk.1.method,
        Method::Reencoded {
            why: Why::Components
        }
    );
}

#[test]
fn a_copy_is_smaller_and_a_canvas_covers_nothing() {
    let data = fixture("canon_422_18mp.jpg");
    let template = Template::default();
    let (out, report) = stamped(&data, Mode::Copy, &template).unwrap();
    assert_eq!(report.size, (1920, 1280));
    assert_eq!(shown(&out, 1).dimensions(), (1920, 1280));
    assert!(out.len() < 600_000, "{}", out.len());
    let larger = Template::from_json(br#"{"copy_long_side": 2560}"#).unwrap();
    let (_, report) = stamped(&data, Mode::Copy, &larger).unwrap();
    assert_eq!(report.size, (2560, 1707));
    for wrong in ["639", "8193"] {
        let json = format!(r#"{{"copy_long_side": {wrong}}}"#);
        assert!(Template::from_json(json.as_bytes()).is_err(), "{wrong}");
    }
    let thumb = thumbnail(&out).unwrap();
    assert!(thumb.len() <= THUMBNAIL_BYTES, "{}", thumb.len());
    assert_eq!(shown(&thumb, 1).dimensions(), (320, 213));

    let small = fixture("flower_444_icc_thumb.jpg");
    let (out, report) = stamped(&small, Mode::Canvas, &template).unwrap();
    let (before, after) = (shown(&small, 1), shown(&out, 1));
    assert_eq!(report.band.top, 226, "below the picture's 225 rows");
    assert_eq!(after.height() as usize, report.size.1);
    let far = before
        .enumerate_pixels()
        .filter(|(x, y, pixel)| {
            let other = after.get_pixel(*x, *y);
            pixel.0.iter().zip(other.0).any(|(a, b)| a.abs_diff(b) > 48)
        })
        .count();
    assert!(far * 200 < 300 * 225, "{far} pixels far from the original");
}

#[test]
fn what_cannot_be_read_is_refused_with_its_reason() {
    let refused = |data: &[u8]| {
        stamped(data, Mode::Evidence, &short())
            .map(|_| ())
            .unwrap_err()
    };
    assert!(matches!(refused(&fixture("hopper.heif")), Error::Heic));
    assert!(matches!(refused(b""), Error::UnknownFormat));
    assert!(matches!(refused(b"hello, world"), Error::UnknownFormat));
    assert!(matches!(
        refused(&fixture("qtables_16bit.jpg")),
        Error::TooSmall { .. }
    ));
    assert!(matches!(
        refused(&fixture("gray_sampling_2x2.jpg")),
        Error::TooSmall { .. }
    ));
    for name in [
        "truncated_jpeg",
        "imagetestsuite_08",
        "invalid_dimensions",
        "missing_sos",
        "null_height",
        "max_size",
    ] {
        let error = refused(&fixture(&format!("broken/{name}.jpg")));
        assert!(
            matches!(error, Error::Damaged(_) | Error::PictureTooLarge { .. }),
            "{name}: {error:?}"
        );
    }
}

#[test]
fn what_is_stamped_is_not_stamped_again() {
    let (out, report) =
        stamped(&fixture("nokia_n70_422_iptc.jpg"), Mode::Evidence, &short()).unwrap();
    assert!(
        matches!(report.exif, waymark_photo::ExifOutcome::Set(ref names) if names.contains(&"GPSMapDatum"))
    );
    assert!(matches!(
        stamped(&out, Mode::Evidence, &short()),
        Err(Error::AlreadyStamped)
    ));
    assert!(matches!(
        stamped(&out, Mode::Canvas, &short()),
        Err(Error::AlreadyStamped)
    ));
}

#[test]
fn another_key_a_changed_picture_and_a_lost_piece_are_told_apart() {
    let data = fixture("flower_444_icc_thumb.jpg");
    let (out, report) = stamped(&data, Mode::Evidence, &short()).unwrap();
    assert!(report.sealed_bytes > 1000);
    assert!(matches!(restore(&out, &[8; 32]), Err(Error::WrongKey)));
    assert!(matches!(restore(&data, &KEY.key), Err(Error::NotSealed)));
    // a bit in the picture, outside what the stamp covers
    let mut changed = out.clone();
    let scan = changed
        .windows(2)
        .rposition(|pair| pair == [0xFF, 0xDA])
        .unwrap();
    changed[scan + 200] ^= 1;
    assert!(matches!(restore(&changed, &KEY.key), Err(Error::Changed)));
    // a bit in the sealed part
    let mut changed = out.clone();
    let at = find(&changed, b"WAYMARK\0S") + 100;
    changed[at] ^= 1;
    assert!(matches!(restore(&changed, &KEY.key), Err(Error::WrongKey)));
}

#[test]
fn characters_that_no_font_has_are_reported() {
    let mut facts = facts();
    facts
        .texts
        .insert("rep".to_owned(), Text::Is("王\u{1F600}ใ".to_owned()));
    let template = short();
    let order = Order {
        mode: Mode::Evidence,
        template: &template,
        facts: &facts,
        seal: None,
        device_font: None,
        mark: None,
    };
    let data = fixture("no_exif.jpg");
    let stamped = stamp(&data, &order).unwrap();
    assert_eq!(stamped.report().missing_glyphs, ['ใ', '\u{1F600}']);
    assert_eq!(stamped.report().sealed_bytes, 0);
    let wrong = Order {
        device_font: Some(b"no font"),
        ..order
    };
    assert!(matches!(stamp(&data, &wrong), Err(Error::Font)));
}

#[test]
fn numbers_out_of_range_are_refused() {
    let data = fixture("no_exif.jpg");
    for (field, value) in [
        ("lat", "91"),
        ("lon", "-181"),
        ("altitude_m", "1e9"),
        ("accuracy_m", "-1"),
        ("heading_deg", "361"),
    ] {
        let mut position = serde_json::json!({"lat": 1.0, "lon": 1.0});
        position[field] = serde_json::from_str(value).unwrap();
        let facts: Facts =
            serde_json::from_value(serde_json::json!({ "position": position })).unwrap();
        let template = short();
        let order = Order {
            mode: Mode::Evidence,
            template: &template,
            facts: &facts,
            seal: None,
            device_font: None,
            mark: None,
        };
        assert!(
            matches!(stamp(&data, &order), Err(Error::Value(_))),
            "{field}"
        );
    }
}

#[test]
fn a_picture_is_known_again_smaller_mirrored_turned_and_cut_and_not_taken_for_another() {
    let picture = image::load_from_memory(&fixture("flower_444_icc_thumb.jpg")).unwrap();
    let jpeg = |picture: &DynamicImage| {
        let mut bytes = Cursor::new(Vec::new());
        let rgb = picture.to_rgb8();
        rgb.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    };
    let kept = looks(&fixture("flower_444_icc_thumb.jpg"))
        .unwrap()
        .unwrap()
        .upright;
    let (width, height) = (picture.width(), picture.height());
    let cut = picture.crop_imm(width / 20, height / 20, width * 9 / 10, height * 9 / 10);
    for again in [
        picture.thumbnail(160, 160),
        picture.fliph(),
        picture.rotate270(),
        picture.brighten(20),
        cut,
    ] {
        let distance = looks(&jpeg(&again)).unwrap().unwrap().distance(&kept);
        assert!(distance <= SAME_BITS / 2, "{distance}");
    }
    for other in ["nokia_n70_422_iptc.jpg", "hopper.png", "progressive3.jpg"] {
        let distance = looks(&fixture(other)).unwrap().unwrap().distance(&kept);
        assert!(distance > SAME_BITS, "{other} {distance}");
    }
}

#[test]
fn a_blank_picture_looks_like_nothing() {
    let blank = RgbImage::from_pixel(600, 400, image::Rgb([90, 92, 94]));
    let mut bytes = Cursor::new(Vec::new());
    blank.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    assert!(looks(&bytes.into_inner()).unwrap().is_none());
}

#[test]
fn what_the_camera_wrote_is_read_and_a_broken_block_gives_nothing() {
    let read = camera(&fixture("canon_422_18mp.jpg")).unwrap();
    assert_eq!(read.camera.make.as_deref(), Some("Canon"));
    assert_eq!(read.camera.model.as_deref(), Some("Canon EOS 1300D"));
    // 2019-10-26 16:07:24, wherever that was
    assert_eq!(read.camera.wall_ms, Some(1_572_106_044_000));
    assert!(read.place.is_none());
    let (stamped, _) = stamped(&fixture("no_exif.jpg"), Mode::Evidence, &short()).unwrap();
    let read = camera(&stamped).unwrap();
    let (lat, lon) = read.place.unwrap();
    assert!((lat - 30.274_085).abs() < 1e-6 && (lon - 120.155_07).abs() < 1e-6);
    assert_eq!(read.camera.offset_min, Some(480));
    let ahead = read.camera.wall_ms.unwrap() - read.camera.satellites_ms.unwrap();
    assert_eq!(ahead / 60_000, 480);
    for other in ["broken", "."] {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/photos");
        for entry in std::fs::read_dir(root.join(other)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let _ = camera(&std::fs::read(path).unwrap());
            }
        }
    }
}

/// A white disc on nothing, twice as wide as it is high.
fn logo() -> Logo {
    let disc = image::RgbaImage::from_fn(600, 300, |x, y| {
        let (x, y) = (f64::from(x) / 300.0 - 1.0, f64::from(y) / 150.0 - 1.0);
        let inside = x * x + y * y < 1.0;
        image::Rgba([0, 0, 0, if inside { 255 } else { 0 }])
    });
    let mut png = Cursor::new(Vec::new());
    disc.write_to(&mut png, ImageFormat::Png).unwrap();
    Logo::from_png(png.into_inner()).unwrap()
}

#[test]
fn a_logo_stands_white_on_the_plate_away_from_the_text_in_every_mode_and_orientation() {
    for corner in [Corner::BottomLeft, Corner::TopRight] {
        let template = Template {
            corner,
            logo: Some(logo()),
            ..short()
        };
        for (mode, orientation) in [
            (Mode::Evidence, 1),
            (Mode::Evidence, 6),
            (Mode::Evidence, 7),
            (Mode::Copy, 8),
            (Mode::Canvas, 1),
        ] {
            let plain = RgbImage::from_pixel(1600, 1200, image::Rgb([90, 100, 110]));
            let mut jpeg = Cursor::new(Vec::new());
            plain.write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
            let photo = turned(jpeg.into_inner(), orientation);
            let (out, report) = stamped(&photo, mode, &template).unwrap();
            let orientation = if mode == Mode::Evidence {
                orientation
            } else {
                1
            };
            let picture = shown(&out, orientation);
            let band = report.band;
            let (wide, middle) = (band.width(), usize::midpoint(band.top, band.bottom));
            // the disc is 4 em high and twice as wide; half an em lies between it and the end
            let em = report.em as usize;
            let from_the_end = em / 2 + 4 * em;
            let at =
                |x: usize, y: usize| picture.as_raw()[(y * picture.width() as usize + x) * 3 + 1];
            let centre = match corner {
                Corner::BottomLeft => band.left + wide - from_the_end,
                _ => band.left + from_the_end,
            };
            let about = format!("{corner:?} {mode:?} {orientation} {band:?} {em}");
            assert!(at(centre, middle) > 235, "{about}: {}", at(centre, middle));
            // beside its corner there is plate
            assert!(at(centre + 4 * em - 4, middle + 2 * em - 4) < 90, "{about}");
        }
    }
    let json = serde_json::to_string(&Template {
        logo: Some(logo()),
        ..Template::default()
    });
    let again = Template::from_json(json.unwrap().as_bytes()).unwrap();
    assert_eq!(again.logo, Some(logo()));
    for wrong in [r#"{"logo": "no base64!"}"#, r#"{"logo": "AAAA"}"#] {
        assert!(matches!(
            Template::from_json(wrong.as_bytes()),
            Err(Error::Template(_))
        ));
    }
    assert!(Logo::from_png(vec![0; 50_000]).is_err());
}

/// Where the table of further pictures says that each starts and ends, read byte by byte: the file's is big-endian.
fn pictures(data: &[u8]) -> Vec<std::ops::Range<usize>> {
    let base = find(data, b"MPF\0") + 4;
    let big = &data[base..base + 2] == b"MM";
    let number = |at: usize| {
        let bytes = [data[at], data[at + 1], data[at + 2], data[at + 3]];
        let number = if big {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        };
        number as usize
    };
    let entry = data[base..]
        .windows(2)
        .position(|tag| tag == if big { [0xB0, 0x02] } else { [0x02, 0xB0] })
        .unwrap();
    let (bytes, from) = (number(base + entry + 4), base + number(base + entry + 8));
    (from..from + bytes)
        .step_by(16)
        .map(|at| {
            let (size, offset) = (number(at + 4), number(at + 8));
            let start = if offset == 0 { 0 } else { base + offset };
            start..start + size
        })
        .collect()
}

#[test]
fn a_second_picture_behind_the_first_is_found_where_it_lies_now() {
    let photo = fixture("nintendo3ds_mpo.jpg");
    let before = pictures(&photo);
    assert_eq!(before.len(), 2);
    let (out, report) = stamped(&photo, Mode::Evidence, &short()).unwrap();
    assert!(report.sealed_bytes > 0);
    let after = pictures(&out);
    assert!(after[1].start > before[1].start, "{before:?} {after:?}");
    assert!(out[after[1].clone()] == photo[before[1].clone()]);
    assert!(out[after[1].clone()].starts_with(b"\xFF\xD8\xFF"));
    // the first one ends as far before the second as it did
    assert_eq!(
        after[1].start - after[0].end,
        before[1].start - before[0].end
    );
    assert!(restore(&out, &KEY.key).unwrap() == photo);
}
