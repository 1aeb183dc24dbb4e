//! What the server does not take as it is stands on the user's list and the server's within one exchange, with a way out (I14).

use waymark_client::{AttentionRow, ErrorCode, PlanRequest};
use waymark_domain::record::Role;
use waymark_domain::refusal::Code;
use waymark_protocol::outcome::{Outcome, Why};
use waymark_server::UserChange;

use crate::support::{Office, Person};

struct Scene {
    office: Office,
    mia: Person,
    anna: Person,
}

fn scene() -> Scene {
    let office = Office::open();
    let (mia, anna) = (office.manager("Mia"), office.rep("Anna"));
    mia.sync().unwrap();
    Scene { office, mia, anna }
}

/// The only row of the list, which the server lists as well.
fn the_one(office: &Office, person: &Person) -> AttentionRow {
    let mut rows = person.attention().list().unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    let row = rows.remove(0);
    let server = office.on_the_servers_list();
    assert!(server.contains(&row.op), "{server:?}");
    row
}

#[test]
fn i14_two_renames_of_one_customer_go_to_review_and_the_rep_can_insist() {
    let Scene {
        office,
        mut mia,
        mut anna,
    } = scene();
    let shop = mia.add_customer_of("Shop", Some(anna.user()));
    mia.sync().unwrap();
    anna.sync().unwrap();
    mia.rename(shop, "Mia's name");
    anna.rename(shop, "Anna's name");
    anna.note(shop, "independent of it");
    mia.sync().unwrap();
    let report = anna.sync().unwrap();
    assert_eq!(
        (report.settled, report.pending, report.attention),
        (2, 0, 1)
    );
    anna.assert_ledger(1, 0, 1);

    let row = the_one(&office, &anna);
    assert_eq!(
        (row.kind.as_str(), row.code.as_str()),
        ("customer", "review")
    );
    assert_eq!(row.values["name"], "Anna's name");
    let Some(Outcome::Review {
        why: Why::Clash,
        clashes,
    }) = &row.outcome
    else {
        panic!("{row:?}")
    };
    assert_eq!(clashes.len(), 1);
    let clash = &clashes[0];
    assert_eq!(clash.field, "name");
    assert_eq!(
        (&clash.base, &clash.mine, &clash.theirs),
        (&"Shop".into(), &"Anna's name".into(), &"Mia's name".into())
    );
    assert_eq!(anna.name_of(shop), "Mia's name");

    // again, on top of what it is by now
    assert!(row.can_retry);
    let again = anna.attention().retry(row.op).unwrap();
    assert_eq!(anna.name_of(shop), "Anna's name");
    assert!(anna.attention().list().unwrap().is_empty());
    anna.assert_ledger(2, 1, 0);
    let error = anna.attention().retry(row.op).unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound, "once");
    anna.sync().unwrap();
    anna.assert_ledger(3, 0, 0);
    let settled = office
        .ops_of(anna.device())
        .into_iter()
        .find(|found| found.op == again);
    assert!(matches!(settled.unwrap().outcome, Outcome::Applied { .. }));
    mia.sync().unwrap();
    assert_eq!(mia.name_of(shop), "Anna's name");
    mia.assert_same_as(&office);
    anna.assert_same_as(&office);
}

