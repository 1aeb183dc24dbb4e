//! How a device becomes known, proves itself, and is shut out.

use waymark_domain::hash::Hash;
use waymark_domain::record::Role;
use waymark_protocol::enrol::{InviteRequest, RevokeRequest};
use waymark_protocol::error::ApiCode;
use waymark_protocol::limits::{CHALLENGE_MS, CODE_MS, TOKEN_MS};
use waymark_protocol::proof::SoftwareSigner;
use waymark_server::storage::sqlite::SqliteStorage;
use waymark_server::{Error, Result, UserChange};

use crate::ambient::HOUR_MS;
use crate::support::{World, applied, enrol_request};

fn code<T>(result: Result<T>) -> Option<ApiCode> {
    match result {
        Err(Error::Api(error)) => Some(error.code),
        Err(Error::Storage(error) | Error::Unavailable(error)) => panic!("{error}"),
        Ok(_) => None,
    }
}

fn signer(tag: u8) -> SoftwareSigner {
    SoftwareSigner::from_secret(&[tag; 32]).unwrap()
}

fn rep() -> InviteRequest {
    InviteRequest {
        user: None,
        name: "Ben".to_owned(),
        role: Role::Rep,
        team: "north".to_owned(),
    }
}

#[test]
fn the_first_admin_is_made_once() {
    let world = World::new();
    let invited = world
        .server
        .bootstrap_admin("Acme", "Ada")
        .unwrap()
        .unwrap();
    assert_eq!(world.server.bootstrap_admin("Evil", "Eve").unwrap(), None);
    let enrolled = world
        .server
        .enrol(&enrol_request(&signer(3), &invited.code))
        .unwrap();
    assert_eq!(
        (enrolled.company.as_str(), enrolled.role),
        ("Acme", Role::Admin)
    );
}

#[test]
fn a_code_is_good_for_one_key_and_a_lost_answer_costs_nothing() {
    let world = World::new();
    let invited = world.server.invite_as_operator(&rep()).unwrap();
    let request = enrol_request(&signer(3), &invited.code);
    let enrolled = world.server.enrol(&request).unwrap();
    assert_eq!(world.server.enrol(&request).unwrap(), enrolled);
    world.clock.pass(CODE_MS);
    assert_eq!(
        world.server.enrol(&request).unwrap(),
        enrolled,
        "even when the code is over"
    );
    let thief = enrol_request(&signer(4), &invited.code);
    assert_eq!(code(world.server.enrol(&thief)), Some(ApiCode::BadCode));
    assert_eq!(world.server.device_records().unwrap().len(), 1);
}

#[test]
fn a_code_may_be_typed_carelessly_but_not_late() {
    let world = World::new();
    let invited = world.server.invite_as_operator(&rep()).unwrap();
    let typed = invited.code.to_lowercase().replace('-', " ");
    let typed = enrol_request(&signer(3), &typed);
    world.clock.pass(CODE_MS - 1);
    assert!(world.server.enrol(&typed).is_ok());
    let invited = world.server.invite_as_operator(&rep()).unwrap();
    world.clock.pass(CODE_MS);
    let late = enrol_request(&signer(4), &invited.code);
    assert_eq!(code(world.server.enrol(&late)), Some(ApiCode::BadCode));
}

#[test]
fn a_key_that_did_not_sign_is_not_enrolled() {
    let world = World::new();
    let invited = world.server.invite_as_operator(&rep()).unwrap();
    let mut forged = enrol_request(&signer(3), &invited.code);
    forged.key = waymark_protocol::proof::Signer::public_key(&signer(4));
    assert_eq!(
        code(world.server.enrol(&forged)),
        Some(ApiCode::BadSignature)
    );
}

