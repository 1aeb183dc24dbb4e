//! Bad input on the wire: cut, too large, malformed, of another version, repeated, slow. Each is refused by name, on a raw socket, and the
//! server goes on.

use std::io::Write as _;
use std::time::Duration;

use waymark_domain::record::{Kind, Role};
use waymark_protocol::NDJSON;
use waymark_protocol::error::{ApiCode, CallError};
use waymark_protocol::limits::{MAX_BODY, MAX_EXPANDED, MAX_LINE, MAX_OPS};
use waymark_protocol::outcome::Outcome;
use waymark_server::http::Patience;

use crate::phone::Phone;
use crate::raw_http::{connect, get, post, read_answer, send, send_cut};
use crate::support::Office;

struct Scene {
    office: Office,
    phone: Phone,
    token: String,
}

impl Scene {
    fn new() -> Self {
        Self::over(Office::open())
    }

    fn over(office: Office) -> Self {
        let code = office.invite("Anna", Role::Rep, "north").code;
        let phone = Phone::enrol(&office.url(), &code, &office.clock);
        let token = phone.token();
        Self {
            office,
            phone,
            token: format!("Bearer {token}"),
        }
    }

    /// An exchange of these bytes, compressed or not.
    fn exchange(&self, body: &[u8], zstd: bool) -> Vec<u8> {
        let mut headers = vec![
            ("authorization", self.token.as_str()),
            ("content-type", NDJSON),
        ];
        if zstd {
            headers.push(("content-encoding", "zstd"));
        }
        post("/v1/exchange", &headers, body)
    }

    fn refusal(&self, body: &[u8], zstd: bool) -> ApiCode {
        let request = self.exchange(body, zstd);
        let answer = send(self.office.port(), &request).expect("an answer");
        answer.refusal()
    }

    fn customers(&self) -> usize {
        let server = self.office.server();
        server.records(&Kind::new("customer")).unwrap().len()
    }

    /// The server is as well as before.
    fn assert_well(&mut self) {
        let before = self.customers();
        let (_, draft) = self.phone.customer("Still there");
        let op = self.phone.seal(draft);
        assert!(matches!(
            self.phone.push(&[&op])[0],
            Outcome::Applied { .. }
        ));
        assert_eq!(self.customers(), before + 1);
        self.office.assert_sound();
    }
}

#[test]
fn a_request_that_is_cut_anywhere_has_delivered_the_groups_before_the_cut() {
    let mut scene = Scene::new();
    let ops: Vec<_> = (0..3)
        .map(|at| {
            let (_, draft) = scene.phone.customer(&format!("Shop {at}"));
            scene.phone.seal(draft)
        })
        .collect();
    let bytes: Vec<&[u8]> = ops.iter().map(|op| op.bytes.as_slice()).collect();
    let whole = scene.phone.request(&bytes).to_bytes().unwrap();
    let ends: Vec<usize> = (0..whole.len()).filter(|&at| whole[at] == b'\n').collect();
    let mut cuts = vec![0, 1, ends[0] / 2];
    for &end in &ends[..4] {
        cuts.extend([end, end + 1, end + 2]);
    }
    for cut in cuts {
        // the connection ends before what content-length announced
        let mut request = scene.exchange(&whole, false);
        request.truncate(request.len() - whole.len() + cut);
        if let Some(answer) = send_cut(scene.office.port(), &request) {
            assert_eq!(answer.refusal(), ApiCode::Malformed, "cut at {cut}");
        }
        // a whole HTTP message whose content is cut
        assert_eq!(
            scene.refusal(&whole[..cut], false),
            ApiCode::Malformed,
            "cut at {cut}"
        );
        let complete = ends[1..].iter().filter(|&&end| cut > end).count();
        assert_eq!(scene.customers(), complete, "cut at {cut}");
    }
    // compressed, a cut may fall within a frame: what had come out of it before counts, nothing is half done
    let packed = zstd::encode_all(whole.as_slice(), 3).unwrap();
    for cut in 0..packed.len() {
        assert_eq!(
            scene.refusal(&packed[..cut], true),
            ApiCode::Malformed,
            "cut at {cut}"
        );
    }
    let outcomes = scene.phone.push_bytes(&bytes);
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Outcome::Applied { .. }))
    );
    assert_eq!(scene.customers(), 3);
    scene.assert_well();
}

