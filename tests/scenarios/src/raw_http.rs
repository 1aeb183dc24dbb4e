//! HTTP/1.1 byte by byte over a plain socket, and servers that are none.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use waymark_protocol::HEADER;
use waymark_protocol::error::{ApiCode, ApiError};

use crate::support::listening;

/// An answer, as it came.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl RawAnswer {
    /// The refusal; the answer must be a Waymark server's, with the status that belongs to its code.
    pub(crate) fn refusal(&self) -> ApiCode {
        let marked = self
            .head
            .to_lowercase()
            .contains(&format!("{HEADER}: 1\r\n"));
        assert!(marked, "no {HEADER} in {}", self.head);
        let error: ApiError = serde_json::from_slice(&self.body).expect("a refusal in JSON");
        assert_eq!(self.status, error.code.status(), "{error:?}");
        error.code
    }
}

/// A connection that gives up after 30 seconds without a byte, so that a server that hangs fails the test.
pub(crate) fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream
}

/// Sends bytes and reads what comes back; `None` when the server hung up without a word.
pub(crate) fn send(port: u16, request: &[u8]) -> Option<RawAnswer> {
    let mut stream = connect(port);
    // the server may refuse and hang up before it has read everything
    let _ = stream.write_all(request);
    read_answer(&mut stream)
}

/// Sends the beginning of a request, and says that nothing more will come.
pub(crate) fn send_cut(port: u16, request: &[u8]) -> Option<RawAnswer> {
    let mut stream = connect(port);
    let _ = stream.write_all(request);
    let _ = stream.shutdown(Shutdown::Write);
    read_answer(&mut stream)
}

pub(crate) fn read_answer(stream: &mut TcpStream) -> Option<RawAnswer> {
    let mut bytes = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        if let Some(answer) = parse(&bytes) {
            return Some(answer);
        }
        match stream.read(&mut piece) {
            Ok(0) => return None,
            Ok(n) => bytes.extend_from_slice(&piece[..n]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
            Err(error) => panic!("the server went silent: {error}"),
        }
    }
}

fn parse(bytes: &[u8]) -> Option<RawAnswer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(bytes[..end].to_vec()).expect("a head in ASCII");
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is = name.eq_ignore_ascii_case("content-length");
        is.then(|| value.trim().parse::<usize>().unwrap())
    });
    let body = &bytes[end..];
    let length = length.unwrap_or(0);
    (body.len() >= length).then(|| RawAnswer {
        status,
        head,
        body: body[..length].to_vec(),
    })
}

/// A POST with a body.
pub(crate) fn post(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut request = request.into_bytes();
    request.extend_from_slice(body);
    request
}

pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes()
}

/// Something that listens and gives everybody the same answer, such as the sign-in page of a Wi-Fi.
pub(crate) struct Stranger {
    pub(crate) port: u16,
    visitors: Arc<AtomicUsize>,
}

impl Stranger {
    /// On a port of its own.
    pub(crate) fn answering(answer: impl Into<String>) -> Self {
        Self::answering_at(0, answer)
    }

    /// On the port of somebody who has stopped.
    pub(crate) fn answering_at(port: u16, answer: impl Into<String>) -> Self {
        let answer = answer.into();
        let listener = listening(port).into_std().unwrap();
        listener.set_nonblocking(false).unwrap();
        let port = listener.local_addr().unwrap().port();
        let visitors = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&visitors);
        // it ends with the process: nothing waits for it
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                count.fetch_add(1, Ordering::SeqCst);
                let mut piece = [0; 64 * 1024];
                let _ = stream.read(&mut piece);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { port, visitors }
    }

    pub(crate) fn visitors(&self) -> usize {
        self.visitors.load(Ordering::SeqCst)
    }
}

/// A whole answer that ends its connection.
pub(crate) fn page(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
}
