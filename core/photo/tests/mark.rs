//! Photos that verify themselves: signed, copied, edited, forged. The copies are made by an encoder and a scaler that are not ours.
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on has failed"
)]

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::LazyLock;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, crop_imm, overlay, resize, rotate180};
use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, ImageReader, RgbImage};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use uuid::Uuid;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, TenantId};
use waymark_photo::{
    Checked, CodeOutcome, Corner, Error, Facts, Geometry, Interval, Marker, Method, Mode, NoCode,
    Order, Picture, Report, SealKey, Shape, Template, Verdict, Vouched, restore, stamp, verify,
    vouch_message,
};

const SEAL: SealKey = SealKey {
    key: [7; 32],
    nonce: [9; 12],
};

static DEVICE: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_slice(&[7; 32]).unwrap());
static COMPANY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_slice(&[9; 32]).unwrap());

fn point(key: &SigningKey) -> [u8; 33] {
    let point = key.verifying_key().to_sec1_point(true);
    point.as_bytes().try_into().unwrap()
}

fn signed(key: &SigningKey, message: &[u8]) -> [u8; 64] {
    let signature: Signature = key.sign(message);
    signature.normalize_s().to_bytes().into()
}

fn by_device(message: &[u8]) -> Result<[u8; 64], String> {
    Ok(signed(&DEVICE, message))
}

fn marker() -> Marker<'static> {
    let device = DeviceId::from_uuid(Uuid::from_bytes([3; 16]));
    Marker {
        tenant: TenantId::from_uuid(Uuid::from_bytes([1; 16])),
        device,
        key: point(&DEVICE),
        vouch: Some(signed(&COMPANY, &vouch_message(device, &point(&DEVICE)))),
        time: Interval {
            from_ms: 1_790_000_000_000,
            to_ms: 1_790_000_004_000,
        },
        verdict: Verdict::Met,
        head: (812, Hash::of(b"head")),
        sign: &by_device,
    }
}

fn fixture(name: &str) -> Vec<u8> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/photos");
    std::fs::read(root.join(name)).unwrap()
}

/// A real photo, smaller than it came, so that the tests are quick, and brighter.
static PHOTO: LazyLock<RgbImage> = LazyLock::new(|| {
    let data = fixture("canon_422_18mp.jpg");
    let mut picture = resize(&shown(&data, 1), 1600, 1067, FilterType::Triangle);
    // it was taken at night, and has all its detail in the shadows
    for value in picture.iter_mut() {
        *value = value.saturating_mul(5);
    }
    picture
});

/// As it is shown.
fn shown(data: &[u8], orientation: u8) -> RgbImage {
    let reader = ImageReader::with_format(Cursor::new(data), ImageFormat::Jpeg);
    let mut picture = reader.decode().unwrap();
    picture.apply_orientation(Orientation::from_exif(orientation).unwrap());
    picture.into_rgb8()
}

fn jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    picture.write_with_encoder(encoder).unwrap();
    bytes
}

/// A file that says how it is to be turned, of a picture as it is shown.
fn stored(picture: &RgbImage, orientation: u8) -> Vec<u8> {
    // what undoes each orientation; only 6 and 8 are not their own
    let back = match orientation {
        6 => 8,
        8 => 6,
        own => own,
    };
    let mut picture = DynamicImage::from(picture.clone());
    picture.apply_orientation(Orientation::from_exif(back).unwrap());
    let mut data = jpeg(&picture.into_rgb8(), 90);
    let mut exif =
        b"\xFF\xE1\0\x22Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    data.splice(2..2, exif);
    data
}

