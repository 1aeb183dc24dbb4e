//! What stamps cost, one group for each job: the text alone, copies for sending and thumbnails, the picture itself with the stamp at either side, and
//! giving it back.
#![allow(
    missing_docs,
    reason = "criterion's macros write undocumented functions"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a bench stops at what it does not expect"
)]

use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use waymark_photo::{
    Corner, Facts, Language, Mode, Order, SealKey, Template, restore, stamp, thumbnail,
};

const KEY: SealKey = SealKey {
    key: [7; 32],
    nonce: [9; 12],
};

fn facts() -> Facts {
    serde_json::from_str(
        r#"{
            "time": {"at": "2026-11-22T14:35:08+08:00", "plus_minus_s": 2, "verified": true},
            "position": {"lat": 30.274085, "lon": 120.15507, "accuracy_m": 12},
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

fn stamped(data: &[u8], mode: Mode, template: &Template, facts: &Facts) -> Vec<u8> {
    let order = Order {
        mode,
        template,
        facts,
        seal: Some(&KEY),
        device_font: None,
        mark: None,
    };
    let mut out = Vec::with_capacity(data.len() * 2);
    stamp(data, &order).unwrap().write_to(&mut out).unwrap();
    out
}

/// The photo with another orientation in its EXIF: big- or little-endian, tag 0x0112, a short.
fn lying(mut data: Vec<u8>, orientation: u8) -> Vec<u8> {
    let tag = [0x12, 0x01, 3, 0, 1, 0, 0, 0];
    let at = data
        .windows(tag.len())
        .position(|window| window == tag)
        .unwrap();
    *data.get_mut(at + 8).unwrap() = orientation;
    data
}

/// A picture of 12 megapixels with nothing on it but grey: whatever its stamp costs is the stamp's. The headers are those of one of our own
/// thumbnails: 4:2:0, and the standard's tables, in which 00 is no difference, 1010 the end of a block of brightness and 00 of one of colour.
fn grey(thumbnail: Vec<u8>) -> Vec<u8> {
    let (width, height) = (4000_u16, 3000_u16);
    let mut data = thumbnail;
    let find = |data: &[u8], marker: [u8; 2]| {
        let at = data.windows(2).position(|window| window == marker);
        at.unwrap()
    };
    let frame = find(&data, [0xFF, 0xC0]);
    let sides = [height.to_be_bytes(), width.to_be_bytes()].concat();
    data.splice(frame + 5..frame + 9, sides);
    let scan = find(&data, [0xFF, 0xDA]) + 14;
    data.truncate(scan);
    let mcus = usize::from(width.div_ceil(16)) * usize::from(height.div_ceil(16));
    data.extend([0x28, 0xA2, 0x8A, 0].repeat(mcus));
    data.extend([0xFF, 0xD9]);
    data
}

struct Given {
    /// 18 megapixels, 4:2:2.
    photo: Vec<u8>,
    facts: Facts,
    template: Template,
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/photos");
    std::fs::read(folder.join(name)).unwrap()
}

fn given() -> Given {
    Given {
        photo: fixture("canon_422_18mp.jpg"),
        facts: facts(),
        template: Template {
            language: Language::ZhHans,
            ..Template::default()
        },
    }
}

/// The text of the band: what five lines take more than five letters do, on a picture of which nothing takes time but the stamp.
fn text(c: &mut Criterion) {
    let Given {
        photo,
        facts,
        template,
    } = given();
    let grey = grey(thumbnail(&photo).unwrap());
    let keys = ["rep", "customer", "address", "a", "b"];
    let letters: Facts = {
        let texts = keys.map(|key| format!(r#""{key}": {{"is": "W"}}"#));
        serde_json::from_str(&format!(r#"{{"texts": {{{}}}}}"#, texts.join(","))).unwrap()
    };
    let bare = {
        let fields = keys.map(|key| format!(r#"{{"key": "{key}"}}"#));
        let json = format!(r#"{{"fields": [{}]}}"#, fields.join(","));
        Template::from_json(json.as_bytes()).unwrap()
    };
    let mut group = c.benchmark_group("photo text, grey 12 MP");
    group.bench_function("five lines", |b| {
        b.iter(|| stamped(black_box(&grey), Mode::Evidence, &template, &facts));
    });
    group.bench_function("five letters", |b| {
        b.iter(|| stamped(black_box(&grey), Mode::Evidence, &bare, &letters));
    });
    group.finish();
}

/// Copies for sending, as they lie and turned, and thumbnails.
fn copies(c: &mut Criterion) {
    let Given {
        photo,
        facts,
        template,
    } = given();
    let mut group = c.benchmark_group("photo copy, 18 MP");
    group.sample_size(20);
    group.throughput(Throughput::Bytes(photo.len() as u64));
    for orientation in [1, 3, 6, 8] {
        let lying = lying(photo.clone(), orientation);
        group.bench_function(BenchmarkId::new("orientation", orientation), |b| {
            b.iter(|| stamped(black_box(&lying), Mode::Copy, &template, &facts));
        });
    }
    group.finish();
    let mut group = c.benchmark_group("photo thumbnail");
    group.sample_size(20);
    group.throughput(Throughput::Bytes(photo.len() as u64));
    group.bench_function("18 MP", |b| {
        b.iter(|| thumbnail(black_box(&photo)).unwrap());
    });
    group.finish();
}

/// The picture itself, stamped where the stamp is shown at the bottom and at the top.
fn evidence(c: &mut Criterion) {
    let Given {
        photo,
        facts,
        template,
    } = given();
    let top = Template {
        corner: Corner::TopLeft,
        ..template.clone()
    };
    for (name, template) in [("bottom", &template), ("top", &top)] {
        let mut group = c.benchmark_group(format!("photo evidence, 18 MP, stamp at the {name}"));
        group.sample_size(20);
        group.throughput(Throughput::Bytes(photo.len() as u64));
        for orientation in [1, 3, 6, 8] {
            let lying = lying(photo.clone(), orientation);
            group.bench_function(BenchmarkId::new("orientation", orientation), |b| {
                b.iter(|| stamped(black_box(&lying), Mode::Evidence, template, &facts));
            });
        }
        group.finish();
    }
}

fn restored(c: &mut Criterion) {
    let Given {
        photo,
        facts,
        template,
    } = given();
    let sealed = stamped(&photo, Mode::Evidence, &template, &facts);
    let mut group = c.benchmark_group("photo restore");
    group.throughput(Throughput::Bytes(sealed.len() as u64));
    group.bench_function("18 MP", |b| {
        b.iter(|| restore(black_box(&sealed), &KEY.key).unwrap());
    });
    group.finish();
}

criterion_group!(benches, text, copies, evidence, restored);
criterion_main!(benches);
