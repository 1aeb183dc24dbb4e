//! Bad networks: a Wi-Fi that wants a sign-in, a stranger at the server's address, certificates that prove nothing, redirects.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};
use waymark_client::{ErrorCode, Lang};
use waymark_domain::record::Role;

use crate::raw_http::{Stranger, page};
use crate::support::{Office, Person, runtime, wait};

const SIGN_IN: &str =
    "<html><body><h1>Welcome to Café Wi-Fi</h1><a href=/accept>Sign in</a></body></html>";

/// The network is `answer` for a while; the work stays, the error says what to do, and all is well once the network is the office's again.
fn told(answer: &str) -> ErrorCode {
    let mut office = Office::open();
    let mut anna = office.rep("Anna");
    let shop = anna.add_customer("Shop");
    anna.note(shop, "written in the café");
    office.stop();
    let stranger = Stranger::answering_at(office.port(), answer);
    let error = anna.sync().unwrap_err();
    assert!(error.work_saved);
    assert!(!error.remedy(Lang::En).is_empty() && !error.remedy(Lang::ZhHans).is_empty());
    assert_eq!(error.reassurance(Lang::En), "Your work is saved.");
    assert!(stranger.visitors() > 0);
    anna.assert_ledger(0, 2, 0);
    // nobody can enrol there either
    let newcomer = Person::new(office.clock.wall_ms());
    let enrolling = newcomer
        .try_enrol(&office.url(), "AAAA-AAAA-AAAA", None)
        .unwrap_err();
    let expected = match error.code {
        ErrorCode::Offline | ErrorCode::NetworkCut => ErrorCode::EnrolOffline,
        code => code,
    };
    assert_eq!(enrolling.code, expected);
    // the rep goes on, the office comes back at another address of its own
    anna.note(shop, "and one more");
    let mut moved = office.moved();
    moved.start();
    anna.close();
    crate::support::point_to(&anna.file(), &moved.url());
    anna.start();
    anna.sync().unwrap();
    anna.assert_ledger(3, 0, 0);
    anna.assert_same_as(&moved);
    error.code
}

#[test]
fn a_captive_portal_is_told_from_the_server_whatever_its_status() {
    let html = "content-type: text/html; charset=utf-8\r\n";
    assert_eq!(told(&page("200 OK", html, SIGN_IN)), ErrorCode::NotWaymark);
    assert_eq!(
        told(&page("511 Network Authentication Required", html, SIGN_IN)),
        ErrorCode::NotWaymark
    );
    assert_eq!(
        told(&page("502 Bad Gateway", html, "<html>nginx</html>")),
        ErrorCode::NotWaymark
    );
}

#[test]
fn a_portal_that_speaks_json_is_told_as_well() {
    let json = "content-type: application/json\r\n";
    assert_eq!(told(&page("200 OK", json, "{}")), ErrorCode::NotWaymark);
    let refusal = "{\"code\":\"device_revoked\",\"detail\":\"\"}";
    assert_eq!(
        told(&page("403 Forbidden", json, refusal)),
        ErrorCode::NotWaymark
    );
}

#[test]
fn somebody_who_answers_no_http_is_a_broken_network() {
    let code = told("SSH-2.0-OpenSSH_9.2\r\n");
    assert!(
        matches!(code, ErrorCode::NetworkCut | ErrorCode::NotWaymark),
        "{code:?}"
    );
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Stranger::answering(page("200 OK", "x-waymark: 1\r\n", "{}"));
    let location = format!("location: http://localhost:{}/v1/hello\r\n", elsewhere.port);
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        assert_eq!(
            told(&page(status, &location, "")),
            ErrorCode::NotWaymark,
            "{status}"
        );
    }
    let marked = format!("{location}x-waymark: 1\r\n");
    let code = told(&page("307 Temporary Redirect", &marked, ""));
    assert_eq!(code, ErrorCode::ServerMalformed);
    assert_eq!(elsewhere.visitors(), 0, "the device went where it was sent");
}

#[test]
fn a_server_whose_key_is_not_the_pinned_one_gets_nothing() {
    let mut office = Office::open();
    let mut anna = office.rep("Anna");
    let shop = anna.add_customer("Shop");
    let mut impostor = office.impostor();
    let error = anna.sync().unwrap_err();
    assert_eq!(
        (error.code, error.work_saved),
        (ErrorCode::NotWaymark, true)
    );
    assert!(impostor.server().ops().unwrap().is_empty());
    anna.assert_ledger(0, 1, 0);
    assert_eq!(anna.name_of(shop), "Shop");
    impostor.stop();
    office.start();
    anna.sync().unwrap();
    anna.assert_ledger(1, 0, 0);
    anna.assert_same_as(&office);
}

#[test]
fn plain_http_goes_to_this_machine_only() {
    let office = Office::open();
    let anna = Person::new(office.clock.wall_ms());
    let code = office.invite("Anna", Role::Rep, "north").code;
    for url in [
        "http://192.0.2.1:80",
        "http://waymark.example",
        "ftp://localhost",
        "localhost",
    ] {
        let error = anna.try_enrol(url, &code, None).unwrap_err();
        assert_eq!(error.code, ErrorCode::NotSafe, "{url}");
    }
    anna.enrol(&office.url(), &code);
}

/// A company's own authority, and a proxy with a certificate of it before the office's server.
struct Proxy {
    authority: String,
    port: u16,
}

fn proxy(office: &Office, names: &[&str]) -> Proxy {
    proxy_valid(office, names, (1975, 4096))
}