#[test]
fn codes_cannot_be_guessed_fast() {
    let world = World::new();
    let invited = world.server.invite_as_operator(&rep()).unwrap();
    let guess = enrol_request(&signer(3), "0000-0000-0000");
    let right = enrol_request(&signer(3), &invited.code);
    for _ in 0..10 {
        assert_eq!(code(world.server.enrol(&guess)), Some(ApiCode::BadCode));
    }
    assert_eq!(code(world.server.enrol(&guess)), Some(ApiCode::Busy));
    assert_eq!(
        code(world.server.enrol(&right)),
        Some(ApiCode::Busy),
        "or a guess would tell"
    );
    world.clock.pass(6_000);
    assert!(world.server.enrol(&right).is_ok(), "one every six seconds");
    // a clock that goes back locks nobody out for longer
    assert_eq!(code(world.server.enrol(&guess)), Some(ApiCode::BadCode));
    world.clock.pass(-1000 * HOUR_MS);
    world.clock.pass(60_000);
    assert_eq!(code(world.server.enrol(&guess)), Some(ApiCode::Busy));
    world.clock.pass(60_000);
    assert_eq!(code(world.server.enrol(&guess)), Some(ApiCode::BadCode));
}

#[test]
fn a_challenge_is_used_once_and_not_for_long() {
    let world = World::new();
    let ben = world.rep("Ben");
    let challenge = || world.server.hello("x").unwrap().challenge;
    let request = ben.token_request(challenge());
    assert!(world.server.token(&request).is_ok());
    assert_eq!(
        code(world.server.token(&request)),
        Some(ApiCode::BadChallenge)
    );
    let late = ben.token_request(challenge());
    world.clock.pass(CHALLENGE_MS);
    assert_eq!(code(world.server.token(&late)), Some(ApiCode::BadChallenge));
    let own = ben.token_request("AAAA".to_owned());
    assert_eq!(code(world.server.token(&own)), Some(ApiCode::BadChallenge));
    // a signature for one challenge is none for another, and a bad one does not use the challenge up
    let fresh = challenge();
    let mut forged = ben.token_request(challenge());
    forged.challenge.clone_from(&fresh);
    assert_eq!(
        code(world.server.token(&forged)),
        Some(ApiCode::BadSignature)
    );
    assert!(world.server.token(&ben.token_request(fresh)).is_ok());
}

#[test]
fn a_token_ends_and_survives_a_restart_but_a_challenge_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("server.db");
    let world = World::over(SqliteStorage::open(&file).unwrap());
    let ben = world.rep("Ben");
    let token = ben.token(&world);
    let pending = ben.token_request(world.server.hello("x").unwrap().challenge);
    let key = world.server.public_key();
    let world = world.restarted(SqliteStorage::open(&file).unwrap());
    assert_eq!(world.server.public_key(), key);
    assert!(world.server.begin_exchange(&token).is_ok());
    assert_eq!(
        code(world.server.token(&pending)),
        Some(ApiCode::BadChallenge)
    );
    world.clock.pass(TOKEN_MS);
    assert_eq!(
        code(world.server.begin_exchange(&token)),
        Some(ApiCode::Unauthorised)
    );
}

#[test]
fn a_token_is_not_made_by_hand() {
    let world = World::new();
    let ben = world.rep("Ben");
    let token = ben.token(&world);
    let challenge = world.server.hello("x").unwrap().challenge;
    for forged in ["", "x", &token[1..], &challenge, &format!("{token}AAAA")] {
        assert_eq!(
            code(world.server.begin_exchange(forged)),
            Some(ApiCode::Unauthorised)
        );
    }
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(bytes).unwrap();
        assert!(world.server.begin_exchange(&forged).is_err(), "letter {at}");
    }
}