fn template(corner: Corner, shape: Shape) -> Template {
    let mut template =
        Template::from_json(br#"{"fields": [{"key": "time"}, {"key": "rep"}]}"#).unwrap();
    (template.corner, template.shape) = (corner, shape);
    template
}

fn made(
    data: &[u8],
    mode: Mode,
    template: &Template,
    marker: &Marker<'_>,
) -> Result<(Vec<u8>, Report), Error> {
    let facts: Facts = serde_json::from_str(
        r#"{
            "time": {"at": "2026-11-22T14:35:08+08:00", "plus_minus_s": 2, "verified": true},
            "position": {"lat": 30.25, "lon": 120.125, "accuracy_m": 12},
            "texts": {"rep": {"is": "王小明"}}
        }"#,
    )
    .unwrap();
    let order = Order {
        mode,
        template,
        facts: &facts,
        seal: (mode == Mode::Evidence).then_some(&SEAL),
        device_font: None,
        mark: Some(marker),
    };
    let stamped = stamp(data, &order)?;
    let mut out = Vec::new();
    stamped.write_to(&mut out).unwrap();
    Ok((out, stamped.report().clone()))
}

/// The usual one.
static MARKED: LazyLock<(Vec<u8>, Report)> = LazyLock::new(|| {
    let template = template(Corner::BottomLeft, Shape::Band);
    made(&jpeg(&PHOTO, 90), Mode::Evidence, &template, &marker()).unwrap()
});

fn checked(data: &[u8]) -> Checked {
    verify(data, Some(&point(&COMPANY))).unwrap()
}

/// As a messenger sends it on.
fn sent(picture: &RgbImage) -> Vec<u8> {
    let long = picture.width().max(picture.height());
    let side = |side: u32| (side * 1280 + long / 2) / long;
    jpeg(
        &resize(
            picture,
            side(picture.width()),
            side(picture.height()),
            FilterType::Triangle,
        ),
        60,
    )
}

fn is_copy(checked: &Checked) -> bool {
    matches!(checked.picture, Picture::Recompressed { .. }) && checked.proven()
}

#[test]
fn an_untouched_file_is_authentic_and_says_what_the_device_said() {
    let (data, report) = &*MARKED;
    assert!(
        matches!(report.method, Method::InPlace { .. }),
        "{report:?}"
    );
    let checked = checked(data);
    assert_eq!(checked.picture, Picture::Authentic);
    assert!(checked.proven());
    let said = checked.said.unwrap();
    let marker = marker();
    assert_eq!(
        (said.device, said.tenant),
        (marker.device, Some(marker.tenant))
    );
    assert_eq!(
        (said.time, said.verdict, said.n),
        (marker.time, Verdict::Met, 812)
    );
    assert_eq!(said.head, Hash::of(b"head").to_string());
    assert_eq!(said.original, Some(report.original));
    let position = said.position.unwrap();
    assert_eq!((position.lat, position.lon), (30.25, 120.125));
}

#[test]
fn the_mark_signs_where_a_second_picture_lies_behind_it() {
    let photo = fixture("nintendo3ds_mpo.jpg");
    let template = template(Corner::BottomLeft, Shape::Block);
    let (out, _) = made(&photo, Mode::Evidence, &template, &marker()).unwrap();
    assert_eq!(checked(&out).picture, Picture::Authentic);
    // the table is big-endian, and its second entry stands 66 bytes behind its header
    let second = |data: &[u8]| {
        let base = data.windows(4).position(|word| word == b"MPF\0").unwrap() + 4;
        let number = |at: usize| {
            let bytes = data[base + at..].first_chunk::<4>().unwrap();
            u32::from_be_bytes(*bytes) as usize
        };
        let (size, offset) = (number(66 + 4), number(66 + 8));
        data[base + offset..base + offset + size].to_vec()
    };
    assert!(second(&photo).starts_with(b"\xFF\xD8\xFF"));
    assert!(second(&out) == second(&photo));
}

