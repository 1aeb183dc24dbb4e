//! The server over HTTP: whole lives, refusals, limits, and connections that die.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use waymark_domain::scope::Scope;
use waymark_protocol::enrol::{Enrolled, Hello, Token};
use waymark_protocol::exchange::{OutcomesResponse, VaultRequest, Vaulted};
use waymark_protocol::limits::{MAX_BODY, MAX_EXPANDED, MAX_LINE};
use waymark_protocol::outcome::Outcome;
use waymark_protocol::proof::SoftwareSigner;
use waymark_protocol::snapshot::SnapshotPage;
use waymark_server::http::Patience;

use crate::support::{applied, enrol_request};
use crate::town::{Answer, Town};

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[test]
fn a_device_lives_its_life_over_http() {
    let town = Town::new();
    let hello: Hello = town.get("/v1/hello?echo=abc", "").json();
    assert_eq!(hello.echo, "abc");
    let invited = town
        .world
        .server
        .bootstrap_admin("Acme", "Ada")
        .unwrap()
        .unwrap();
    let signer = SoftwareSigner::from_secret(&[9; 32]).unwrap();
    let request = enrol_request(&signer, &invited.code);
    let enrolled: Enrolled = town.post("/v1/devices", "", &request).json();
    assert_eq!(enrolled.company, "Acme");
    let mut ben = town.world.rep("Ben");
    let challenge = town.get("/v1/hello?echo=abc", "").json::<Hello>().challenge;
    let token: Token = town
        .post("/v1/token", "", &ben.token_request(challenge))
        .json();

    let (_, _, op) = ben.new_customer(&town.world, "Pharmacy");
    let response = town.exchange(&ben, &[&op]).response();
    assert!(applied(&response.outs[0].outcome));
    assert!(!response.changes.is_empty());
    let asked = serde_json::json!({"ops": [op.op.op]});
    let outcomes: OutcomesResponse = town.post("/v1/outcomes", &token.token, &asked).json();
    assert_eq!(outcomes.outcomes, [Some(response.outs[0].outcome.clone())]);
    let scope = Scope::user(ben.user);
    let page: SnapshotPage = town
        .get(
            &format!("/v1/snapshot?scope={scope}&limit=4096"),
            &token.token,
        )
        .json();
    assert_eq!(page.puts.len(), 1);
    let after = page.puts[0].id;
    let path = format!(
        "/v1/snapshot?scope={scope}&pin={}&kind=customer&id={after}&limit=4096",
        page.pin
    );
    assert!(
        town.get(&path, &token.token)
            .json::<SnapshotPage>()
            .puts
            .is_empty()
    );
    let vaulted = VaultRequest {
        op: town.world.id(waymark_domain::ids::OpId::from_uuid),
        n: 2,
        bytes: data_encoding::BASE64.encode(&vec![0; 256 * 1024]),
    };
    let vaulted: Vaulted = town.post("/v1/vault", &token.token, &vaulted).json();
    assert_eq!(vaulted.outcome, Outcome::Vaulted);

    let admin = town.world.device_of(enrolled.user);
    let token = admin.token(&town.world);
    let rows: Vec<waymark_protocol::enrol::DeviceRow> = town.get("/v1/devices", &token).json();
    assert_eq!(
        rows.iter().map(|row| (row.ops, row.missing)).max(),
        Some((2, 0))
    );
    let invite = serde_json::json!({"name": "Eve", "role": "rep", "team": "north"});
    let _: waymark_protocol::enrol::Invited = town.post("/v1/invites", &token, &invite).json();
    let revoke = serde_json::json!({"device": ben.device});
    let () = town.post("/v1/devices/revoke", &token, &revoke).json();
    assert_eq!(
        town.exchange(&ben, &[]).refusal(),
        refused(403, "device_revoked")
    );
}

