//! A server on a real socket and a raw client, so that streams can be cut, starved and malformed at will.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use waymark_domain::op::Sealed;
use waymark_protocol::response::ExchangeResponse;
use waymark_server::http::{Patience, serve_with};
use waymark_server::storage::sqlite::SqliteStorage;

use crate::support::{Device, World};

/// A company whose server listens on a port of its own.
pub struct Town {
    pub world: World,
    pub address: SocketAddr,
    pub stop: Option<tokio::sync::oneshot::Sender<()>>,
    runtime: Option<tokio::runtime::Runtime>,
    serving: Option<tokio::task::JoinHandle<std::io::Result<()>>>,
    _dir: tempfile::TempDir,
}

impl Town {
    pub fn new() -> Self {
        Self::patient(Patience::default())
    }

    pub fn patient(patience: Patience) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = World::over(SqliteStorage::open(&dir.path().join("server.db")).unwrap());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let server = Arc::clone(&world.server);
        let serving = runtime.spawn(serve_with(listener, server, patience, async {
            let _ = stopped.await;
        }));
        Self {
            world,
            address,
            stop: Some(stop),
            runtime: Some(runtime),
            serving: Some(serving),
            _dir: dir,
        }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
    }

    pub fn send(&self, head: &str, body: &[u8]) -> Answer {
        let mut stream = self.connect();
        let head = format!(
            "{head}\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // the server may have answered and closed before all is written
        let _ = stream.write_all(body);
        Answer::read(stream)
    }

    pub fn post(&self, path: &str, token: &str, body: &impl serde::Serialize) -> Answer {
        let head = format!("POST {path} HTTP/1.1\r\nauthorization: Bearer {token}");
        self.send(&head, &serde_json::to_vec(body).unwrap())
    }

    pub fn get(&self, path: &str, token: &str) -> Answer {
        self.send(
            &format!("GET {path} HTTP/1.1\r\nauthorization: Bearer {token}"),
            b"",
        )
    }

    pub fn exchange(&self, device: &Device, ops: &[&Sealed]) -> Answer {
        let body = device.request(ops, 4096).to_bytes().unwrap();
        let token = device.token(&self.world);
        self.send(
            &format!("POST /v1/exchange HTTP/1.1\r\nauthorization: bearer {token}"),
            &body,
        )
    }

    /// Stops, and waits until every request is answered.
    pub fn stop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        if let (Some(runtime), Some(serving)) = (&self.runtime, self.serving.take()) {
            runtime.block_on(serving).unwrap().unwrap();
        }
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        let mut chunk = [0; 16 * 1024];
        loop {
            match stream.read(&mut chunk) {
                Ok(0) | Err(_) => break,
                Ok(size) => bytes.extend_from_slice(&chunk[..size]),
            }
        }
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&bytes)));
        let head = String::from_utf8(bytes[..end].to_vec())
            .unwrap()
            .to_lowercase();
        Self {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            body: bytes.split_off(end + 4),
            head,
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(header, _)| *header == name)
            .map(|(_, value)| value)
    }

    pub fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        assert_eq!(
            self.status,
            200,
            "{:?}",
            String::from_utf8_lossy(&self.body)
        );
        assert_eq!(self.header("x-waymark"), Some("1"));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The code of a refusal, which is marked as ours like any answer.
    pub fn refusal(&self) -> (u16, String) {
        assert_eq!(self.header("x-waymark"), Some("1"));
        assert_eq!(self.header("content-type"), Some("application/json"));
        let error: Value = serde_json::from_slice(&self.body).unwrap();
        (self.status, error["code"].as_str().unwrap().to_owned())
    }

    pub fn response(&self) -> ExchangeResponse {
        assert_eq!(
            self.status,
            200,
            "{:?}",
            String::from_utf8_lossy(&self.body)
        );
        assert_eq!(self.header("content-type"), Some("application/x-ndjson"));
        let plain = match self.header("content-encoding") {
            Some("zstd") => zstd::decode_all(self.body.as_slice()).unwrap(),
            _ => self.body.clone(),
        };
        ExchangeResponse::from_bytes(&plain, "chance").unwrap()
    }
}