#[test]
fn changed_metadata_are_told_from_a_changed_picture() {
    let (data, _) = &*MARKED;
    let mut commented = data.clone();
    commented.splice(2..2, *b"\xFF\xFE\0\x05abc");
    assert_eq!(checked(&commented).picture, Picture::PictureAuthentic);
    assert!(checked(&commented).proven());
    // EXIF goes, as many programs take it away
    let exif = data.windows(6).position(|six| six == b"Exif\0\0").unwrap() - 4;
    let length = usize::from(u16::from_be_bytes([data[exif + 2], data[exif + 3]]));
    let mut stripped = data.clone();
    stripped.drain(exif..exif + 2 + length);
    assert_eq!(checked(&stripped).picture, Picture::PictureAuthentic);
    // one coefficient of another picture
    let mut scan = data.clone();
    let place = data.len() * 2 / 3;
    let at = (place..)
        .find(|at| !data[at - 1..at + 2].contains(&0xFF) && data[*at] != 0xFE && data[*at] != 0xFF)
        .unwrap();
    scan[at] ^= 1;
    let changed = verify(&scan, Some(&point(&COMPANY)));
    let authentic = |checked: &Checked| {
        matches!(
            checked.picture,
            Picture::Authentic | Picture::PictureAuthentic
        )
    };
    assert!(!changed.is_ok_and(|checked| authentic(&checked)));
}

#[test]
fn the_sealed_original_still_comes_back() {
    let (data, report) = &*MARKED;
    let original = restore(data, &SEAL.key).unwrap();
    assert!(original == jpeg(&PHOTO, 90));
    assert_eq!(Hash::of(&original), report.original);
}

#[test]
fn a_copy_is_known_as_one_from_every_corner_and_shape() {
    for (corner, shape) in [
        (Corner::BottomLeft, Shape::Block),
        (Corner::BottomRight, Shape::Band),
        (Corner::TopLeft, Shape::Band),
        (Corner::TopRight, Shape::Block),
    ] {
        let data = jpeg(&PHOTO, 90);
        let (data, report) =
            made(&data, Mode::Evidence, &template(corner, shape), &marker()).unwrap();
        let Some(CodeOutcome::Drawn {
            square,
            module,
            bytes,
            cells,
        }) = report.code
        else {
            unreachable!("{report:?}");
        };
        assert!(module == 3 && bytes <= 410 && cells > 180, "{report:?}");
        assert!(
            square.left >= report.band.left && square.right <= report.band.right,
            "{report:?}"
        );
        assert!(
            square.top >= report.band.top && square.bottom <= report.band.bottom,
            "{report:?}"
        );
        assert!(report.band.height() * 4 <= report.size.1 + 4, "{report:?}");
        // the letters stand beside the code, not under it, and are there
        let picture = shown(&data, 1);
        let band = report.band;
        let text = if matches!(corner, Corner::BottomLeft | Corner::TopLeft) {
            band.left..square.left
        } else {
            square.right..band.right
        };
        let white = (band.top..band.bottom)
            .flat_map(|y| text.clone().map(move |x| (x as u32, y as u32)))
            .filter(|(x, y)| picture.get_pixel(*x, *y).0.iter().all(|value| *value > 230))
            .count();
        assert!(white > 1000, "{corner:?} {shape:?} {white}");
        let copy = checked(&sent(&shown(&data, 1)));
        assert!(is_copy(&copy), "{corner:?} {shape:?} {copy:?}");
        let said = copy.said.unwrap();
        assert_eq!(
            (said.n, said.verdict, said.time),
            (812, Verdict::Met, marker().time)
        );
        let head = Hash::of(b"head").to_string();
        assert!(said.head.len() == 32 && head.starts_with(&said.head));
    }
}

#[test]
fn a_copy_is_known_as_one_however_the_photo_lies_in_its_file() {
    for orientation in 1..=8 {
        let (width, height) = if orientation % 2 == 0 {
            (1600, 1067)
        } else {
            (1061, 1400)
        };
        let picture = resize(&*PHOTO, width, height, FilterType::Triangle);
        let data = stored(&picture, orientation);
        let template = template(Corner::BottomLeft, Shape::Band);
        let (data, report) = made(&data, Mode::Evidence, &template, &marker()).unwrap();
        assert!(
            matches!(report.method, Method::InPlace { .. }),
            "{report:?}"
        );
        assert_eq!(report.size, (width as usize, height as usize));
        let copy = checked(&sent(&shown(&data, orientation)));
        assert!(is_copy(&copy), "{orientation} {copy:?}");
    }
}