#[test]
fn an_exchange_travels_compressed_both_ways_and_the_halves_are_halves() {
    let town = Town::new();
    let mut ben = town.world.rep("Ben");
    let ops: Vec<_> = (0..50)
        .map(|_| ben.new_customer(&town.world, "Pharmacy").2)
        .collect();
    let ops = Vec::from_iter(&ops);
    let plain = ben.request(&ops, 1 << 20).to_bytes().unwrap();
    let packed = zstd::encode_all(plain.as_slice(), 3).unwrap();
    let token = ben.token(&town.world);
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nauthorization: Bearer {token}\r\ncontent-encoding: zstd\r\naccept-encoding: gzip, zstd;q=0.8"
        )
    };
    let pushed = town.send(&head("/v1/push"), &packed);
    assert_eq!(pushed.header("content-encoding"), Some("zstd"));
    let response = pushed.response();
    assert_eq!(response.outs.len(), 50);
    assert!(response.changes.is_empty() && response.end.next.is_empty());
    assert_eq!(
        town.send(&head("/v1/pull"), &packed).refusal(),
        refused(400, "malformed")
    );
    let bare = ben.request(&[], 1 << 20).to_bytes().unwrap();
    let bare = zstd::encode_all(bare.as_slice(), 3).unwrap();
    let pulled = town.send(&head("/v1/pull"), &bare).response();
    assert_eq!(pulled.changes.len(), 51);
    let both = town.send(&head("/v1/exchange"), &packed).response();
    assert_eq!(both.outs, response.outs);
    assert_eq!(both.changes, pulled.changes);
}

#[test]
fn every_refusal_is_ours_and_in_json() {
    let town = Town::new();
    let mut ben = town.world.rep("Ben");
    let (_, _, op) = ben.new_customer(&town.world, "Pharmacy");
    let token = ben.token(&town.world);
    let post = format!("POST /v1/exchange HTTP/1.1\r\nauthorization: Bearer {token}");
    let plain = ben.request(&[&op], 0).to_bytes().unwrap();

    assert_eq!(town.get("/", "").refusal(), refused(404, "not_found"));
    assert_eq!(
        town.get("/v1/exchange", &token).refusal(),
        refused(404, "not_found")
    );
    assert_eq!(
        town.send("POST /v1/exchange HTTP/1.1", &plain).refusal(),
        refused(401, "unauthorised")
    );
    assert_eq!(
        town.post("/v1/outcomes", "x", &1).refusal(),
        refused(401, "unauthorised")
    );
    assert_eq!(
        town.get("/v1/hello", "").refusal(),
        refused(400, "malformed")
    );
    assert_eq!(
        town.send(&post, b"{\"proto\":1}\n").refusal(),
        refused(400, "malformed")
    );
    assert_eq!(town.send(&post, b"").refusal(), refused(400, "malformed"));
    let gzip = format!("{post}\r\ncontent-encoding: gzip");
    assert_eq!(
        town.send(&gzip, &plain).refusal(),
        refused(400, "malformed")
    );
    let zstd = format!("{post}\r\ncontent-encoding: zstd");
    assert_eq!(
        town.send(&zstd, &plain).refusal(),
        refused(400, "malformed")
    );
    let mut later = ben.request(&[], 0);
    later.header.proto = 2;
    assert_eq!(
        town.send(&post, &later.to_bytes().unwrap()).refusal(),
        refused(400, "wrong_protocol")
    );
    assert_eq!(
        town.post("/v1/outcomes", &token, &serde_json::json!({"ops": 1}))
            .refusal(),
        refused(400, "malformed")
    );
    assert_eq!(
        town.get("/v1/snapshot?scope=user:x", &token).refusal(),
        refused(404, "not_found")
    );
    assert_eq!(
        town.get("/v1/devices", &token).refusal(),
        refused(403, "forbidden")
    );
    assert!(town.world.server.ops().unwrap().is_empty());
}

#[test]
fn what_is_too_large_is_refused_by_name() {
    let town = Town::new();
    let ben = town.world.rep("Ben");
    let token = ben.token(&town.world);
    let post = format!("POST /v1/exchange HTTP/1.1\r\nauthorization: Bearer {token}");
    let zstd = format!("{post}\r\ncontent-encoding: zstd");
    let too_large = refused(413, "too_large");
    let header = ben.request(&[], 0).to_bytes().unwrap();
    let header = &header[..header.len() - "{\"end\":0}\n".len()];

    let line = [header, &vec![b'x'; MAX_LINE + 1]].concat();
    assert_eq!(town.send(&post, &line).refusal(), too_large);
    let line = zstd::encode_all(line.as_slice(), 3).unwrap();
    assert_eq!(town.send(&zstd, &line).refusal(), too_large);
    // empty lines: no line is too long, but there is no end of them
    let bomb = [header, &vec![b'\n'; MAX_EXPANDED]].concat();
    let bomb = zstd::encode_all(bomb.as_slice(), 3).unwrap();
    assert!(bomb.len() < 16 * 1024, "{} bytes on the way", bomb.len());
    assert_eq!(town.send(&zstd, &bomb).refusal(), too_large);
    let many = [header, &b"{}\n".repeat(2_001)].concat();
    assert_eq!(town.send(&post, &many).refusal(), too_large);
    let vault = VaultRequest {
        op: town.world.id(waymark_domain::ids::OpId::from_uuid),
        n: 1,
        bytes: "A".repeat(MAX_BODY / 2),
    };
    assert_eq!(town.post("/v1/vault", &token, &vault).refusal(), too_large);
}

