//! Evidence from end to end: a rep's day with verdicts, a bundle of it, and whoever verifies it with the company's key alone.

use waymark_client::evidence::{Stretch, words};
use waymark_client::{CheckInRequest, ErrorCode, Lang};
use waymark_domain::check_in::Moment;
use waymark_domain::check_in::evidence::Offer;
use waymark_domain::fix::AccuracySource;
use waymark_domain::geo::Datum;
use waymark_domain::geo::Position;
use waymark_domain::geo::fence::{Fence, Side};
use waymark_evidence::{Report, What, verify};
use waymark_protocol::proof::PublicKey;

use crate::support::{Office, Person};

const DOOR: (f64, f64) = (43.7305, 7.4245);
/// Degrees of latitude in 100 metres, near enough.
const HUNDRED_M: f64 = 0.0009;

/// A visit with a check-in so far north of the door, and what it amounts to.
fn check_in(anna: &Person, north: f64, accuracy_m: f64, reason: Option<&str>) -> Side {
    let shop = anna.customers().page(true, 1, 0).unwrap()[0].id;
    let visit = anna.visits().start_unplanned(shop).unwrap();
    let at = (DOOR.0 + north * HUNDRED_M / 100.0, DOOR.1);
    let fix = anna.fix(at, Datum::Wgs84, accuracy_m, AccuracySource::Android, 3_000);
    let request = CheckInRequest {
        offer: Offer {
            reason: reason.map(str::to_owned),
            photo: None,
        },
        ..CheckInRequest::arriving(Some(visit), fix.unwrap())
    };
    let side = anna
        .check_ins()
        .check_in(&request)
        .unwrap()
        .verdict
        .unwrap()
        .side;
    let leaving = CheckInRequest {
        moment: Moment::Departure,
        ..request
    };
    anna.check_ins().check_in(&leaving).unwrap();
    side
}

fn shop(anna: &Person) {
    let id = anna.add_customer("Pharmacie du Rocher");
    let edit = waymark_client::CustomerEdit {
        add_fences: vec![Fence::Circle {
            center: Position::new(Datum::Wgs84, DOOR.0, DOOR.1).unwrap(),
            radius_m: 100.0,
            name: Some("door".to_owned()),
        }],
        ..waymark_client::CustomerEdit::default()
    };
    anna.customers().edit(id, edit).unwrap();
}

fn look(bundle: &[u8], key: &str) -> Report {
    let key = PublicKey::from_text(key.to_owned());
    verify(&mut &*bundle, Some(&key)).unwrap()
}

fn export(anna: &Person, stretch: Stretch) -> Vec<u8> {
    let mut out = Vec::new();
    anna.evidence()
        .export(stretch, &mut out, &mut |_| {})
        .unwrap();
    out
}

#[test]
fn a_days_verdicts_are_proven_by_the_bundle_and_the_company_s_key_alone() {
    let office = Office::open();
    let anna = office.rep("Anna");
    shop(&anna);
    assert_eq!(check_in(&anna, 40.0, 14.0, None), Side::Inside);
    assert_eq!(
        check_in(&anna, 40.0, 200.0, Some("second basement")),
        Side::Uncertain
    );
    assert_eq!(check_in(&anna, 400.0, 14.0, None), Side::Outside);
    anna.sync().unwrap();
    // another exchange brings the receipt that says "all of it"
    anna.sync().unwrap();
    assert!(
        office.server().alarms().unwrap().is_empty(),
        "{:?}",
        office.server().alarms()
    );

    let key = anna.evidence().company_key().unwrap();
    let day = anna.today_date().unwrap();
    for stretch in [Stretch::All, Stretch::Day(day)] {
        let bundle = export(&anna, stretch);
        let report = look(&bundle, &key);
        assert!(report.proven(), "{:?}", words(Lang::En, &report));
        assert_eq!((report.statements, report.noted.len()), (6, 0));
        assert_eq!(
            report.receipted.unwrap().0,
            report.to,
            "a receipt covers the last of it"
        );
        for lang in [Lang::En, Lang::ZhHans] {
            assert!(words(lang, &report).len() >= 4);
        }
    }

    // what came after the last receipt stands on the device's word, and the words say so
    anna.add_customer("Not sent yet");
    let bundle = export(&anna, Stretch::All);
    let report = look(&bundle, &key);
    assert!(report.proven() && report.receipted.unwrap().0 < report.to);
    assert!(
        words(Lang::En, &report)
            .iter()
            .any(|line| line.contains("by the device alone"))
    );

    // a word of one operation changed, and no way to sign it anew
    let text = String::from_utf8(bundle.clone()).unwrap();
    let forged = text.replacen("du Rocher", "du Richer", 1);
    assert_ne!(forged, text.clone());
    let report = look(forged.as_bytes(), &key);
    assert!(!report.proven() && report.first_bad.is_some());
    // nothing is proven to somebody who trusts another company
    let other = Office::open();
    let stranger = other.rep("Boris").evidence().company_key().unwrap();
    assert_eq!(
        look(&bundle, &stranger).first_bad.unwrap().what,
        What::BadReceipt
    );
}

#[test]
fn a_published_policy_is_named_in_the_verdict_and_travels_with_the_bundle() {
    let office = Office::open();
    let ada = office.admin("Ada");
    let anna = office.rep("Anna");
    shop(&anna);
    anna.sync().unwrap();
    let refused = anna.policies().publish_check_in("{}", None).unwrap_err();
    assert_eq!(refused.code, ErrorCode::Forbidden);
    let unfair = ada
        .policies()
        .publish_check_in(r#"{"radius_m": 3}"#, None)
        .unwrap_err();
    assert_eq!(unfair.code, ErrorCode::InvalidInput);
    let rules = r#"{"accept_uncertain": ["photo"]}"#;
    let published = ada
        .policies()
        .publish_check_in(rules, Some("photos only".to_owned()))
        .unwrap();
    assert_eq!(published.version, 1);
    ada.sync().unwrap();
    anna.sync().unwrap();
    assert_eq!(anna.policies().check_in().unwrap().policy, published);
    assert_eq!(
        check_in(&anna, 40.0, 200.0, Some("basement")),
        Side::Uncertain
    );
    anna.sync().unwrap();
    assert!(office.server().alarms().unwrap().is_empty());
    let report = look(
        &export(&anna, Stretch::All),
        &anna.evidence().company_key().unwrap(),
    );
    assert!(report.proven() && report.noted.is_empty(), "{report:?}");
}

#[test]
fn a_damaged_operation_is_told_when_the_bundle_is_written_not_at_the_auditor() {
    let office = Office::open();
    let mut anna = office.rep("Anna");
    shop(&anna);
    anna.sync().unwrap();
    anna.close();
    let hurt = anna.look().execute(
        "UPDATE history SET bytes = CAST(replace(CAST(bytes AS TEXT), 'Rocher', 'Rachel') AS BLOB) WHERE n = 1",
        [],
    );
    assert_eq!(hurt.unwrap(), 1);
    anna.start();
    let mut out = Vec::new();
    let failed = anna
        .evidence()
        .export(Stretch::All, &mut out, &mut |_| {})
        .unwrap_err();
    assert_eq!(failed.code, ErrorCode::DatabaseDamaged);
}
