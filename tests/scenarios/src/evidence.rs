//! Evidence from end to end: a rep's day with verdicts, a bundle of it, and whoever verifies it with the company's key alone.

use chrono::NaiveDate;
use waymark_client::evidence::{Stretch, words};
use waymark_client::{CheckInRequest, ErrorCode, Lang};
use waymark_domain::check_in::evidence::Offer;
use waymark_domain::check_in::{CheckIn, Moment};
use waymark_domain::fix::AccuracySource;
use waymark_domain::geo::Datum;
use waymark_domain::geo::Position;
use waymark_domain::geo::fence::{Fence, Side};
use waymark_domain::record::SyncRecord as _;
use waymark_domain::retention::Rule;
use waymark_evidence::{Report, What, verify};
use waymark_protocol::proof::PublicKey;
use waymark_server::Exported;

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

/// Bundles as the first version wrote them, proven then and for ever; `UPDATE_FIXTURES=1` writes new ones, for a new version of the form.
pub(crate) fn fixtures() -> [(&'static str, &'static [u8]); 3] {
    [
        (
            "device.txt",
            include_bytes!("../../fixtures/evidence/device.txt"),
        ),
        (
            "company.txt",
            include_bytes!("../../fixtures/evidence/company.txt"),
        ),
        (
            "middle.txt",
            include_bytes!("../../fixtures/evidence/middle.txt"),
        ),
    ]
}

/// The key of the company in the fixtures.
pub(crate) const COMPANY_KEY: &str = include_str!("../../fixtures/evidence/company.key");

#[test]
fn bundles_of_the_first_version_verify_for_ever() {
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        let folder = crate::support::root().join("tests/fixtures/evidence");
        let day = a_day();
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
        write("device.txt", &day.by_device);
        write("company.txt", &day.by_company);
        write("middle.txt", &day.middle);
        write("company.key", format!("{}\n", day.key).as_bytes());
        return;
    }
    for (name, bundle) in fixtures() {
        let report = look(bundle, COMPANY_KEY.trim());
        assert!(report.proven(), "{name}: {:?}", words(Lang::En, &report));
        assert!(report.statements > 0 && report.noted.is_empty(), "{name}");
        assert_eq!(report.from_the_start, name != "middle.txt", "{name}");
    }
}

/// Bundles of one day, from all who can write one.
pub(crate) struct Day {
    /// The whole chain, by its device.
    pub(crate) by_device: Vec<u8>,
    /// The same, by the company.
    pub(crate) by_company: Vec<u8>,
    /// The next day alone, by the company.
    pub(crate) middle: Vec<u8>,
    /// The company's key.
    pub(crate) key: String,
}