#[test]
fn copies_for_sending_and_pictures_with_a_strip_verify_themselves_too() {
    let template = template(Corner::BottomLeft, Shape::Band);
    for mode in [Mode::Copy, Mode::Canvas] {
        let (data, report) = made(&jpeg(&PHOTO, 90), mode, &template, &marker()).unwrap();
        assert_eq!(checked(&data).picture, Picture::Authentic, "{report:?}");
        let copy = checked(&sent(&shown(&data, 1)));
        assert!(is_copy(&copy), "{mode:?} {copy:?}");
    }
    // and what had to be encoded anew
    let mut png = Cursor::new(Vec::new());
    PHOTO.write_to(&mut png, ImageFormat::Png).unwrap();
    let (data, report) = made(png.get_ref(), Mode::Evidence, &template, &marker()).unwrap();
    assert!(matches!(report.method, Method::Reencoded { .. }));
    assert!(checked(&data).proven());
    assert!(is_copy(&checked(&sent(&shown(&data, 1)))));
}

#[test]
fn an_edit_is_found_where_it_was_made() {
    let picture = shown(&MARKED.0, 1);
    let (width, height) = picture.dimensions();
    // an eighth of each side, in four places
    for (x, y, thirds) in [
        (0, 0, (0, 0)),
        (width / 2, 0, (1, 0)),
        (width - width / 8, height / 3, (2, 1)),
        (width / 4, height / 2, (0, 1)),
    ] {
        let mut edited = picture.clone();
        let part = RgbImage::from_pixel(width / 8, height / 8, image::Rgb([90, 160, 70]));
        overlay(&mut edited, &part, x.into(), y.into());
        let checked = checked(&sent(&edited));
        let Picture::Edited { measure, places } = &checked.picture else {
            unreachable!("{x},{y} {checked:?}");
        };
        assert!(!checked.proven());
        assert!(
            measure.largest > measure.threshold && measure.different >= 2,
            "{measure:?}"
        );
        let place = places[0];
        assert_eq!(places.len(), 1, "{places:?}");
        assert_eq!(place.thirds(), thirds, "{place:?}");
        let (left, top) = (x * 100 / width, y * 100 / height);
        // to a cell
        let near = |a: usize, b: u32| a.abs_diff(b as usize) <= 8;
        assert!(
            near(place.left, left) && near(place.top, top),
            "{place:?} {left} {top}"
        );
        assert!(
            near(place.right, left + 13) && near(place.bottom, top + 13),
            "{place:?} {left} {top}"
        );
    }
}

#[test]
fn the_code_of_another_picture_does_not_fit() {
    let (data, report) = &*MARKED;
    let Some(CodeOutcome::Drawn { square, .. }) = report.code else {
        unreachable!("{report:?}");
    };
    let band = report.band;
    let with_code = shown(data, 1);
    let code = crop_imm(
        &with_code,
        square.left as u32,
        square.top as u32,
        square.width() as u32,
        square.height() as u32,
    )
    .to_image();
    // the same photo upside down, with the band of the signed one
    let mut other = rotate180(&*PHOTO);
    overlay(&mut other, &code, square.left as i64, square.top as i64);
    let forged = checked(&sent(&other));
    assert!(
        matches!(forged.picture, Picture::OtherPicture { .. }),
        "{forged:?}"
    );
    assert!(!forged.proven());
    // and anywhere else it says so itself
    let mut moved = with_code.clone();
    overlay(
        &mut moved,
        &RgbImage::from_pixel(
            band.width() as u32,
            band.height() as u32,
            image::Rgb([0; 3]),
        ),
        0,
        band.top as i64,
    );
    overlay(&mut moved, &code, 40, square.top as i64);
    let Picture::Geometry { differs, .. } = checked(&sent(&moved)).picture else {
        unreachable!("{:?}", checked(&sent(&moved)));
    };
    assert_eq!(differs, Geometry::Place);
}

