//! How often `looks` knows a picture again, and how often it takes one for another: from the pictures of a folder.
//!
//! `cargo run --release -p waymark-photo --example look_rates -- FOLDER`
//!
//! Every picture of at least 400 pixels counts once, and its four quarters too where it has 1,600 or more: neighbours that share light and
//! matter, which are harder to tell apart than other pictures. Of each the program makes used ones, in the ways below, and compares all with
//! all. *Known again* is the share of used ones within the distance; *taken for another* is the share of pairs of different pictures within
//! it. The photograph of a screen is a simulation: perspective, grid of the screen's pixels, glow and grain.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a program that prints a table and stops where it cannot go on; sides of pictures and shares"
)]

use std::path::PathBuf;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, Rgb, RgbImage};
use waymark_domain::photo::look::Look;
use waymark_domain::photo::signals::SAME_BITS;
use waymark_photo::{Looks, looks};

const DISTANCES: [u32; 6] = [31, 48, 60, SAME_BITS, 80, 90];

fn jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    encoder.encode_image(picture).unwrap();
    bytes
}

fn fitted(picture: &RgbImage, long: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let longest = width.max(height);
    if longest <= long {
        return picture.clone();
    }
    let side = |side: u32| (side * long / longest).max(1);
    imageops::resize(picture, side(width), side(height), FilterType::CatmullRom)
}

fn changed(picture: &RgbImage, change: impl Fn(f64, u32, u32) -> f64) -> RgbImage {
    let mut out = picture.clone();
    for (x, y, pixel) in out.enumerate_pixels_mut() {
        pixel.0 = pixel
            .0
            .map(|value| change(f64::from(value), x, y).round().clamp(0.0, 255.0) as u8);
    }
    out
}

fn cut(picture: &RgbImage, share: f64) -> RgbImage {
    let (width, height) = picture.dimensions();
    let (x, y) = (
        (f64::from(width) * share) as u32,
        (f64::from(height) * share) as u32,
    );
    imageops::crop_imm(picture, x, y, width - 2 * x, height - 2 * y).to_image()
}

/// Where each point of the result comes from, as shares of the sides.
fn warped(picture: &RgbImage, from: impl Fn(f64, f64) -> (f64, f64)) -> RgbImage {
    let (width, height) = picture.dimensions();
    RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = from(
            (f64::from(x) + 0.5) / f64::from(width),
            (f64::from(y) + 0.5) / f64::from(height),
        );
        if !(0.0..1.0).contains(&u) || !(0.0..1.0).contains(&v) {
            return Rgb([12, 12, 14]);
        }
        *picture.get_pixel(
            (u * f64::from(width)) as u32,
            (v * f64::from(height)) as u32,
        )
    })
}

fn turned(picture: &RgbImage, degrees: f64) -> RgbImage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let aspect = f64::from(picture.width()) / f64::from(picture.height());
    warped(picture, |u, v| {
        let (x, y) = ((u - 0.5) * aspect, v - 0.5);
        ((x * cos - y * sin) / aspect + 0.5, x * sin + y * cos + 0.5)
    })
}

fn screen(picture: &RgbImage) -> RgbImage {
    let picture = fitted(picture, 1600);
    let grid = changed(&picture, |value, x, y| {
        value * (0.86 + 0.14 * f64::from((x * 3 + y) % 3)) * 0.9 + 14.0
    });
    let seen = warped(&grid, |u, v| {
        let narrow = 1.0 - 0.06 * v;
        (((u - 0.5) / narrow) * 1.06 + 0.49, (v - 0.5) * 1.08 + 0.51)
    });
    imageops::blur(&seen, 1.2)
}

