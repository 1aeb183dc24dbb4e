//! How often the code on a photo tells a copy from an edited picture, measured on the pictures of some folders.
//!
//! `cargo run --release -p waymark-bench --bin photo_rates -- DIR…` prints the tables of `core/docs/photo.md`. Each picture, and of each large one its four
//! quarters as pictures of their own, is stamped and marked; then it is copied in many ways, which must not look like edits, and edited in
//! many ways, which must.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a program that measures stops at what it does not expect, and prints"
)]

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::PathBuf;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, blur, crop_imm, replace};
use image::{DynamicImage, ImageDecoder as _, ImageReader, RgbImage};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, TenantId};
use waymark_photo::{
    CodeOutcome, Facts, Interval, Marker, Mode, Order, Picture, Rect, Template, Verdict, stamp,
    verify, vouch_message,
};

/// Pictures whose quarters are large enough to carry a code: twice 1280 pixels.
const LARGE: u32 = 2560;

/// An edit that changes brightness by less than this, on average over its area and in levels of 256, is counted apart: much of a sky that is painted over
/// with sky is no edit that anybody could see.
const VISIBLE: f64 = 6.0;

fn key(byte: u8) -> SigningKey {
    SigningKey::from_slice(&[byte; 32]).unwrap()
}

fn point(key: &SigningKey) -> [u8; 33] {
    let point = key.verifying_key().to_sec1_point(true);
    point.as_bytes().try_into().unwrap()
}

fn signed(key: &SigningKey, message: &[u8]) -> [u8; 64] {
    let signature: Signature = key.sign(message);
    signature.normalize_s().to_bytes().into()
}

fn decoded(data: &[u8]) -> Option<RgbImage> {
    let reader = ImageReader::new(Cursor::new(data))
        .with_guessed_format()
        .ok()?;
    let mut decoder = reader.into_decoder().ok()?;
    let turn = decoder.orientation().ok()?;
    let mut picture = DynamicImage::from_decoder(decoder).ok()?;
    picture.apply_orientation(turn);
    Some(picture.into_rgb8())
}

fn encoded(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    picture.write_with_encoder(encoder).unwrap();
    bytes
}

fn reduced(picture: &RgbImage, long: u32, filter: FilterType) -> RgbImage {
    let longest = picture.width().max(picture.height());
    if longest <= long {
        return picture.clone();
    }
    let side = |side: u32| {
        (u64::from(side) * u64::from(long) + u64::from(longest) / 2) / u64::from(longest)
    };
    let (width, height) = (side(picture.width()) as u32, side(picture.height()) as u32);
    image::imageops::resize(picture, width, height, filter)
}

/// A picture that says where its code stands.
struct Marked {
    picture: RgbImage,
    band: Rect,
    module: f64,
}

fn marked(data: &[u8]) -> Option<Marked> {
    let (device_key, company) = (key(7), key(9));
    let device = DeviceId::from_uuid(uuid::Uuid::from_bytes([3; 16]));
    let sign = |message: &[u8]| Ok(signed(&device_key, message));
    let marker = Marker {
        tenant: TenantId::from_uuid(uuid::Uuid::from_bytes([1; 16])),
        device,
        key: point(&device_key),
        vouch: Some(signed(
            &company,
            &vouch_message(device, &point(&device_key)),
        )),
        time: Interval {
            from_ms: 1_790_000_000_000,
            to_ms: 1_790_000_004_000,
        },
        verdict: Verdict::Met,
        head: (812, Hash::of(b"head")),
        sign: &sign,
    };
    let facts: Facts = serde_json::from_str(
        r#"{"time": {"at": "2026-11-22T14:35:08+08:00", "plus_minus_s": 2, "verified": true}, "texts": {"rep": {"is": "W"}}}"#,
    )
    .unwrap();
    let template =
        Template::from_json(br#"{"fields": [{"key": "time"}, {"key": "rep"}]}"#).unwrap();
    let order = Order {
        mode: Mode::Evidence,
        template: &template,
        facts: &facts,
        seal: None,
        device_font: None,
        mark: Some(&marker),
    };
    let stamped = stamp(data, &order).ok()?;
    let Some(CodeOutcome::Drawn { module, .. }) = stamped.report().code else {
        return None;
    };
    let (band, size) = (stamped.report().band, stamped.report().size);
    let mut bytes = Vec::new();
    stamped.write_to(&mut bytes).unwrap();
    let long = size.0.max(size.1).max(1280);
    Some(Marked {
        picture: decoded(&bytes)?,
        band,
        module: module as f64 * 1280.0 / long as f64,
    })
}

/// Numbers that look like chance and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(end.max(1))) as u32
    }
}

/// What is done to a rectangle.
const EDITS: [&str; 6] = [
    "pasted",
    "cloned",
    "filled",
    "brighter by 24",
    "darker by 12",
    "blurred",
];