#[test]
fn of_two_codes_the_one_in_its_place_counts() {
    let other = Marker {
        head: (9, Hash::ZERO),
        ..marker()
    };
    let template = template(Corner::BottomLeft, Shape::Band);
    let (inner, _) = made(
        &jpeg(&rotate180(&*PHOTO), 90),
        Mode::Evidence,
        &template,
        &other,
    )
    .unwrap();
    // a photo of a photo: the inner one is in the upper left
    let mut scene = PHOTO.clone();
    let inner = resize(&shown(&inner, 1), 900, 600, FilterType::Triangle);
    overlay(&mut scene, &inner, 0, 0);
    let (data, _) = made(&jpeg(&scene, 92), Mode::Evidence, &template, &marker()).unwrap();
    let checked_scene = checked(&jpeg(&shown(&data, 1), 75));
    assert!(is_copy(&checked_scene), "{checked_scene:?}");
    assert_eq!(checked_scene.said.unwrap().n, 812);
    // two that say that they stand in the same place
    let (twin, report) = made(&jpeg(&PHOTO, 90), Mode::Evidence, &template, &other).unwrap();
    let Some(CodeOutcome::Drawn { square, .. }) = report.code else {
        unreachable!("{report:?}");
    };
    let twin = shown(&twin, 1);
    let code = crop_imm(
        &twin,
        square.left as u32,
        square.top as u32,
        square.width() as u32,
        square.height() as u32,
    )
    .to_image();
    let mut both = shown(&MARKED.0, 1);
    overlay(&mut both, &code, 200, 300);
    let both = checked(&jpeg(&both, 80));
    assert!(matches!(both.picture, Picture::Edited { .. }), "{both:?}");
}

#[test]
fn a_picture_that_was_cut_or_stretched_cannot_be_compared() {
    let picture = shown(&MARKED.0, 1);
    let (width, height) = picture.dimensions();
    let proportions = |picture: &RgbImage| {
        matches!(
            checked(&jpeg(picture, 80)).picture,
            Picture::Geometry {
                differs: Geometry::Proportions,
                ..
            }
        )
    };
    assert!(proportions(
        &crop_imm(&picture, 0, 100, width, height - 100).to_image()
    ));
    assert!(proportions(&resize(
        &picture,
        width,
        height - 40,
        FilterType::Triangle
    )));
    // cut in the same proportions
    let cut = crop_imm(
        &picture,
        width / 10,
        height / 10,
        width - width / 10,
        height - height / 10,
    )
    .to_image();
    let Picture::Geometry { differs, .. } = checked(&jpeg(&cut, 80)).picture else {
        unreachable!("{:?}", checked(&jpeg(&cut, 80)));
    };
    assert!(matches!(differs, Geometry::Place | Geometry::Proportions));
}

#[test]
fn only_the_company_that_vouched_is_the_company() {
    let (data, _) = &*MARKED;
    let copy = sent(&shown(data, 1));
    let other = point(&SigningKey::from_slice(&[8; 32]).unwrap());
    for data in [data, &copy] {
        assert_eq!(verify(data, Some(&other)).unwrap().vouched, Vouched::Wrong);
        assert_eq!(verify(data, None).unwrap().vouched, Vouched::NotChecked);
        assert!(!verify(data, None).unwrap().proven());
    }
    let unvouched = Marker {
        vouch: None,
        ..marker()
    };
    let template = template(Corner::BottomLeft, Shape::Band);
    let (data, _) = made(&jpeg(&PHOTO, 90), Mode::Evidence, &template, &unvouched).unwrap();
    for data in [&data, &sent(&shown(&data, 1))] {
        let checked = checked(data);
        assert_eq!(checked.vouched, Vouched::Not, "{checked:?}");
        assert!(!checked.proven());
    }
    assert!(matches!(
        verify(&data, Some(&[0; 33])),
        Err(Error::CompanyKey)
    ));
}

