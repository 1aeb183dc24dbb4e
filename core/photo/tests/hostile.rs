//! Files that mean harm, or met with some: never a panic, always a clear answer.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::path::PathBuf;
use std::sync::LazyLock;

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use proptest::prelude::*;
use uuid::Uuid;
use waymark_domain::hash::Hash;
use waymark_domain::ids::{DeviceId, TenantId};
use waymark_photo::{
    Error, Facts, Interval, Marker, Mode, Order, SealKey, Template, Verdict, camera, looks,
    restore, stamp, thumbnail, verify,
};

const KEY: SealKey = SealKey {
    key: [7; 32],
    nonce: [9; 12],
};

/// Small pictures of every kind that is read, and broken ones.
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/photos");
    let mut files: Vec<PathBuf> = [root.clone(), root.join("broken")]
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && path.extension().is_some_and(|name| name != "md"))
        .collect();
    files.sort();
    let mut seeds: Vec<Vec<u8>> = files
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .filter(|data| data.len() < 40_000)
        .collect();
    // pictures that were stamped: their sealed parts are read too
    let stamped: Vec<Vec<u8>> = seeds
        .iter()
        .filter_map(|data| try_stamp(data, Mode::Evidence).ok())
        .collect();
    assert!(
        stamped.len() > 5 && seeds.len() > 15,
        "{} {}",
        stamped.len(),
        seeds.len()
    );
    seeds.extend(stamped);
    seeds
});

fn try_stamp(data: &[u8], mode: Mode) -> Result<Vec<u8>, Error> {
    let template = Template::from_json(br#"{"fields": [{"key": "rep"}]}"#).unwrap();
    let facts: Facts = serde_json::from_str(
        r#"{"position": {"lat": 1.0, "lon": 2.0}, "texts": {"rep": {"is": "W"}}}"#,
    )
    .unwrap();
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let point = key.verifying_key().to_sec1_point(true);
    let sign = |message: &[u8]| {
        let signature: Signature = key.sign(message);
        Ok(signature.to_bytes().into())
    };
    let marker = Marker {
        tenant: TenantId::from_uuid(Uuid::from_bytes([1; 16])),
        device: DeviceId::from_uuid(Uuid::from_bytes([2; 16])),
        key: point.as_bytes().try_into().unwrap(),
        vouch: None,
        time: Interval {
            from_ms: 0,
            to_ms: 1,
        },
        verdict: Verdict::None,
        head: (0, Hash::ZERO),
        sign: &sign,
    };
    let order = Order {
        mode,
        template: &template,
        facts: &facts,
        seal: Some(&KEY),
        device_font: None,
        mark: Some(&marker),
    };
    let stamped = stamp(data, &order)?;
    let mut out = Vec::new();
    stamped.write_to(&mut out).unwrap();
    if stamped.report().sealed_bytes > 0 {
        assert!(
            restore(&out, &KEY.key).unwrap() == data,
            "whatever was stamped in place comes back"
        );
    }
    Ok(out)
}

/// What happens to a file: a byte is set, a bit flips, a piece goes, a piece comes twice, the rest is cut off.
#[derive(Debug, Clone)]
enum Harm {
    Set(usize, u8),
    Flip(usize, u8),
    Remove(usize, usize),
    Double(usize, usize),
    Cut(usize),
}

fn harm() -> impl Strategy<Value = Harm> {
    // the headers are short and matter most
    let place = prop_oneof![0_usize..700, any::<usize>()];
    prop_oneof![
        (place.clone(), any::<u8>()).prop_map(|(at, byte)| Harm::Set(at, byte)),
        (place.clone(), prop_oneof![Just(0xFF_u8), Just(0)])
            .prop_map(|(at, byte)| Harm::Set(at, byte)),
        (place.clone(), 0_u8..8).prop_map(|(at, bit)| Harm::Flip(at, bit)),
        (place.clone(), 1_usize..64).prop_map(|(at, count)| Harm::Remove(at, count)),
        (place.clone(), 1_usize..64).prop_map(|(at, count)| Harm::Double(at, count)),
        place.prop_map(Harm::Cut),
    ]
}

fn harmed(data: &[u8], harms: &[Harm]) -> Vec<u8> {
    let mut data = data.to_vec();
    for harm in harms {
        if data.is_empty() {
            break;
        }
        let length = data.len();
        match *harm {
            Harm::Set(at, byte) => data[at % length] = byte,
            Harm::Flip(at, bit) => data[at % length] ^= 1 << bit,
            Harm::Remove(at, count) => {
                let at = at % length;
                data.drain(at..(at + count).min(length));
            }
            Harm::Double(at, count) => {
                let at = at % length;
                let piece = data[at..(at + count).min(length)].to_vec();
                data.splice(at..at, piece);
            }
            Harm::Cut(at) => data.truncate(at % length),
        }
    }
    data
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn no_file_makes_it_panic(
        seed in any::<prop::sample::Index>(),
        harms in prop::collection::vec(harm(), 1..6),
        // looking for codes in a picture costs more than all else here
        look in prop::bool::weighted(0.1),
        mode in prop_oneof![6 => Just(Mode::Evidence), 1 => Just(Mode::Copy), 1 => Just(Mode::Canvas)],
    ) {
        let data = harmed(&SEEDS[seed.index(SEEDS.len())], &harms);
        let _ = try_stamp(&data, mode);
        let _ = restore(&data, &KEY.key);
        let _ = thumbnail(&data);
        if look {
            let _ = verify(&data, None);
        }
    }
}

/// `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(3000)
}

#[test]
fn every_seed_gives_an_answer_in_every_mode() {
    for data in SEEDS.iter() {
        for mode in [Mode::Evidence, Mode::Copy, Mode::Canvas] {
            let _ = try_stamp(data, mode);
        }
        let _ = thumbnail(data);
    }
}

/// What the fuzzer of tests/fuzz kept: each file takes a way through the code that no other does.
#[test]
fn whatever_the_fuzzer_found_gives_an_answer() {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus/photo");
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let data = std::fs::read(entry.unwrap().path()).unwrap();
        for mode in [Mode::Evidence, Mode::Copy, Mode::Canvas] {
            let _ = try_stamp(&data, mode);
        }
        let _ = (thumbnail(&data), looks(&data), camera(&data));
        count += 1;
    }
    assert!(count > 300, "{count}");
}

#[test]
fn a_template_and_facts_full_of_text_are_cut_or_refused() {
    let long = "长".repeat(100_000);
    let facts: Facts = serde_json::from_value(serde_json::json!({
        "texts": { "note": { "is": long }, "rep": { "missing": long } }
    }))
    .unwrap();
    let template =
        Template::from_json(br#"{"fields": [{"key": "note"}, {"key": "rep"}]}"#).unwrap();
    let order = Order {
        mode: Mode::Canvas,
        template: &template,
        facts: &facts,
        seal: None,
        device_font: None,
        mark: None,
    };
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/photos");
    let data = std::fs::read(root.join("no_exif.jpg")).unwrap();
    let stamped = stamp(&data, &order).unwrap();
    assert!(
        stamped.report().size.1 < 2000,
        "{:?}",
        stamped.report().size
    );
}