/// Edits a rectangle, and says by how much its brightness changed on average.
fn edit(
    picture: &RgbImage,
    other: &RgbImage,
    kind: &str,
    at: (u32, u32, u32, u32),
    dice: &mut Dice,
) -> (RgbImage, f64) {
    let (x, y, width, height) = at;
    let mut edited = picture.clone();
    let part = crop_imm(picture, x, y, width, height).to_image();
    let new = match kind {
        "pasted" => {
            let (x, y) = (
                dice.below(picture.width() - width),
                dice.below(picture.height() - height),
            );
            crop_imm(other, x, y, width, height).to_image()
        }
        "cloned" => {
            // what stands right beside it
            let from = if x >= width {
                x - width
            } else {
                (x + width).min(picture.width() - width)
            };
            crop_imm(picture, from, y, width, height).to_image()
        }
        "filled" => {
            // each row from what stands left of it to what stands right of it, as one who removes a thing does at best
            let mut new = part.clone();
            for (column, row, pixel) in new.enumerate_pixels_mut() {
                let side = |x: u32| picture.get_pixel(x.min(picture.width() - 1), y + row).0;
                let (left, right) = (side(x.saturating_sub(1)), side(x + width));
                for ((value, left), right) in pixel.0.iter_mut().zip(left).zip(right) {
                    let mix = u32::from(left) * (width - column) + u32::from(right) * column;
                    *value = (mix / width) as u8;
                }
            }
            new
        }
        "brighter by 24" => image::imageops::brighten(&part, 24),
        "darker by 12" => image::imageops::brighten(&part, -12),
        _ => blur(&part, picture.width() as f32 / 100.0),
    };
    let change: f64 = part
        .pixels()
        .zip(new.pixels())
        .map(|(a, b)| {
            let bright = |p: &image::Rgb<u8>| {
                0.299 * f64::from(p.0[0]) + 0.587 * f64::from(p.0[1]) + 0.114 * f64::from(p.0[2])
            };
            (bright(a) - bright(b)).abs()
        })
        .sum();
    replace(&mut edited, &new, x.into(), y.into());
    (edited, change / f64::from(width * height))
}

/// How often of how many.
#[derive(Default, Clone, Copy)]
struct Count(usize, usize);

impl Count {
    fn add(&mut self, hit: bool) {
        self.0 += usize::from(hit);
        self.1 += 1;
    }
}

#[derive(Default)]
struct Tables {
    /// By how it was copied: read at all; of these taken for a copy.
    copies: BTreeMap<String, (Count, Count)>,
    /// By kind and size: found, of visible ones; of the others.
    edits: BTreeMap<(usize, u32), (Count, Count)>,
    /// By pixels of a module at 1280, in tenths: read at q60.
    modules: BTreeMap<u32, Count>,
    largest: i32,
    pictures: usize,
}

fn copies(marked: &Marked, tables: &mut Tables, name: &str) {
    let filters = [
        ("mean", FilterType::Triangle),
        ("Lanczos", FilterType::Lanczos3),
        ("cubic", FilterType::CatmullRom),
    ];
    let mut ways = Vec::new();
    for long in [u32::MAX, 1920, 1600, 1280] {
        for quality in [40, 60, 75, 90] {
            ways.push((long, quality, 0));
        }
    }
    ways.extend([(1280, 60, 1), (1280, 60, 2), (1600, 75, 9)]);
    let mut sizes: BTreeMap<(u32, usize), RgbImage> = BTreeMap::new();
    for (long, quality, how) in ways {
        let (filter_name, filter) = filters[how % 3];
        let small = sizes
            .entry((long, how % 3))
            .or_insert_with(|| reduced(&marked.picture, long, filter))
            .clone();
        let mut bytes = encoded(&small, quality);
        let mut label = match long {
            u32::MAX => "same size".to_owned(),
            long => format!("{long} px"),
        };
        if how == 9 {
            // sent on by somebody who got it already smaller
            let again = reduced(&decoded(&bytes).unwrap(), 1280, FilterType::Triangle);
            bytes = encoded(&again, 60);
            label = "1600 px q75, then 1280 px q60".to_owned();
        } else {
            label = format!("{label} q{quality}");
            if how > 0 {
                label = format!("{label} {filter_name}");
            }
        }
        let checked = verify(&bytes, None).unwrap();
        let measure = match &checked.picture {
            Picture::Recompressed { measure }
            | Picture::Edited { measure, .. }
            | Picture::OtherPicture { measure } => Some(*measure),
            other => {
                eprintln!("{name} {label}: {other:?}");
                None
            }
        };
        let (read, right) = tables.copies.entry(label.clone()).or_default();
        read.add(measure.is_some());
        if let Some(measure) = measure {
            let copy = matches!(checked.picture, Picture::Recompressed { .. });
            right.add(copy);
            if !copy {
                eprintln!("{name} {label}: {measure:?}");
            }
            tables.largest = tables.largest.max(measure.largest);
        }
        if (long, quality, how) == (1280, 60, 0) {
            let tenths = (marked.module * 10.0).round() as u32;
            tables
                .modules
                .entry(tenths)
                .or_default()
                .add(measure.is_some());
        }
    }
}