#[test]
fn a_picture_without_room_for_a_code_says_so_and_is_signed_in_its_file_alone() {
    let small = resize(&*PHOTO, 480, 320, FilterType::Triangle);
    let template = template(Corner::BottomLeft, Shape::Band);
    let (data, report) = made(&jpeg(&small, 90), Mode::Evidence, &template, &marker()).unwrap();
    assert_eq!(report.code, Some(CodeOutcome::None(NoCode::TooSmall)));
    assert_eq!(checked(&data).picture, Picture::Authentic);
    assert_eq!(
        checked(&jpeg(&shown(&data, 1), 80)).picture,
        Picture::NoMark
    );
    // the segments stay, the picture is another
    let second = jpeg(&rotate180(&small), 90);
    let tables = |data: &[u8]| data.windows(2).position(|two| two == [0xFF, 0xDB]).unwrap();
    let mut mixed = data[..tables(&data)].to_vec();
    mixed.extend(&second[tables(&second)..]);
    assert_eq!(checked(&mixed).picture, Picture::Changed);
    assert!(!checked(&mixed).proven());
    // a statement that somebody wrote over
    let at = data
        .windows(8)
        .position(|eight| eight == b"WAYMARK\0")
        .unwrap();
    let mark = data[at..]
        .windows(10)
        .position(|ten| ten == b"WAYMARK\0M\x01")
        .unwrap()
        + at;
    let mut forged = data.clone();
    let text = mark + 14 + 80;
    forged[text] = if forged[text] == b'A' { b'B' } else { b'A' };
    assert_eq!(checked(&forged).picture, Picture::SignatureWrong);
}

#[test]
fn a_photo_without_a_mark_has_none() {
    let checked = checked(&jpeg(&PHOTO, 80));
    assert_eq!(
        (checked.picture, checked.vouched),
        (Picture::NoMark, Vouched::Nothing)
    );
    assert!(matches!(
        verify(b"no picture", None),
        Err(Error::UnknownFormat)
    ));
}

#[test]
fn what_no_mark_can_hold_and_a_key_that_does_not_sign_are_refused() {
    let template = template(Corner::BottomLeft, Shape::Band);
    let small = jpeg(&resize(&*PHOTO, 480, 320, FilterType::Triangle), 90);
    let refused =
        |marker: &Marker<'_>| made(&small, Mode::Evidence, &template, marker).unwrap_err();
    let good = marker();
    let time = |from_ms, to_ms| Marker {
        time: Interval { from_ms, to_ms },
        ..marker()
    };
    for wrong in [
        time(5, 4),
        time(-1, 4),
        time(0, 1 << 33),
        time(1 << 50, 1 << 50),
        time(i64::MIN, i64::MAX),
    ] {
        assert!(matches!(refused(&wrong), Error::Value("time of the mark")));
    }
    let head = Marker {
        head: (1 << 48, Hash::ZERO),
        ..good
    };
    assert!(matches!(refused(&head), Error::Value("head of the mark")));
    let key = Marker {
        key: [9; 33],
        ..good
    };
    assert!(matches!(refused(&key), Error::Value("key of the mark")));
    let other = |message: &[u8]| Ok(signed(&COMPANY, message));
    let another = Marker {
        sign: &other,
        ..good
    };
    assert!(matches!(refused(&another), Error::Sign(_)));
    let silent = |_: &[u8]| Err("locked".to_owned());
    let locked = Marker {
        sign: &silent,
        ..good
    };
    assert!(matches!(refused(&locked), Error::Sign(why) if why == "locked"));
}