type Way = (&'static str, fn(&RgbImage) -> Vec<u8>);

const WAYS: &[Way] = &[
    ("the same file", |p| jpeg(p, 92)),
    ("1280 px, quality 60", |p| jpeg(&fitted(p, 1280), 60)),
    ("640 px, quality 40", |p| jpeg(&fitted(p, 640), 40)),
    ("brighter by 15 %", |p| {
        jpeg(&changed(&fitted(p, 1280), |v, _, _| v * 1.15), 80)
    }),
    ("more contrast, 1.3 times", |p| {
        let more = |v: f64, _, _| (v - 128.0) * 1.3 + 128.0;
        jpeg(&changed(&fitted(p, 1280), more), 80)
    }),
    ("grey", |p| {
        jpeg(
            &DynamicImage::ImageRgb8(fitted(p, 1280))
                .grayscale()
                .to_rgb8(),
            80,
        )
    }),
    ("mirrored", |p| {
        jpeg(&imageops::flip_horizontal(&fitted(p, 1280)), 80)
    }),
    ("a quarter turn", |p| {
        jpeg(&imageops::rotate90(&fitted(p, 1280)), 80)
    }),
    ("a stamp over the lowest 15 %", |p| {
        let p = fitted(p, 1280);
        let from = p.height() * 85 / 100;
        let dark = |v: f64, x: u32, y: u32| match y >= from {
            true if (x / 9 + y / 11).is_multiple_of(3) => 235.0,
            true => v * 0.4,
            false => v,
        };
        jpeg(&changed(&p, dark), 80)
    }),
    ("2 % cut off each side", |p| {
        jpeg(&cut(&fitted(p, 1280), 0.02), 80)
    }),
    ("5 % cut off each side", |p| {
        jpeg(&cut(&fitted(p, 1280), 0.05), 80)
    }),
    ("10 % cut off each side", |p| {
        jpeg(&cut(&fitted(p, 1280), 0.1), 80)
    }),
    ("turned by 2 degrees", |p| {
        jpeg(&turned(&fitted(p, 1280), 2.0), 80)
    }),
    ("turned by 5 degrees", |p| {
        jpeg(&turned(&fitted(p, 1280), 5.0), 80)
    }),
    ("taken again from a screen (simulated)", |p| {
        jpeg(&screen(p), 80)
    }),
];

fn read(path: &PathBuf) -> Option<RgbImage> {
    let mut decoder = ImageReader::open(path)
        .ok()?
        .with_guessed_format()
        .ok()?
        .into_decoder()
        .ok()?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).ok()?;
    picture.apply_orientation(orientation);
    (picture.width().max(picture.height()) >= 400).then(|| picture.to_rgb8())
}

fn main() {
    let folder = std::env::args().nth(1).expect("a folder of pictures");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let mut kept: Vec<(String, Look)> = Vec::new();
    let mut used: Vec<Vec<Looks>> = Vec::new();
    let mut plain = 0;
    for path in &paths {
        let Some(picture) = read(path) else { continue };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let mut parts = vec![(name.clone(), picture.clone())];
        let (width, height) = (picture.width() / 2, picture.height() / 2);
        if picture.width().max(picture.height()) >= 1600 {
            for (number, (x, y)) in [(0, 0), (width, 0), (0, height), (width, height)]
                .into_iter()
                .enumerate()
            {
                let part = imageops::crop_imm(&picture, x, y, width, height).to_image();
                parts.push((format!("{name} {}", number + 1), part));
            }
        }
        for (name, part) in parts {
            let Some(own) = looks(&jpeg(&part, 95)).unwrap() else {
                plain += 1;
                println!("too little in it: {name}");
                continue;
            };
            if let Some((other, _)) = kept.iter().find(|(_, look)| own.distance(look) <= 24) {
                println!("left out: {name} is {other} again");
                continue;
            }
            let made = WAYS
                .iter()
                .map(|(_, way)| looks(&way(&part)).unwrap())
                .collect::<Option<Vec<_>>>();
            let Some(made) = made else {
                plain += 1;
                continue;
            };
            kept.push((name, own.upright));
            used.push(made);
        }
    }
    let quarters = kept.iter().filter(|(name, _)| name.contains(' ')).count();
    println!(
        "{} pictures, {quarters} of them quarters of others; {plain} had too little in them",
        kept.len()
    );
    print!("| used again | median distance |");
    for limit in DISTANCES {
        print!(" <= {limit} |");
    }
    println!();
    let share = |within: usize, of: usize| 100.0 * within as f64 / of as f64;
    for (number, (way, _)) in WAYS.iter().enumerate() {
        let mut distances: Vec<u32> = used
            .iter()
            .zip(&kept)
            .map(|(made, (_, look))| made[number].distance(look))
            .collect();
        distances.sort_unstable();
        print!("| {way} | {} |", distances[distances.len() / 2]);
        for limit in DISTANCES {
            let within = distances.iter().filter(|d| **d <= limit).count();
            print!(" {:.1} |", share(within, distances.len()));
        }
        println!();
    }
    let mut others = Vec::new();
    let mut nearest = (u32::MAX, String::new());
    for (a, made) in used.iter().enumerate() {
        for (b, (name, look)) in kept.iter().enumerate() {
            if a != b {
                for made in made {
                    let distance = made.distance(look);
                    others.push(distance);
                    if distance < nearest.0 {
                        nearest = (distance, format!("{} and {name}", kept[a].0));
                    }
                }
            }
        }
    }
    others.sort_unstable();
    print!("| another picture | {} |", others[others.len() / 2]);
    for limit in DISTANCES {
        let within = others.iter().filter(|d| **d <= limit).count();
        print!(" {:.3} |", share(within, others.len()));
    }
    println!(
        "\nnearest of {}: {} ({})",
        others.len(),
        nearest.0,
        nearest.1
    );
    for per_mille in [1, 10] {
        println!(
            "{per_mille} in 1,000 lie below {}",
            others[others.len() * per_mille / 1000]
        );
    }
}