fn edits(marked: &Marked, other: &RgbImage, tables: &mut Tables, dice: &mut Dice) {
    let picture = reduced(&marked.picture, 1280, FilterType::Triangle);
    let (width, height) = picture.dimensions();
    let other = image::imageops::resize(other, width, height, FilterType::Triangle);
    let top = marked.band.top as f64 / f64::from(marked.picture.height());
    let free = (top * f64::from(height)) as u32;
    for (number, kind) in EDITS.iter().enumerate() {
        for percent in [1, 2, 4, 8] {
            let share = (f64::from(percent) / 100.0).sqrt();
            // of the whole picture's area, in its proportions
            let (wide, high) = (
                (f64::from(width) * share) as u32,
                (f64::from(height) * share) as u32,
            );
            let at = (
                dice.below(width - wide),
                dice.below(free - high - height / 100),
                wide,
                high,
            );
            let (edited, change) = edit(&picture, &other, kind, at, dice);
            let bytes = encoded(&edited, 60);
            let checked = verify(&bytes, None).unwrap();
            let found = match checked.picture {
                Picture::Recompressed { .. } => false,
                Picture::Edited { .. } | Picture::OtherPicture { .. } => true,
                _ => continue,
            };
            let (visible, faint) = tables.edits.entry((number, percent)).or_default();
            if change >= VISIBLE {
                visible.add(found)
            } else {
                faint.add(found)
            }
        }
    }
}

fn main() {
    let mut files: Vec<PathBuf> = std::env::args()
        .skip(1)
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let mut pictures: Vec<(String, Vec<u8>)> = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let data = std::fs::read(&path).unwrap();
        let Some(picture) = decoded(&data) else {
            continue;
        };
        let (width, height) = picture.dimensions();
        pictures.push((name.clone(), data));
        if width.max(height) >= LARGE {
            for (x, y) in [
                (0, 0),
                (width / 2, 0),
                (0, height / 2),
                (width / 2, height / 2),
            ] {
                let quarter = crop_imm(&picture, x, y, width / 2, height / 2).to_image();
                pictures.push((format!("{name} from {x},{y}"), encoded(&quarter, 92)));
            }
        }
    }
    let mut tables = Tables::default();
    let mut dice = Dice(1);
    let all: Vec<(String, Marked)> = pictures
        .iter()
        .filter_map(|(name, data)| Some((name.clone(), marked(data)?)))
        .collect();
    println!(
        "{} pictures, of which {} have room for a code",
        pictures.len(),
        all.len()
    );
    for (number, (name, marked)) in all.iter().enumerate() {
        copies(marked, &mut tables, name);
        let other = &all[(number + all.len() / 2) % all.len()].1.picture;
        edits(marked, other, &mut tables, &mut dice);
        tables.pictures += 1;
        eprintln!("{} of {}", tables.pictures, all.len());
    }
    print(&tables);
}

fn print(tables: &Tables) {
    println!("\n| copied | code read | taken for a copy |\n| --- | --- | --- |");
    for (label, (read, right)) in &tables.copies {
        println!(
            "| {label} | {} of {} | {} of {} |",
            read.0, read.1, right.0, right.1
        );
    }
    let sum = |pick: fn(&(Count, Count)) -> Count| {
        tables
            .copies
            .values()
            .map(pick)
            .fold(Count(0, 0), |a, b| Count(a.0 + b.0, a.1 + b.1))
    };
    let (read, right) = (sum(|c| c.0), sum(|c| c.1));
    println!(
        "| all | {} of {} | {} of {} |",
        read.0, read.1, right.0, right.1
    );
    println!(
        "\nlargest deviation of a copy: {} 16ths of a level",
        tables.largest
    );
    println!(
        "\n| edited at 1280 px, then q60 | 1 % | 2 % | 4 % | 8 % | hardly visible, all sizes |\n| --- | --- | --- | --- | --- | --- |"
    );
    for (number, kind) in EDITS.iter().enumerate() {
        let mut line = format!("| {kind} |");
        let mut faint = Count(0, 0);
        for percent in [1, 2, 4, 8] {
            let (visible, unseen) = tables
                .edits
                .get(&(number, percent))
                .copied()
                .unwrap_or_default();
            line += &format!(" {} of {} |", visible.0, visible.1);
            faint = Count(faint.0 + unseen.0, faint.1 + unseen.1);
        }
        println!("{line} {} of {} |", faint.0, faint.1);
    }
    println!("\n| pixels of a module at 1280 | read at 1280 px q60 |\n| --- | --- |");
    for (tenths, read) in &tables.modules {
        println!(
            "| {}.{} | {} of {} |",
            tenths / 10,
            tenths % 10,
            read.0,
            read.1
        );
    }
}