#[test]
fn what_is_too_large_is_refused_by_name() {
    let mut scene = Scene::new();
    let header = scene.phone.request(&[]).to_bytes().unwrap();
    let first_line = header.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let with = |rest: &[u8]| [&header[..first_line], rest].concat();
    // as it travels
    let noise: Vec<u8> = (0..MAX_BODY + 1)
        .map(|at| u8::try_from(at * at % 251).unwrap())
        .collect();
    assert_eq!(scene.refusal(&with(&noise), false), ApiCode::TooLarge);
    // one line
    let line = vec![b'x'; MAX_LINE + 1];
    assert_eq!(scene.refusal(&with(&line), false), ApiCode::TooLarge);
    let packed = zstd::encode_all(with(&line).as_slice(), 3).unwrap();
    assert_eq!(scene.refusal(&packed, true), ApiCode::TooLarge);
    // a bomb: a few kilobytes that expand beyond the limit
    let bomb = zstd::encode_all(with(&b"\n".repeat(MAX_EXPANDED)).as_slice(), 19).unwrap();
    assert!(bomb.len() < 64 * 1024);
    assert_eq!(scene.refusal(&bomb, true), ApiCode::TooLarge);
    // and one whose lines could be operations
    let lines = with(&b"{}\n".repeat(MAX_OPS + 1));
    assert_eq!(scene.refusal(&lines, false), ApiCode::TooLarge);
    // the small calls
    for (path, size) in [
        ("/v1/token", 20_000),
        ("/v1/devices", 20_000),
        ("/v1/invites", 20_000),
        ("/v1/devices/revoke", 20_000),
        ("/v1/outcomes", 70_000),
        ("/v1/vault", 400_000),
    ] {
        let token = [("authorization", scene.token.as_str())];
        let request = post(path, &token, &vec![b' '; size]);
        let answer = send(scene.office.port(), &request).expect("an answer");
        assert_eq!(answer.refusal(), ApiCode::TooLarge, "{path}");
    }
    scene.assert_well();
}

#[test]
fn what_does_not_read_is_refused_and_never_panics() {
    let mut scene = Scene::new();
    let (_, draft) = scene.phone.customer("Shop");
    let op = scene.phone.seal(draft);
    let whole = scene.phone.request(&[&op.bytes]).to_bytes().unwrap();
    for nonsense in [
        b"".as_slice(),
        b"\n",
        b"\n\n\n",
        b"{}",
        b"{}\n",
        b"null\n",
        b"[]\n{\"end\":0}\n",
        b"\xff\xfe\n",
        b"{\"proto\":\"one\"}\n",
        &b"[".repeat(100_000),
        &[b"{\"proto\":".as_slice(), &b"[".repeat(100_000), b"\n"].concat(),
    ] {
        assert_eq!(scene.refusal(nonsense, false), ApiCode::Malformed);
        assert_eq!(scene.refusal(nonsense, true), ApiCode::Malformed, "as zstd");
    }
    let text = String::from_utf8(whole.clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let [header, line, _] = lines[..] else {
        panic!()
    };
    for wrong in [
        format!("{header}\n{line}\n{{\"end\":2}}\n"),
        format!("{header}\n{line}\n{{\"end\":0}}\n"),
        format!("{header}\n{line}\n"),
        format!("{header}\n{{\"end\":0}}\nmore\n"),
        format!("{header}\n{}", header.repeat(2)),
    ] {
        assert_eq!(
            scene.refusal(wrong.as_bytes(), false),
            ApiCode::Malformed,
            "{wrong}"
        );
    }
    // a byte changed anywhere in the header: answered, one way or the other
    for at in 0..header.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x20;
        let request = scene.exchange(&changed, false);
        let answer = send(scene.office.port(), &request).expect("an answer");
        assert!(
            answer.status == 200 || answer.status < 500,
            "byte {at}: {}",
            answer.head
        );
    }
    // other calls, other methods, other places
    for path in [
        "/v1/token",
        "/v1/devices",
        "/v1/outcomes",
        "/v1/vault",
        "/v1/invites",
        "/v1/devices/revoke",
    ] {
        for body in [b"".as_slice(), b"{", b"null", b"{}", b"\xff", b"[1,2,3]"] {
            let token = [("authorization", scene.token.as_str())];
            let answer = send(scene.office.port(), &post(path, &token, body)).expect("an answer");
            assert_eq!(answer.refusal(), ApiCode::Malformed, "{path} {body:?}");
        }
    }
    for (path, code) in [
        ("/", ApiCode::NotFound),
        ("/v2/hello?echo=x", ApiCode::NotFound),
        ("/v1/exchange", ApiCode::NotFound),
        ("/v1/hello", ApiCode::Malformed),
        ("/v1/hello?echo=%00", ApiCode::Malformed),
        ("/v1/devices", ApiCode::Unauthorised),
        ("/v1/snapshot?scope=x", ApiCode::Unauthorised),
    ] {
        let answer = send(scene.office.port(), &get(path)).expect("an answer");
        assert_eq!(answer.refusal(), code, "{path}");
    }
    let long = format!("/v1/hello?echo={}", "x".repeat(1_000));
    let answer = send(scene.office.port(), &get(&long)).expect("an answer");
    assert_eq!(answer.refusal(), ApiCode::Malformed);
    for token in ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer AAAA.BBBB"] {
        let request = post("/v1/exchange", &[("authorization", token)], &whole);
        let answer = send(scene.office.port(), &request).expect("an answer");
        assert_eq!(answer.refusal(), ApiCode::Unauthorised, "{token}");
    }
    // no HTTP at all
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00".as_slice(),
        b"GET\r\n\r\n",
        &[0; 4096],
    ] {
        let answer = send_cut(scene.office.port(), bytes);
        assert!(answer.is_none_or(|answer| answer.status == 400));
    }
    scene.assert_well();
}

