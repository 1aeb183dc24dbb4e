//! Errors: every code says what happened and what to do, in both languages, and none repeats what somebody typed.

use std::collections::BTreeSet;

use waymark_client::import::ImportRequest;
use waymark_client::{
    CheckInRequest, CustomerEdit, ErrorCode, Lang, NewCustomerRequest, PlanRequest, WaymarkError,
};
use waymark_domain::fix::AccuracySource;
use waymark_domain::geo::Datum;
use waymark_domain::ids::{CustomerId, OpId, VisitId};
use waymark_domain::refusal::{Code, Refusal};
use waymark_protocol::error::{ApiCode, ApiError, CallError};
use waymark_sync::engine::Failure;
use waymark_sync::store::StoreFault;

use crate::support::{Office, Person, wait};

fn is_han(letter: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&letter)
}

#[test]
fn every_code_has_words_and_a_way_out_in_both_languages() {
    let mut wires = BTreeSet::new();
    let mut texts = BTreeSet::new();
    for &code in ErrorCode::ALL {
        let error = WaymarkError::new(code, "");
        for lang in [Lang::En, Lang::ZhHans] {
            let (message, remedy) = (error.message(lang), error.remedy(lang));
            assert!(
                message.trim().len() > 5 && remedy.trim().len() > 5,
                "{code:?}"
            );
            assert_eq!(
                message.chars().any(is_han),
                lang == Lang::ZhHans,
                "{code:?}: {message}"
            );
            assert_eq!(
                remedy.chars().any(is_han),
                lang == Lang::ZhHans,
                "{code:?}: {remedy}"
            );
            assert!(
                texts.insert(format!("{message} {remedy}")),
                "{code:?} says what another says"
            );
            assert!(error.reassurance(lang).chars().count() > 3);
        }
        assert!(error.work_saved, "{code:?}");
        assert!(wires.insert(code.wire()), "{code:?}");
        let plain = code
            .wire()
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(plain, "{code:?}");
        // what it is about is named in both languages
        let about = WaymarkError::new(code, "field");
        assert!(
            about.message(Lang::En).contains("field")
                && about.message(Lang::ZhHans).contains("field")
        );
    }
}

#[test]
fn every_refusal_and_every_refused_call_becomes_a_code() {
    let codes = [
        Code::Malformed,
        Code::Required,
        Code::TooLong,
        Code::AlreadyExists,
        Code::NotFound,
        Code::UnknownReference,
        Code::AppendOnly,
        Code::CommandOnly,
        Code::WrongState,
        Code::Unsupported,
        Code::Forbidden,
        Code::ServerOnly,
        Code::Dependency,
        Code::OpIdReused,
        Code::Other,
    ];
    for code in codes {
        let error = WaymarkError::from(Refusal::of_field(code, "name"));
        assert!(error.work_saved);
        assert_eq!(error.about, "name");
    }
    let api = [
        ApiCode::Malformed,
        ApiCode::TooLarge,
        ApiCode::WrongProtocol,
        ApiCode::Unauthorised,
        ApiCode::BadChallenge,
        ApiCode::BadSignature,
        ApiCode::BadCode,
        ApiCode::DeviceRevoked,
        ApiCode::Forbidden,
        ApiCode::NotFound,
        ApiCode::Internal,
        ApiCode::Busy,
        ApiCode::Other,
    ];
    for code in api {
        let error = WaymarkError::from(CallError::Api(ApiError::new(code, "a detail for the log")));
        assert!(error.work_saved);
        assert!(
            !error.message(Lang::En).contains("detail"),
            "a detail is for the log"
        );
        // the status of a refusal is an HTTP error, and the wire name reads back
        assert!((400..600).contains(&code.status()));
        let wire = serde_json::to_string(&code).unwrap();
        assert_eq!(serde_json::from_str::<ApiCode>(&wire).unwrap(), code);
    }
    let unknown: ApiCode = serde_json::from_str("\"of_a_later_version\"").unwrap();
    assert_eq!(unknown, ApiCode::Other);
    for (failure, code) in [
        (Failure::Key, ErrorCode::KeyUnavailable),
        (Failure::Call(CallError::Unreachable), ErrorCode::Offline),
        (Failure::Call(CallError::Silent), ErrorCode::NetworkCut),
        (Failure::Call(CallError::Cut), ErrorCode::NetworkCut),
        (Failure::Call(CallError::NotWaymark), ErrorCode::NotWaymark),
        (Failure::Call(CallError::NotSafe), ErrorCode::NotSafe),
        (
            Failure::Call(CallError::Malformed("column 3".to_owned())),
            ErrorCode::ServerMalformed,
        ),
        (
            Failure::Store(StoreFault {
                full: true,
                message: String::new(),
            }),
            ErrorCode::DiskFull,
        ),
    ] {
        assert_eq!(WaymarkError::from(failure).code, code);
    }
}