#[test]
fn i14_what_is_refused_is_listed_with_its_dependents_and_can_be_let_go() {
    let Scene {
        office,
        mut mia,
        anna,
    } = scene();
    let shop = mia.add_customer_of("Shop", Some(anna.user()));
    mia.sync().unwrap();
    anna.sync().unwrap();
    // Mia plans for Anna while she is no longer a manager without knowing it
    let other_team = UserChange {
        role: Some(Role::Rep),
        ..UserChange::default()
    };
    let plan = PlanRequest {
        customer: shop,
        day: None,
        rep: Some(anna.user()),
    };
    let visit = mia.visits().plan(&plan).unwrap();
    mia.visits().skip(visit, "they moved").unwrap();
    let own = mia.add_customer("Mia's own");
    office.server().set_user(mia.user(), other_team).unwrap();
    let report = mia.sync().unwrap();
    assert_eq!(
        (report.settled, report.pending, report.attention),
        (3, 0, 2)
    );
    mia.assert_ledger(2, 0, 2);
    assert_eq!(mia.name_of(own), "Mia's own");
    assert!(
        mia.visits().view(visit).is_err(),
        "a refused visit does not show"
    );

    let rows = mia.attention().list().unwrap();
    let code = |row: &AttentionRow| match &row.outcome {
        Some(Outcome::Rejected { refusal }) => refusal.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        rows.iter().map(code).collect::<Vec<_>>(),
        [Code::Forbidden, Code::Dependency]
    );
    let server = office.on_the_servers_list();
    assert!(
        rows.iter()
            .all(|row| row.code == "rejected" && server.contains(&row.op))
    );
    // to try again is refused here already: the device knows of the new role by now
    let error = mia.attention().retry(rows[0].op).unwrap_err();
    assert!(
        matches!(
            error.code,
            ErrorCode::Forbidden | ErrorCode::UnknownReference
        ),
        "{error:?}"
    );
    mia.assert_ledger(2, 0, 2);
    for row in rows {
        mia.attention().dismiss(row.op).unwrap();
        assert_eq!(
            mia.attention().dismiss(row.op).unwrap_err().code,
            ErrorCode::NotFound
        );
    }
    mia.assert_ledger(4, 0, 0);
    mia.sync().unwrap();
    mia.assert_ledger(4, 0, 0);
    mia.assert_same_as(&office);
}

#[test]
fn i14_work_on_a_customer_that_was_moved_away_is_reviewed_and_not_lost() {
    let Scene {
        office,
        mia,
        mut anna,
    } = scene();
    let ben = office.rep("Ben");
    mia.sync().unwrap();
    let shop = mia.add_customer_of("Shop", Some(anna.user()));
    mia.sync().unwrap();
    anna.sync().unwrap();
    mia.give(shop, ben.user());
    mia.sync().unwrap();
    anna.rename(shop, "Anna's last word");
    let report = anna.sync().unwrap();
    assert_eq!(
        (report.settled, report.pending, report.attention),
        (1, 0, 1)
    );
    anna.assert_ledger(0, 0, 1);
    let row = the_one(&office, &anna);
    assert_eq!(row.values["name"], "Anna's last word");
    let out_of_scope = matches!(
        row.outcome,
        Some(Outcome::Review {
            why: Why::OutOfScope,
            ..
        })
    );
    assert!(out_of_scope, "{row:?}");
    // the bytes are on both ends
    let there = office.ops_of(anna.device());
    assert!(
        there[0]
            .bytes
            .windows(16)
            .any(|window| window == b"Anna's last word")
    );
    // there is nothing here any more to do it on
    let error = anna.attention().retry(row.op).unwrap_err();
    assert!(
        matches!(error.code, ErrorCode::NotFound | ErrorCode::Forbidden),
        "{error:?}"
    );
    anna.assert_ledger(0, 0, 1);
    anna.attention().dismiss(row.op).unwrap();
    anna.assert_ledger(1, 0, 0);
    anna.assert_same_as(&office);
}

#[test]
fn a_step_that_others_have_overtaken_is_reviewed() {
    let Scene {
        office,
        mia,
        mut anna,
    } = scene();
    let shop = mia.add_customer_of("Shop", Some(anna.user()));
    mia.sync().unwrap();
    anna.sync().unwrap();
    let visit = anna.visits().start_unplanned(shop).unwrap();
    anna.sync().unwrap();
    mia.sync().unwrap();
    mia.visits().skip(visit, "cancelled by phone").unwrap();
    mia.sync().unwrap();
    anna.visits().finish(visit).unwrap();
    anna.sync().unwrap();
    let row = the_one(&office, &anna);
    assert_eq!(row.command.as_deref(), Some("finish"));
    assert!(matches!(
        row.outcome,
        Some(Outcome::Review {
            why: Why::Clash,
            ..
        })
    ));
    let error = anna.attention().retry(row.op).unwrap_err();
    assert_eq!(error.code, ErrorCode::WrongState, "{error:?}");
    anna.attention().dismiss(row.op).unwrap();
    anna.assert_ledger(3, 0, 0);
    anna.assert_same_as(&office);
}