/// A day with a policy, an inside, an uncertain and an outside.
pub(crate) fn a_day() -> Day {
    let office = Office::open();
    let ada = office.admin("Ada");
    let rules = r#"{"accept_uncertain": ["reason"], "hours": []}"#;
    ada.policies().publish_check_in(rules, None).unwrap();
    ada.sync().unwrap();
    let anna = office.rep("Anna");
    shop(&anna);
    anna.sync().unwrap();
    check_in(&anna, 40.0, 14.0, None);
    anna.sync().unwrap();
    check_in(&anna, 40.0, 200.0, Some("second basement"));
    check_in(&anna, 400.0, 14.0, None);
    anna.sync().unwrap();
    anna.sync().unwrap();
    let by_device = export(&anna, Stretch::All);
    let by_company = company_export(&office, &anna, None).0;
    office.pass(86_400_000, &[&anna]);
    anna.sync().unwrap();
    check_in(&anna, 40.0, 14.0, None);
    anna.sync().unwrap();
    anna.sync().unwrap();
    let second = anna.today_date().unwrap();
    Day {
        by_device,
        by_company,
        middle: company_export(&office, &anna, Some(second)).0,
        key: anna.evidence().company_key().unwrap(),
    }
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

fn company_export(office: &Office, person: &Person, day: Option<NaiveDate>) -> (Vec<u8>, Exported) {
    let mut out = Vec::new();
    let device = person.me().unwrap().device;
    let server = office.server();
    let written = server.export_bundle(device, day, &mut out, &mut |_| {});
    (out, written.unwrap())
}

#[test]
fn a_phone_that_is_lost_is_proven_from_the_company_s_ledger_by_what_it_signed_itself() {
    let office = Office::open();
    let mut anna = office.rep("Anna");
    shop(&anna);
    check_in(&anna, 40.0, 14.0, None);
    anna.sync().unwrap();
    anna.sync().unwrap();
    let (own, key) = (
        export(&anna, Stretch::All),
        anna.evidence().company_key().unwrap(),
    );
    let day = anna.today_date().unwrap();
    let (bundle, written) = company_export(&office, &anna, None);
    anna.close();

    let report = look(&bundle, &key);
    assert!(report.proven(), "{:?}", words(Lang::En, &report));
    let operations = |bundle: &[u8]| -> Vec<Vec<u8>> {
        let lines = bundle.split(|&byte| byte == b'\n');
        let operations = lines.filter(|line| line.starts_with(b"op "));
        operations.map(<[u8]>::to_vec).collect()
    };
    assert_eq!(operations(&bundle), operations(&own));
    assert_eq!((written.ops, written.without), (report.ops, None));
    assert_eq!(report.statements, 2);
    assert!(report.noted.is_empty() && report.receipts > 0);

    anna.start();
    anna.sync().unwrap();
    let (of_day, _) = company_export(&office, &anna, Some(day));
    assert!(look(&of_day, &key).proven());
    let other_day = day.pred_opt();
    let mut out = Vec::new();
    let device = anna.me().unwrap().device;
    let server = office.server();
    let nothing = server.export_bundle(device, other_day, &mut out, &mut |_| {});
    assert!(nothing.is_err() && out.is_empty());
}

#[test]
fn a_bundle_from_the_ledger_begins_after_what_its_period_emptied_and_says_so() {
    let office = Office::open();
    let anna = office.rep("Anna");
    shop(&anna);
    check_in(&anna, 40.0, 14.0, None);
    anna.sync().unwrap();
    let rules = [Rule {
        kind: CheckIn::KIND,
        days: 365,
    }];
    let far = anna.now().unwrap().best_ms() + 20 * 366 * 86_400_000;
    office.server().retire_by(&rules, far).unwrap();
    anna.add_customer("Later");
    anna.sync().unwrap();
    anna.sync().unwrap();
    let (bundle, written) = company_export(&office, &anna, None);
    let without = written.without.unwrap();
    assert_eq!(written.from, without + 1);
    let report = look(&bundle, &anna.evidence().company_key().unwrap());
    assert!(report.proven() && !report.from_the_start);
    assert_eq!(report.statements, 0);
}

#[test]
fn each_check_in_is_told_with_the_time_that_the_chain_and_the_receipts_prove() {
    let office = Office::open();
    let anna = office.rep("Anna");
    shop(&anna);
    let before = office.server().public_key();
    check_in(&anna, 40.0, 14.0, None);
    let now = anna.now().unwrap();
    anna.sync().unwrap();
    anna.sync().unwrap();
    let report = look(&export(&anna, Stretch::All), before.as_str());
    assert_eq!(report.stated.len(), 2);
    for stated in &report.stated {
        assert_eq!(stated.side, Some(Side::Inside));
        let (lo, hi) = (stated.when.earliest.unwrap(), stated.when.latest.unwrap());
        assert!(
            lo <= hi && lo <= now.latest.unwrap() && hi - lo <= 5_000,
            "{stated:?}"
        );
    }
    let told = words(Lang::En, &report).join("\n");
    assert_eq!(told.matches(": inside (operation ").count(), 2, "{told}");
}