/// Words that no message may repeat.
const SECRETS: [&str; 3] = [
    "Sentinelle-Bäckerei",
    "VERTRAULICH-7731",
    "+377-99-SENTINEL",
];

struct Heard(BTreeSet<ErrorCode>);

impl Heard {
    fn hear<T>(&mut self, result: Result<T, WaymarkError>) -> WaymarkError {
        let Err(error) = result else {
            panic!("an error was expected")
        };
        for lang in [Lang::En, Lang::ZhHans] {
            let all = format!(
                "{} {} {} {error} {error:?}",
                error.message(lang),
                error.remedy(lang),
                error.reassurance(lang)
            );
            for secret in SECRETS {
                assert!(!all.contains(secret), "{all}");
            }
        }
        self.0.insert(error.code);
        error
    }
}

fn named(name: &str) -> NewCustomerRequest {
    NewCustomerRequest {
        name: name.to_owned(),
        owner: None,
        position: None,
        address: None,
        phone: None,
    }
}

#[test]
fn no_error_repeats_what_somebody_typed() {
    let mut heard = Heard(BTreeSet::new());
    let mut office = Office::open();
    let [name, text, phone] = SECRETS;
    let stranger = Person::new(office.clock.wall_ms());
    heard.hear(stranger.customers().add(named(name)));
    heard.hear(stranger.try_enrol(&office.url(), text, None));
    heard.hear(stranger.try_enrol(&format!("http://{text}"), text, None));
    heard.hear(stranger.try_enrol(&office.url(), text, Some(text.to_owned())));

    let anna = office.rep("Anna");
    let ben = office.rep("Ben");
    let shop = anna.add_customer(name);
    anna.add_customer(&format!("{name} 2"));
    heard.hear(anna.try_enrol(&office.url(), text, None));
    let long = text.repeat(5_000);
    heard.hear(anna.customers().add(named("")));
    heard.hear(anna.customers().add(named(&long)));
    heard.hear(anna.customers().add(NewCustomerRequest {
        owner: Some(ben.user()),
        ..named(name)
    }));
    heard.hear(anna.customers().edit(
        shop,
        CustomerEdit {
            phone: Some(long.clone()),
            ..CustomerEdit::default()
        },
    ));
    heard.hear(anna.try_note(shop, None, " "));
    heard.hear(anna.try_note(shop, None, &long));
    let nowhere = CustomerId::from_uuid(uuid::Uuid::nil());
    heard.hear(anna.try_note(nowhere, None, text));
    heard.hear(anna.customers().find(text));
    heard.hear(anna.customers().find("Sentinelle"));
    heard.hear(anna.team().find(text));
    heard.hear(anna.visits().find(text));
    heard.hear(anna.visits().view(VisitId::from_uuid(uuid::Uuid::nil())));
    heard.hear(anna.attention().retry(OpId::from_uuid(uuid::Uuid::nil())));
    let visit = anna.visits().start_unplanned(shop).unwrap();
    heard.hear(anna.visits().skip(visit, ""));
    heard.hear(anna.visits().skip(visit, &long));
    anna.visits().finish(visit).unwrap();
    heard.hear(anna.visits().skip(visit, text));
    heard.hear(anna.visits().start(visit));
    heard.hear(anna.visits().plan(&PlanRequest {
        customer: shop,
        day: None,
        rep: Some(ben.user()),
    }));
    for (lat, lon, accuracy_m) in [
        (91.0, 0.0, 5.0),
        (f64::NAN, 0.0, 5.0),
        (43.0, 7.0, -1.0),
        (43.0, 7.0, f64::INFINITY),
    ] {
        let visit = anna.visits().start_unplanned(shop).unwrap();
        let fix = anna.fix(
            (lat, lon),
            Datum::Wgs84,
            accuracy_m,
            AccuracySource::Stated,
            0,
        );
        let request = fix.map(|fix| CheckInRequest::arriving(Some(visit), fix));
        heard.hear(request.and_then(|request| anna.check_ins().check_in(&request)));
    }

    // files
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        ImportRequest {
            path,
            datum: Some(Datum::Wgs84),
            owner: Some(anna.user()),
            dry_run: false,
        }
    };
    heard.hear(anna.import_customers(&file("a.txt", text.as_bytes())));
    heard.hear(anna.import_customers(&file("a.csv", text.as_bytes())));
    heard.hear(anna.import_customers(&file(
        "a.geojson",
        format!("{{\"type\":\"{text}\"}}").as_bytes(),
    )));
    heard.hear(anna.import_customers(&ImportRequest {
        datum: None,
        ..file("b.csv", format!("name\n{name}\n").as_bytes())
    }));
    heard.hear(anna.import_customers(&ImportRequest {
        path: folder.path().join(text),
        ..file("c.csv", b"")
    }));
    let rows = format!("id,name,lat,lon\n1,{name},1000,{text}\n1,,1,\n2,\"{long}\",,\n3,{phone}\n");
    let report = anna
        .import_customers(&file("d.csv", rows.as_bytes()))
        .unwrap();
    assert_eq!((report.imported, report.rows), (0, 4));
    let listed: Vec<u64> = report.wrong.iter().map(|wrong| wrong.row).collect();
    assert_eq!(listed, [2, 3, 4, 5]);
    let shown = format!(
        "{:?} {:?}",
        report.wrong,
        report
            .wrong
            .iter()
            .map(|wrong| wrong.why.text(Lang::ZhHans))
            .collect::<Vec<_>>()
    );
    assert!(
        SECRETS.iter().all(|secret| !shown.contains(secret)),
        "{shown}"
    );

    // the network and the file
    anna.sync().unwrap();
    anna.note(shop, text);
    office.stop();
    heard.hear(anna.sync());
    heard.hear(wait(anna.admin().devices()));
    anna.suspend().unwrap();
    heard.hear(anna.status());
    heard.hear(anna.try_note(shop, None, text));
    anna.resume().unwrap();
    heard.hear(waymark_client::Waymark::open(anna.config(anna.file())).map(drop));
    let foreign = folder.path().join("foreign.db");
    rusqlite::Connection::open(&foreign)
        .unwrap()
        .execute_batch(&format!(
            "CREATE TABLE t (x); INSERT INTO t VALUES ('{text}')"
        ))
        .unwrap();
    heard.hear(waymark_client::Waymark::open(anna.config(foreign)).map(drop));
    std::fs::write(folder.path().join("k.db.key"), text).unwrap();
    heard.hear(waymark_client::Waymark::open(anna.config(folder.path().join("k.db"))).map(drop));
    heard.hear(waymark_client::Waymark::open(anna.config(folder.path().to_owned())).map(drop));

    let silent: Vec<ErrorCode> = ErrorCode::ALL
        .iter()
        .copied()
        .filter(|code| !heard.0.contains(code))
        .collect();
    eprintln!(
        "{} of {} codes provoked; not here: {silent:?}",
        heard.0.len(),
        ErrorCode::ALL.len()
    );
    assert!(heard.0.len() >= 15, "{:?}", heard.0);
}
