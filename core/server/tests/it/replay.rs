//! Exactly once (I3), whatever is lost on the way.

use waymark_domain::customer::Customer;
use waymark_domain::op::Draft;
use waymark_domain::refusal::Code;
use waymark_protocol::error::ApiCode;
use waymark_protocol::exchange::{OutcomesRequest, VaultRequest};
use waymark_protocol::outcome::Outcome;
use waymark_protocol::response::ExchangeResponse;
use waymark_server::Error;
use waymark_server::storage::sqlite::SqliteStorage;

use crate::support::{On, World, applied, key_of, rejected};

fn out_lines(answer: &[u8]) -> Vec<String> {
    let text = String::from_utf8(answer.to_vec()).unwrap();
    let lines = text.lines().filter(|line| line.starts_with(r#"{"out""#));
    lines.map(str::to_owned).collect()
}

#[test]
fn a_replayed_operation_returns_the_byte_equal_outcome_and_has_one_effect() {
    let world = World::new();
    let mut rep = world.rep("Ben");
    let (id, customer, create) = rep.new_customer(&world, "Pharmacy");
    let renamed = Customer {
        phone: Some("1".to_owned()),
        ..customer.clone()
    };
    let patch = Draft::patch(id, &customer, &renamed).unwrap().unwrap();
    let patch = rep.seal(&world, patch, On::after(&create));
    // a clash whose values are fractions: the outcome keeps them to the last bit
    let other = Draft::patch(
        id,
        &Customer {
            phone: Some("0".to_owned()),
            ..customer
        },
        &Customer {
            phone: Some("2".to_owned()),
            ..renamed
        },
    );
    let merged = rep.seal(&world, other.unwrap().unwrap(), On::after(&patch));
    let request = rep.request(&[&create, &patch, &merged], 0);

    let first = rep.answer(&world, &request).unwrap();
    let seq = world.server.head_seq().unwrap();
    for _ in 0..3 {
        let again = rep.answer(&world, &request).unwrap();
        assert_eq!(out_lines(&again), out_lines(&first));
    }

    assert_eq!(out_lines(&first).len(), 3);
    assert!(out_lines(&first)[2].contains("merged"));
    assert_eq!(world.server.head_seq().unwrap(), seq);
    assert_eq!(world.server.ops().unwrap().len(), 3);
    assert_eq!(world.server.history(&key_of(id)).unwrap().len(), 3);
}

#[test]
fn the_same_id_with_other_bytes_is_refused_and_raises_an_alarm() {
    let world = World::new();
    let mut rep = world.rep("Ben");
    let (id, _, create) = rep.new_customer(&world, "Pharmacy");
    assert!(applied(&rep.push_one(&world, &create)));

    let mut forged = create.clone();
    forged.op.set.get_mut("name").unwrap().1 = "Bakery".into();
    forged.bytes = serde_json::to_vec(&forged.op).unwrap();
    assert_eq!(
        rejected(&rep.push_one(&world, &forged)),
        Some(Code::OpIdReused)
    );

    assert_eq!(world.alarm_codes(), ["op_id_reused"]);
    assert_eq!(world.body(&key_of(id)).unwrap()["name"], "Pharmacy");
    assert_eq!(world.server.ops().unwrap()[0].bytes, create.bytes);
    // the first one's outcome still stands
    assert!(applied(&rep.push_one(&world, &create)));
}

#[test]
fn another_user_learns_nothing_by_sending_somebody_elses_operation() {
    let world = World::new();
    let (mut ben, eve) = (world.rep("Ben"), world.rep("Eve"));
    let (_, _, create) = ben.new_customer(&world, "Pharmacy");
    ben.push_one(&world, &create);
    assert_eq!(
        rejected(&eve.push_one(&world, &create)),
        Some(Code::OpIdReused)
    );
    let asked = OutcomesRequest {
        ops: vec![create.op.op],
    };
    let eves = world.server.outcomes(&eve.token(&world), &asked).unwrap();
    assert_eq!(eves.outcomes, [None]);
    let bens = world.server.outcomes(&ben.token(&world), &asked).unwrap();
    assert!(bens.outcomes[0].as_ref().is_some_and(applied));
}

#[test]
fn a_cut_stream_keeps_every_group_that_was_complete() {
    let world = World::new();
    let mut rep = world.rep("Ben");
    let ops: Vec<_> = (0..5)
        .map(|at| rep.new_customer(&world, &format!("Customer {at}")).2)
        .collect();
    let request = rep.request(&Vec::from_iter(&ops), 0);
    let bytes = request.to_bytes().unwrap();
    // within the fourth operation
    let cut = bytes.len() - ops[4].bytes.len() - ops[3].bytes.len() / 2;

    let mut session = world.server.begin_exchange(&rep.token(&world)).unwrap();
    session.feed(&bytes[..cut]).unwrap();
    assert_eq!(
        world.server.ops().unwrap().len(),
        3,
        "durable before the end"
    );
    let Err(Error::Api(error)) = session.finish() else {
        panic!("an answer to half a request");
    };
    assert_eq!(error.code, ApiCode::Malformed);

    assert_eq!(world.server.have(rep.device).unwrap().as_slice(), [(1, 3)]);
    let outcomes = rep.push(&world, &Vec::from_iter(&ops));
    assert!(outcomes.iter().all(applied));
    assert_eq!(world.server.head_seq().unwrap(), 1 + 5);
}

#[test]
fn lines_before_a_broken_line_stand_even_when_they_come_together() {
    let world = World::new();
    let mut rep = world.rep("Ben");
    let (_, _, op) = rep.new_customer(&world, "Pharmacy");
    let mut bytes = rep.request(&[&op], 0).to_bytes().unwrap();
    bytes.extend_from_slice(b"{\"end\":1}\n");
    let mut session = world.server.begin_exchange(&rep.token(&world)).unwrap();
    assert!(session.feed(&bytes).is_err());
    assert_eq!(world.server.ops().unwrap().len(), 1);
    assert!(
        session.feed(b"{}\n").is_err(),
        "and nothing after it counts"
    );
    assert!(session.finish().is_err());
}

#[test]
fn an_outcome_survives_a_server_that_was_killed_before_it_could_answer() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("server.db");
    let world = World::over(SqliteStorage::open(&file).unwrap());
    let mut rep = world.rep("Ben");
    let (_, _, op) = rep.new_customer(&world, "Pharmacy");
    let request = rep.request(&[&op], 0);
    let mut session = world.server.begin_exchange(&rep.token(&world)).unwrap();
    session.feed(&request.to_bytes().unwrap()).unwrap();
    drop(session);

    let world = world.restarted(SqliteStorage::open(&file).unwrap());
    let seq = world.server.head_seq().unwrap();
    let outcome = rep.push_one(&world, &op);
    assert_eq!(outcome, Outcome::Applied { rev: 1, seq });
    assert_eq!(world.server.head_seq().unwrap(), seq);
}

#[test]
fn two_deliveries_at_the_same_time_have_one_effect() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::over(SqliteStorage::open(&dir.path().join("server.db")).unwrap());
    let mut rep = world.rep("Ben");
    let ops: Vec<_> = (0..40)
        .map(|at| rep.new_customer(&world, &format!("Customer {at}")).2)
        .collect();
    let request = rep.request(&Vec::from_iter(&ops), 0);
    let answers: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| rep.answer(&world, &request).unwrap()))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for answer in &answers {
        assert_eq!(out_lines(answer), out_lines(&answers[0]));
    }
    assert_eq!(world.server.head_seq().unwrap(), 1 + 40);
}