#[test]
fn a_refusal_reaches_a_device_that_is_still_sending() {
    let town = Town::new();
    let body = vec![b'x'; MAX_BODY];
    let post = "POST /v1/exchange HTTP/1.1\r\nauthorization: Bearer over";
    for _ in 0..20 {
        assert_eq!(
            town.send(post, &body).refusal(),
            refused(401, "unauthorised")
        );
    }
    let vault = "POST /v1/vault HTTP/1.1\r\nauthorization: Bearer over";
    assert_eq!(
        town.send(vault, &body).refusal(),
        refused(401, "unauthorised")
    );
}

#[test]
fn a_connection_that_dies_in_the_middle_has_delivered_what_was_complete() {
    let town = Town::new();
    let mut ben = town.world.rep("Ben");
    let ops: Vec<_> = (0..30)
        .map(|_| ben.new_customer(&town.world, "Pharmacy").2)
        .collect();
    let ops = Vec::from_iter(&ops);
    let body = ben.request(&ops, 0).to_bytes().unwrap();
    let token = ben.token(&town.world);
    let head = format!(
        "POST /v1/exchange HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = town.connect();
    stream.write_all(head.as_bytes()).unwrap();
    // up to within the twentieth operation
    let cut = body.len() - ops[19..].iter().map(|op| op.bytes.len() + 1).sum::<usize>();
    stream.write_all(&body[..cut]).unwrap();
    stream.shutdown(Shutdown::Both).unwrap();
    drop(stream);

    let stored = || town.world.server.have(ben.device).unwrap().last();
    // waits for the condition, not for a time: the connection is gone, nothing will tell
    let reached = (0..500_000).any(|_| {
        std::thread::yield_now();
        stored() >= 18
    });
    assert!(reached, "{} of 30 are there", stored());
    assert!(stored() < 30);
    let response = town.exchange(&ben, &ops).response();
    assert!(response.outs.iter().all(|out| applied(&out.outcome)));
    assert_eq!(town.world.server.ops().unwrap().len(), 30);
}

#[test]
fn a_body_that_goes_silent_is_given_up_and_what_came_of_it_stands() {
    let town = Town::patient(Patience {
        body: Duration::from_millis(100),
        ..Patience::default()
    });
    let mut ben = town.world.rep("Ben");
    let (_, _, op) = ben.new_customer(&town.world, "Pharmacy");
    let body = ben.request(&[&op], 0).to_bytes().unwrap();
    let token = ben.token(&town.world);
    let mut stream = town.connect();
    let head = format!(
        "POST /v1/exchange HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body[..body.len() - 3]).unwrap();
    assert_eq!(Answer::read(stream).refusal(), refused(503, "busy"));
    assert_eq!(town.world.server.ops().unwrap().len(), 1);
}

#[test]
fn a_connection_on_which_nothing_happens_is_closed() {
    let town = Town::patient(Patience {
        connection: Duration::from_millis(100),
        ..Patience::default()
    });
    let mut stream = town.connect();
    stream.write_all(b"GET /v1/hello?ec").unwrap();
    let mut rest = Vec::new();
    assert_eq!(stream.read_to_end(&mut rest).unwrap_or(0), 0);
}

#[test]
fn a_stop_lets_running_requests_finish() {
    let mut town = Town::new();
    let mut ben = town.world.rep("Ben");
    let (_, _, op) = ben.new_customer(&town.world, "Pharmacy");
    let body = ben.request(&[&op], 0).to_bytes().unwrap();
    let token = ben.token(&town.world);
    let mut stream = town.connect();
    let head = format!(
        "POST /v1/exchange HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // the server asks for the body: the request is running
    let mut ask = [0; 25];
    stream.read_exact(&mut ask).unwrap();
    assert!(ask.starts_with(b"HTTP/1.1 100"));
    let _ = town.stop.take().unwrap().send(());
    stream.write_all(&body).unwrap();
    let response = Answer::read(stream).response();
    assert!(applied(&response.outs[0].outcome));
    town.stop();
    assert!(TcpStream::connect(town.address).is_err());
}