#[test]
fn a_revoked_device_is_shut_out_at_once_even_in_the_middle() {
    let world = World::new();
    let admin = world.admin();
    let mut ben = world.rep("Ben");
    let (_, _, first) = ben.new_customer(&world, "Pharmacy");
    let (_, _, second) = ben.new_customer(&world, "Bakery");
    let bytes = ben.request(&[&first, &second], 0).to_bytes().unwrap();
    let token = ben.token(&world);
    let mut session = world.server.begin_exchange(&token).unwrap();
    let half = bytes.len() - second.bytes.len() - 11;
    session.feed(&bytes[..half]).unwrap();
    let revoke = RevokeRequest { device: ben.device };
    for _ in 0..2 {
        world.server.revoke(&admin.token(&world), &revoke).unwrap();
    }
    assert_eq!(
        code(session.feed(&bytes[half..])),
        Some(ApiCode::DeviceRevoked)
    );
    assert_eq!(code(session.finish().map(drop)), Some(ApiCode::Malformed));
    assert_eq!(
        code(world.server.begin_exchange(&token)),
        Some(ApiCode::DeviceRevoked)
    );
    assert_eq!(code(ben.try_token(&world)), Some(ApiCode::DeviceRevoked));
    assert_eq!(world.server.ops().unwrap().len(), 1);
}

#[test]
fn somebody_who_left_the_company_is_shut_out_and_comes_back_with_everything() {
    let world = World::new();
    let mut ben = world.rep("Ben");
    let active = |active| UserChange {
        active: Some(active),
        ..UserChange::default()
    };
    world.server.set_user(ben.user, active(false)).unwrap();
    assert_eq!(code(ben.try_token(&world)), Some(ApiCode::DeviceRevoked));
    world.server.set_user(ben.user, active(true)).unwrap();
    let (_, _, op) = ben.new_customer(&world, "Pharmacy");
    assert!(applied(&ben.push_one(&world, &op)));
}

#[test]
fn who_may_invite_list_and_revoke() {
    let world = World::new();
    let (admin, max, ben) = (world.admin(), world.manager("Max"), world.rep("Ben"));
    let invite = |device: &crate::support::Device, request: &InviteRequest| {
        code(world.server.invite(&device.token(&world), request))
    };
    let boss = InviteRequest {
        role: Role::Manager,
        ..rep()
    };
    let south = InviteRequest {
        team: "south".to_owned(),
        ..rep()
    };
    let again = |user| InviteRequest {
        user: Some(user),
        ..rep()
    };
    let forbidden = Some(ApiCode::Forbidden);
    for request in [&rep(), &boss, &south, &again(max.user)] {
        assert_eq!(invite(&admin, request), None);
        assert_eq!(invite(&ben, request), forbidden);
    }
    assert_eq!(invite(&max, &rep()), None);
    assert_eq!(invite(&max, &again(ben.user)), None);
    assert_eq!(invite(&max, &boss), forbidden);
    assert_eq!(invite(&max, &south), forbidden);
    assert_eq!(
        invite(&max, &again(admin.user)),
        forbidden,
        "a role in the request does not count"
    );
    let nameless = InviteRequest {
        name: " ".to_owned(),
        ..rep()
    };
    assert_eq!(invite(&admin, &nameless), Some(ApiCode::Malformed));

    assert_eq!(world.server.devices(&admin.token(&world)).unwrap().len(), 3);
    assert_eq!(code(world.server.devices(&max.token(&world))), forbidden);
    let revoke = RevokeRequest {
        device: admin.device,
    };
    assert_eq!(
        code(world.server.revoke(&max.token(&world), &revoke)),
        forbidden
    );
    let trail = world.server.audit_trail().unwrap();
    assert!(
        trail
            .iter()
            .any(|row| row.what == "invite" && row.by == Some(max.user))
    );
}

#[test]
fn a_token_opens_no_other_devices_exchange() {
    let world = World::new();
    let (ben, eve) = (world.rep("Ben"), world.rep("Eve"));
    let request = ben.request(&[], 0);
    assert_eq!(
        code(eve.exchange(&world, &request)),
        Some(ApiCode::Forbidden)
    );
}