#[test]
fn an_operation_of_a_newer_app_is_kept_as_bytes_and_raises_an_alarm() {
    let world = World::new();
    let mut rep = world.rep("Ben");
    let (_, _, op) = rep.new_customer(&world, "Pharmacy");
    let newer = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value: serde_json::Value = serde_json::from_slice(&op.bytes).unwrap();
        value["op"] = world.id(|id| id.to_string()).into();
        change(&mut value);
        serde_json::to_vec(&value).unwrap()
    };
    let lines = [
        newer(&|value| value["v"] = 99.into()),
        newer(&|value| value["kind"] = "hologram".into()),
        newer(&|value| value["act"] = "entangle".into()),
        newer(&|value| value["op"] = "no id".into()),
    ];
    let mut request = rep.request(&[], 0);
    request.ops = lines.to_vec();
    let outs = rep.exchange(&world, &request).unwrap().outs;
    let outcomes: Vec<&Outcome> = outs.iter().map(|out| &out.outcome).collect();
    assert_eq!(outcomes[..3], [&Outcome::Vaulted; 3]);
    assert_eq!(outcomes[3], &Outcome::Retry { after_ms: 0 });
    assert!(outs[..3].iter().all(|out| out.op.is_some()));
    let kept: Vec<Vec<u8>> = world
        .server
        .ops()
        .unwrap()
        .into_iter()
        .map(|row| row.bytes)
        .collect();
    assert_eq!(kept, lines[..3]);
    assert!(world.alarm_codes().contains(&"vaulted".to_owned()));
    // and it stays so
    let again = rep.exchange(&world, &request).unwrap().outs;
    assert_eq!(again, outs);
}

#[test]
fn the_vault_takes_any_bytes_once_and_tells_what_was_settled_before() {
    let world = World::new();
    let mut rep = world.rep("Ben");
    let (_, _, op) = rep.new_customer(&world, "Pharmacy");
    let vault = |op, n, bytes: &[u8]| {
        let request = VaultRequest {
            op,
            n,
            bytes: data_encoding::BASE64.encode(bytes),
        };
        world
            .server
            .vault(&rep.token(&world), &request)
            .map(|kept| kept.outcome)
    };
    let rubbish = world.id(waymark_domain::ids::OpId::from_uuid);
    for _ in 0..2 {
        assert_eq!(vault(rubbish, 2, &[0xff, 0x00]).unwrap(), Outcome::Vaulted);
    }
    assert_eq!(world.server.have(rep.device).unwrap().as_slice(), [(2, 2)]);
    let outcome = rep.push_one(&world, &op);
    assert_eq!(vault(op.op.op, 1, &op.bytes).unwrap(), outcome);
    // other bytes under a settled id are not what was settled
    assert_eq!(
        rejected(&vault(op.op.op, 1, b"x").unwrap()),
        Some(Code::OpIdReused)
    );
    let huge = vec![0; 300 * 1024];
    assert!(
        matches!(vault(rubbish, 3, &huge), Err(Error::Api(error)) if error.code == ApiCode::TooLarge)
    );
}

#[test]
fn an_answer_reads_as_the_protocol_says_and_carries_the_signed_time() {
    let world = World::new();
    let rep = world.rep("Ben");
    let answer = rep.answer(&world, &rep.request(&[], 4096)).unwrap();
    let response = ExchangeResponse::from_bytes(&answer, "chance").unwrap();
    let head = response.head;
    let payload = waymark_protocol::proof::time_payload("chance", head.server_ms, head.epoch);
    assert!(world.server.public_key().verifies(&payload, &head.sig));
    assert_eq!(head.server_ms, world.clock.now());
    assert_eq!(head.scopes.unwrap().ids.len(), 3);
}