#[test]
fn another_version_of_the_protocol_is_refused_by_name_and_a_newer_operation_is_kept() {
    let mut scene = Scene::new();
    for proto in [0, 2, u16::MAX] {
        let mut request = scene.phone.request(&[]);
        request.header.proto = proto;
        let body = request.to_bytes().unwrap();
        assert_eq!(scene.refusal(&body, false), ApiCode::WrongProtocol);
    }
    let mut newer = scene.phone.request(&[]);
    newer.header.schema = u16::MAX;
    assert!(
        scene.phone.exchange(&newer).is_ok(),
        "a newer schema is no reason"
    );
    let mut older = scene.phone.request(&[]);
    older.header.schema = 0;
    assert!(scene.phone.exchange(&older).unwrap().head.upgrade);
    let mut other = scene.phone.request(&[]);
    other.header.device = waymark_domain::ids::DeviceId::from_uuid(scene.phone.new_id());
    let CallError::Api(error) = scene.phone.exchange(&other).unwrap_err() else {
        panic!()
    };
    assert_eq!(error.code, ApiCode::Forbidden);
    scene.assert_well();
}

#[test]
fn a_request_that_is_sent_again_changes_nothing() {
    let mut scene = Scene::new();
    let (_, draft) = scene.phone.customer("Shop");
    let op = scene.phone.seal(draft);
    let whole = scene.phone.request(&[&op.bytes]).to_bytes().unwrap();
    let request = scene.exchange(&whole, false);
    let outs = |body: Vec<u8>| {
        let text = String::from_utf8(body).unwrap();
        let outs: Vec<String> = text
            .lines()
            .filter(|line| line.starts_with("{\"out\""))
            .map(str::to_owned)
            .collect();
        outs
    };
    let first = outs(send(scene.office.port(), &request).unwrap().body);
    let head = scene.office.server().head_seq().unwrap();
    assert_eq!(first.len(), 1);
    for _ in 0..5 {
        assert_eq!(
            outs(send(scene.office.port(), &request).unwrap().body),
            first
        );
    }
    assert_eq!(scene.customers(), 1);
    assert_eq!(scene.office.server().head_seq().unwrap(), head);
    // a token request that somebody recorded
    let hello = send(scene.office.port(), &get("/v1/hello?echo=x")).unwrap();
    let hello: waymark_protocol::enrol::Hello = serde_json::from_slice(&hello.body).unwrap();
    let request = scene.phone.token_request(hello.challenge);
    let recorded = post("/v1/token", &[], &serde_json::to_vec(&request).unwrap());
    assert_eq!(send(scene.office.port(), &recorded).unwrap().status, 200);
    let again = send(scene.office.port(), &recorded).unwrap();
    assert_eq!(again.refusal(), ApiCode::BadChallenge);
    scene.assert_well();
}

#[test]
fn a_body_that_goes_silent_is_not_waited_for_and_what_had_come_counts() {
    let patience = Patience {
        // long enough for an honest body on a loaded machine
        body: Duration::from_secs(1),
        ..Patience::default()
    };
    let mut scene = Scene::over(Office::open_with(patience));
    let (_, draft) = scene.phone.customer("In time");
    let op = scene.phone.seal(draft);
    let whole = scene.phone.request(&[&op.bytes]).to_bytes().unwrap();
    let request = scene.exchange(&whole, false);
    let mut stream = connect(scene.office.port());
    stream.write_all(&request[..request.len() - 4]).unwrap();
    // the socket stays open: only the server's patience ends this
    let answer = read_answer(&mut stream).expect("an answer");
    assert_eq!(answer.refusal(), ApiCode::Busy);
    assert_eq!(scene.customers(), 1);
    assert!(matches!(
        scene.phone.push(&[&op])[0],
        Outcome::Applied { .. }
    ));
    scene.assert_well();
}

#[test]
fn a_connection_on_which_nothing_happens_ends() {
    let patience = Patience {
        connection: Duration::from_secs(1),
        ..Patience::default()
    };
    let office = Office::open_with(patience);
    let mut stream = connect(office.port());
    stream
        .write_all(b"POST /v1/exchange HTTP/1.1\r\nhost: l")
        .unwrap();
    assert!(read_answer(&mut stream).is_none_or(|answer| answer.status >= 400));
    let hello = send(office.port(), &get("/v1/hello?echo=x")).expect("an answer");
    assert_eq!(hello.status, 200);
}
