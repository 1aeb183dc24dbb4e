//! Any bytes as a photograph: stamped, sealed, given back; copied, made small; and opened as something that was stamped.
//! Whatever was stamped in place comes back to the last bit, and nothing panics.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::{Corpus, fuzz_target};
use waymark_photo::{Facts, Mode, Order, SealKey, Template, camera, looks, restore, stamp, thumbnail};

const KEY: SealKey = SealKey {
    key: [7; 32],
    nonce: [9; 12],
};

/// Larger pictures take longer and find nothing more.
const MAX_PIXELS: usize = 1 << 18;

static TEMPLATE: LazyLock<Template> = LazyLock::new(|| {
    Template::from_json(br#"{"fields": [{"key": "rep"}], "shape": "block"}"#).expect("a template")
});

static FACTS: LazyLock<Facts> = LazyLock::new(|| {
    let facts = r#"{"position": {"lat": 1.0, "lon": 2.0}, "texts": {"rep": {"is": "W"}}}"#;
    serde_json::from_str(facts).expect("facts")
});

/// Whether a frame header anywhere in it announces more than [`MAX_PIXELS`].
fn is_large(data: &[u8]) -> bool {
    data.windows(9).any(|bytes| {
        let [0xFF, 0xC0..=0xCF, _, _, _, h1, h0, w1, w0] = *bytes else {
            return false;
        };
        let side = |high, low| usize::from(u16::from_be_bytes([high, low]));
        side(h1, h0) * side(w1, w0) > MAX_PIXELS
    })
}

fn stamped(data: &[u8], mode: Mode) -> Option<Vec<u8>> {
    let order = Order {
        mode,
        template: &TEMPLATE,
        facts: &FACTS,
        seal: Some(&KEY),
        device_font: None,
        mark: None,
    };
    let stamped = stamp(data, &order).ok()?;
    let mut out = Vec::new();
    stamped.write_to(&mut out).expect("memory takes it");
    if stamped.report().sealed_bytes > 0 {
        let back = restore(&out, &KEY.key).expect("what was sealed opens");
        assert!(back == data, "what was stamped in place comes back");
    }
    Some(out)
}

fuzz_target!(|data: &[u8]| -> Corpus {
    if !data.starts_with(&[0xFF, 0xD8]) || is_large(data) {
        return Corpus::Reject;
    }
    if let Some(out) = stamped(data, Mode::Evidence) {
        let _ = thumbnail(&out);
    }
    let _ = stamped(data, Mode::Copy);
    let _ = thumbnail(data);
    let _ = looks(data);
    let _ = camera(data);
    let _ = restore(data, &KEY.key);
    Corpus::Keep
});