/// A proxy whose certificate is good from the beginning of a year to that of another.
fn proxy_valid(office: &Office, names: &[&str], years: (i32, i32)) -> Proxy {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = ca.self_signed(&ca_key).unwrap().pem();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut leaf = CertificateParams::new(names).unwrap();
    leaf.not_before = date_time_ymd(years.0, 1, 1);
    leaf.not_after = date_time_ymd(years.1, 1, 1);
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], private)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = wait(TcpListener::bind(("127.0.0.1", 0))).unwrap();
    let port = listener.local_addr().unwrap().port();
    let office = office.port();
    runtime().spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // one after the other is enough: a device has one call in flight
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            runtime().spawn(async move {
                let mut server = TcpStream::connect(("127.0.0.1", office)).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut server).await;
            });
        }
    });
    Proxy { authority, port }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_not_safe_and_the_companys_authority_makes_it_so() {
    let office = Office::open();
    let proxy = proxy(&office, &["localhost"]);
    let url = format!("https://localhost:{}", proxy.port);
    let code = office.invite("Anna", Role::Rep, "north").code;
    let mut anna = Person::new(office.clock.wall_ms());
    let error = anna.try_enrol(&url, &code, None).unwrap_err();
    assert_eq!(error.code, ErrorCode::NotSafe);
    let other = self::proxy(&office, &["localhost"]).authority;
    let error = anna.try_enrol(&url, &code, Some(other)).unwrap_err();
    assert_eq!(error.code, ErrorCode::NotSafe, "another authority");
    let error = anna
        .try_enrol(&url, &code, Some("no PEM".to_owned()))
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::NotSafe, "no authority at all");
    anna.try_enrol(&url, &code, Some(proxy.authority)).unwrap();
    anna.add_customer("Shop");
    anna.sync().unwrap();
    anna.assert_ledger(1, 0, 0);
    // the authority is the database's own knowledge: a restart needs nothing
    anna.close();
    anna.start();
    anna.add_customer("Second shop");
    anna.sync().unwrap();
    anna.assert_ledger(2, 0, 0);
    anna.assert_same_as(&office);
}

#[test]
fn a_certificate_for_another_name_is_not_safe() {
    let office = Office::open();
    let proxy = proxy(&office, &["waymark.example"]);
    let url = format!("https://localhost:{}", proxy.port);
    let code = office.invite("Anna", Role::Rep, "north").code;
    let anna = Person::new(office.clock.wall_ms());
    let error = anna
        .try_enrol(&url, &code, Some(proxy.authority))
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::NotSafe);
    anna.enrol(&office.url(), &code);
}

/// What a phone whose clock is years off meets: every certificate is over, or not good yet.
#[test]
fn a_certificate_of_another_time_says_that_the_date_is_wrong() {
    let office = Office::open();
    let code = office.invite("Anna", Role::Rep, "north").code;
    let anna = Person::new(office.clock.wall_ms());
    for years in [(2001, 2002), (3001, 3002)] {
        let proxy = proxy_valid(&office, &["localhost"], years);
        let url = format!("https://localhost:{}", proxy.port);
        let error = anna
            .try_enrol(&url, &code, Some(proxy.authority))
            .unwrap_err();
        assert_eq!(error.code, ErrorCode::WrongDate, "{years:?}");
        assert!(error.work_saved);
        assert!(error.remedy(Lang::En).contains("date"));
    }
    anna.enrol(&office.url(), &code);
}

/// An enrolled phone judges certificates by the time that it knows, not by the one that its clock shows.
#[test]
fn over_tls_a_clock_ten_years_off_changes_nothing_for_a_phone_that_knows_the_time() {
    const TEN_YEARS: i64 = 3_652 * 24 * 60 * 60 * 1000;
    let office = Office::open();
    let proxy = proxy_valid(&office, &["localhost"], (2026, 2028));
    let url = format!("https://localhost:{}", proxy.port);
    let code = office.invite("Anna", Role::Rep, "north").code;
    let mut anna = Person::new(office.clock.wall_ms());
    anna.try_enrol(&url, &code, Some(proxy.authority)).unwrap();
    anna.sync().unwrap();
    for off in [TEN_YEARS, -TEN_YEARS] {
        anna.clock.set_wall(office.clock.wall_ms() + off);
        anna.add_customer("Shop");
        anna.sync().unwrap();
    }
    anna.assert_ledger(2, 0, 0);
    // a clock that is fast after a reboot proves nothing: the rep is told what to mend
    anna.clock.reboot(1, 0);
    anna.clock.set_wall(office.clock.wall_ms() + TEN_YEARS);
    anna.add_customer("In the future");
    let error = anna.sync().unwrap_err();
    assert_eq!((error.code, error.work_saved), (ErrorCode::WrongDate, true));
    anna.clock.set_wall(office.clock.wall_ms());
    anna.sync().unwrap();
    anna.assert_ledger(3, 0, 0);
    anna.assert_same_as(&office);
}

/// The battery was empty: another boot, and a clock that begins anew long ago. It is later than the last time that was known, and that is
/// enough for a certificate.
#[test]
fn over_tls_a_clock_that_began_anew_after_an_empty_battery_changes_nothing() {
    let office = Office::open();
    let proxy = proxy_valid(&office, &["localhost"], (2026, 2028));
    let url = format!("https://localhost:{}", proxy.port);
    let code = office.invite("Anna", Role::Rep, "north").code;
    let mut anna = Person::new(office.clock.wall_ms());
    anna.try_enrol(&url, &code, Some(proxy.authority)).unwrap();
    anna.sync().unwrap();
    anna.close();
    anna.clock.reboot(1, 0);
    anna.clock.set_wall(0);
    anna.start();
    anna.add_customer("After the reboot");
    // found 2026-11-23: judged by the wall clock although the time is known to be later than the last anchor
    anna.sync().unwrap();
    anna.assert_ledger(1, 0, 0);
    anna.assert_same_as(&office);
}
