//! What a fix costs: conversion between datums, one fence, and ten thousand fences under watch; and what a day costs among five thousand
//! customers, from the device's database to the stays.
#![allow(
    missing_docs,
    reason = "criterion's macros write undocumented functions"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a bench stops at what it does not expect"
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use waymark_client::AdviceRequest;
use waymark_client::import::ImportRequest;
use waymark_domain::fix::AccuracySource;
use waymark_domain::geo::crossing::{Settings, Watch};
use waymark_domain::geo::fence::{Area, Fence};
use waymark_domain::geo::{Datum, Gcj02, Position, Regions, Wgs84};
use waymark_testkit::fleet::Fleet;

const NONE: Regions = Regions {
    hong_kong: false,
    macau: false,
    taiwan: false,
};

fn wgs(lat: f64, lon: f64) -> Wgs84 {
    Wgs84::new(lat, lon).unwrap()
}

fn circle(lat: f64, lon: f64) -> Area {
    let center = Position::Wgs84(wgs(lat, lon));
    Fence::Circle {
        center,
        radius_m: 100.0,
        name: None,
    }
    .area(NONE)
    .unwrap()
}

fn fences(c: &mut Criterion) {
    let mut group = c.benchmark_group("geo");
    let beijing = wgs(39.9, 116.4);
    group.bench_function("WGS-84 to GCJ-02", |b| {
        b.iter(|| black_box(beijing).to_gcj02(NONE));
    });
    let map = Gcj02::new(39.9, 116.4).unwrap();
    group.bench_function("GCJ-02 to WGS-84", |b| {
        b.iter(|| black_box(map).to_wgs84(NONE));
    });
    let shop = circle(48.0, 11.0);
    let near = wgs(48.000_8, 11.0);
    group.bench_function("probability in a circle", |b| {
        b.iter(|| shop.probability_inside(black_box(near), 30.0));
    });
    let ring = (0..200_u32)
        .map(|i| f64::from(i) * std::f64::consts::TAU / 200.0)
        .map(|angle| (48.0 + 0.001 * angle.sin(), 11.0 + 0.0015 * angle.cos()))
        .collect();
    let campus = Fence::Polygon {
        datum: Datum::Wgs84,
        ring,
        name: None,
    }
    .area(NONE)
    .unwrap();
    group.bench_function("probability in a polygon of 200 corners", |b| {
        b.iter(|| campus.probability_inside(black_box(near), 30.0));
    });

    // a town of 100 x 100 customers, 110 m by 110 m apart, so that fences overlap; a rep walks through
    let town = (0..10_000_u32).map(|i| {
        (
            i,
            circle(f64::from(i % 100) * 0.001, f64::from(i / 100) * 0.001),
        )
    });
    let mut watch = Watch::new(town, Settings::default());
    let mut step = 0_u32;
    group.bench_function("a fix among 10,000 fences", |b| {
        b.iter(|| {
            step += 1;
            let at = wgs(f64::from(step % 10_000) * 0.000_01, 0.05);
            watch.observe(at, 10.0, i64::from(step) * 10_000)
        });
    });
    group.finish();
}

/// Eight hours, a fix every ten seconds, standing and driving in turn through a town of five thousand customers.
fn a_day_among_customers(c: &mut Criterion) {
    const CUSTOMERS: u32 = 5_000;
    let fleet = Fleet::new().rep("anna");
    let anna = fleet.device("anna");
    let mut csv = String::from("name,lat,lon\n");
    for i in 0..CUSTOMERS {
        let (lat, lon) = (f64::from(i % 100) * 0.001, f64::from(i / 100) * 0.001);
        csv.push_str(&format!("Customer {i},{lat:.4},{lon:.4}\n"));
    }
    let user = fleet.user("anna");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("town.csv");
    std::fs::write(&path, csv).unwrap();
    let import = ImportRequest {
        path,
        datum: Some(Datum::Wgs84),
        owner: None,
        dry_run: false,
    };
    assert_eq!(anna.import_customers(&import).unwrap().imported, 5_000);
    anna.shift().start(None).unwrap();
    let (mut lat, mut lon) = (0.02, 0.02);
    for step in 0..2_880_u32 {
        fleet.pass(10_000);
        if step % 180 >= 90 {
            lat += 0.000_25;
            lon += 0.000_05;
        }
        let jitter = f64::from(step * 7_919 % 97) / 97.0 * 6e-5;
        let at = (lat % 0.1 + jitter, lon % 0.05);
        let fix = anna.fix(at, Datum::Wgs84, 8.0, AccuracySource::Android, 0);
        anna.tracks().record(&[fix.unwrap()]).unwrap();
    }
    anna.shift().end().unwrap();
    let last = anna.today_date().unwrap();
    let days = [last.pred_opt().unwrap(), last];
    let found = days.map(|day| anna.tracks().crossings(user, day, "").unwrap());
    assert!(
        found
            .iter()
            .any(|day| day.stays.len() > 10 && day.fences == 5_000)
    );
    let mut group = c.benchmark_group("a day among 5,000 customers");
    group.sample_size(10);
    group.bench_function("entered, left, stays and stops", |b| {
        b.iter(|| days.map(|day| anna.tracks().crossings(user, day, "").unwrap()));
    });
    let fix = anna.fix((0.05, 0.03), Datum::Wgs84, 8.0, AccuracySource::Android, 0);
    anna.shift().start(None).unwrap();
    let request = AdviceRequest {
        fix: fix.unwrap(),
        battery: None,
        charging: false,
    };
    group.bench_function("how soon to ask for the next position", |b| {
        b.iter(|| anna.tracks().advice(black_box(&request)).unwrap());
    });
    group.finish();
}

criterion_group!(benches, fences, a_day_among_customers);
criterion_main!(benches);