#[test]
fn an_echo_that_no_device_sends_is_refused() {
    let world = World::new();
    assert_eq!(code(world.server.hello("a\nb")), Some(ApiCode::Malformed));
    assert_eq!(
        code(world.server.hello(&"x".repeat(129))),
        Some(ApiCode::Malformed)
    );
    let hello = world.server.hello("x").unwrap();
    let payload = waymark_protocol::proof::time_payload("x", hello.server_ms, hello.epoch);
    assert!(hello.key.verifies(&payload, &hello.sig));
}

#[test]
fn a_bad_signature_of_the_chain_is_evidence_and_no_refusal() {
    let world = World::new();
    let mut ben = world.rep("Ben");
    let (_, _, op) = ben.new_customer(&world, "Pharmacy");
    let mut request = ben.request(&[&op], 0);
    request.header.head = Hash::of(b"another");
    assert!(applied(
        &ben.exchange(&world, &request).unwrap().outs[0].outcome
    ));
    assert_eq!(world.alarm_codes(), ["bad_signature"]);
    assert!(world.server.device_records().unwrap()[0].head.is_none());
    ben.exchange(&world, &ben.request(&[], 0)).unwrap();
    let head = world.server.device_records().unwrap()[0]
        .head
        .clone()
        .unwrap();
    assert_eq!((head.n, head.head), (1, op.sha));
}

#[test]
fn a_broken_chain_and_a_count_used_twice_raise_alarms_and_nothing_else() {
    let world = World::new();
    let mut ben = world.rep("Ben");
    let (_, _, first) = ben.new_customer(&world, "One");
    let (head, n) = (ben.head, ben.n);
    let (_, _, second) = ben.new_customer(&world, "Two");
    // a phone restored from its own backup goes on from where the backup ends
    (ben.head, ben.n) = (head, n);
    let (_, _, twin) = ben.new_customer(&world, "Two again");
    ben.head = Hash::of(b"nowhere");
    let (_, _, lost) = ben.new_customer(&world, "Three");
    let outcomes = ben.push(&world, &[&first, &second, &twin, &lost]);
    assert!(outcomes.iter().all(applied));
    assert_eq!(world.alarm_codes(), ["n_reused", "chain_broken"]);
    assert_eq!(world.server.have(ben.device).unwrap().as_slice(), [(1, 3)]);
}

#[test]
fn a_chain_that_arrives_out_of_order_is_checked_all_the_same() {
    for broken in [false, true] {
        let world = World::new();
        let mut ben = world.rep("Ben");
        let (_, _, first) = ben.new_customer(&world, "One");
        if broken {
            ben.head = Hash::of(b"nowhere");
        }
        let (_, _, second) = ben.new_customer(&world, "Two");
        ben.push(&world, &[&second]);
        assert!(world.alarm_codes().is_empty());
        ben.push(&world, &[&first]);
        assert_eq!(!world.alarm_codes().is_empty(), broken);
    }
}

#[test]
fn a_count_that_is_missing_for_a_day_raises_an_alarm_once() {
    let world = World::new();
    let mut ben = world.rep("Ben");
    let (_, _, first) = ben.new_customer(&world, "One");
    let (_, _, lost) = ben.new_customer(&world, "Two");
    let (_, _, third) = ben.new_customer(&world, "Three");
    ben.push(&world, &[&first, &third]);
    let audit = || world.server.audit(world.clock.now()).unwrap();
    world.clock.pass(25 * HOUR_MS);
    assert!(
        audit().is_empty(),
        "the device was not seen since: it may be on its way"
    );
    ben.push(&world, &[]);
    let alarms = audit();
    assert_eq!(alarms.len(), 1);
    assert_eq!(
        (alarms[0].code.as_str(), alarms[0].detail.as_str()),
        ("gap", "2-2")
    );
    assert!(audit().is_empty(), "known by now");
    assert_eq!(world.server.have(ben.device).unwrap().gaps(3).count(), 1);
    ben.push(&world, &[&lost]);
    assert_eq!(world.server.have(ben.device).unwrap().as_slice(), [(1, 3)]);
}
