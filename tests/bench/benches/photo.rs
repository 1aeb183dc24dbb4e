//! What a stamp costs: a photo of 18 megapixels as it lies in its file, one that lies on its side, a copy for sending, and the text alone.
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

fn photo(c: &mut Criterion) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/photos");
    let data = std::fs::read(folder.join("canon_422_18mp.jpg")).unwrap();
    let small = std::fs::read(folder.join("nokia_n70_422_iptc.jpg")).unwrap();
    let facts = facts();
    let template = Template {
        language: Language::ZhHans,
        ..Template::default()
    };
    let mut group = c.benchmark_group("photo");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(data.len() as u64));
    for orientation in [1, 3, 6, 8] {
        let lying = lying(data.clone(), orientation);
        let id = BenchmarkId::new("evidence, 18 MP, orientation", orientation);
        group.bench_function(id, |b| {
            b.iter(|| stamped(black_box(&lying), Mode::Evidence, &template, &facts));
        });
    }
    let top = Template {
        corner: Corner::TopLeft,
        ..template.clone()
    };
    group.bench_function("evidence, 18 MP, stamp on the stored top", |b| {
        b.iter(|| stamped(black_box(&data), Mode::Evidence, &top, &facts));
    });
    group.bench_function("copy to 1920", |b| {
        b.iter(|| stamped(black_box(&data), Mode::Copy, &template, &facts));
    });
    let sealed = stamped(&data, Mode::Evidence, &template, &facts);
    group.bench_function("restore, 18 MP", |b| {
        b.iter(|| restore(black_box(&sealed), &KEY.key).unwrap());
    });
    group.bench_function("thumbnail", |b| {
        b.iter(|| thumbnail(black_box(&data)).unwrap());
    });
    // of a small photo little is left but the font and the text
    group.throughput(Throughput::Bytes(small.len() as u64));
    group.bench_function("evidence, 0.3 MP", |b| {
        b.iter(|| stamped(black_box(&small), Mode::Evidence, &template, &facts));
    });
    group.finish();
}

criterion_group!(benches, photo);
criterion_main!(benches);
