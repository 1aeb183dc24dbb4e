use std::collections::VecDeque;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

/// A server that answers every request with its body, and tells how many bytes of each it saw.
async fn echo() -> (SocketAddr, mpsc::UnboundedReceiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (seen, told) = mpsc::unbounded_channel();
    tokio::runtime::Handle::current().spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            // a whole request ends with the last byte of its body, a cut one with the connection
            while !request.ends_with(b"!") && stream.read_buf(&mut request).await.unwrap() > 0 {}
            seen.send(request.len()).unwrap();
            if request.ends_with(b"!") {
                let body = request.split(|byte| *byte == b'\n').next_back().unwrap();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all(head.as_bytes()).await.unwrap();
                stream.write_all(body).await.unwrap();
            }
        }
    });
    (addr, told)
}

async fn post(proxy: &Proxy) -> io::Result<String> {
    let mut stream = TcpStream::connect(proxy.addr()).await?;
    stream
        .write_all(b"POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\nhello!")
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn without_a_fault_a_request_passes_once_and_asks_to_close() {
    let (server, mut told) = echo().await;
    let proxy = Proxy::start(server, Plan::PassThrough).await.unwrap();
    assert!(post(&proxy).await.unwrap().ends_with("\r\n\r\nhello!"));
    assert_eq!(
        told.recv().await,
        Some("POST / HTTP/1.1\r\nContent-Length: 6\r\nconnection: close\r\n\r\nhello!".len())
    );
    let stats = proxy.stats();
    assert_eq!((stats.connections, stats.passed, stats.faults()), (1, 1, 0));
}

#[tokio::test]
async fn each_fault_does_what_it_says_and_no_more() {
    let (server, mut told) = echo().await;
    let faults = [
        Fault::DropBefore,
        Fault::CutRequestAfter(500),
        Fault::CutResponseAfter(0),
        Fault::CutResponseAfter(999),
        Fault::DuplicateRequest,
    ];
    let proxy = Proxy::start(server, Plan::Sequence(VecDeque::from(faults)))
        .await
        .unwrap();
    let whole = "POST / HTTP/1.1\r\nContent-Length: 6\r\nconnection: close\r\n\r\nhello!".len();

    assert_eq!(
        post(&proxy).await.unwrap_or_default(),
        "",
        "the request is lost"
    );
    assert_eq!(
        post(&proxy).await.unwrap_or_default(),
        "",
        "the request is cut"
    );
    assert_eq!(
        told.recv().await,
        Some(whole / 2),
        "the lost request never reached the server, the cut one did by half"
    );
    assert_eq!(
        post(&proxy).await.unwrap_or_default(),
        "",
        "the answer is lost"
    );
    assert_eq!(
        told.recv().await,
        Some(whole),
        "and yet the server had it all"
    );
    let cut = post(&proxy).await.unwrap_or_default();
    assert!(
        cut.starts_with("HTTP/1.1 200 OK") && !cut.ends_with("hello!"),
        "{cut}"
    );
    assert_eq!(told.recv().await, Some(whole));
    assert!(post(&proxy).await.unwrap().ends_with("hello!"));
    assert_eq!(
        (told.recv().await, told.recv().await),
        (Some(whole), Some(whole)),
        "the server had it twice"
    );
    assert!(
        post(&proxy).await.unwrap().ends_with("hello!"),
        "after the last fault of the sequence all is well"
    );

    let stats = proxy.stats();
    let each = (
        stats.lost_requests,
        stats.cut_requests,
        stats.lost_answers,
        stats.cut_answers,
        stats.repeated,
    );
    assert_eq!(
        (each, stats.faults(), stats.passed),
        ((1, 1, 1, 1, 1), 5, 1)
    );
}

#[tokio::test]
async fn no_network_means_refused_and_the_port_stays_ours() {
    let (server, _told) = echo().await;
    let proxy = Proxy::start(server, Plan::PassThrough).await.unwrap();
    for _ in 0..3 {
        post(&proxy).await.unwrap();
        proxy.set_plan(Plan::Refuse).await.unwrap();
        let refused = post(&proxy).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        proxy.set_plan(Plan::PassThrough).await.unwrap();
    }
    assert_eq!(proxy.stats().passed, 3);
}

#[test]
fn a_seed_gives_the_same_faults_again_and_all_kinds_of_them() {
    let faults = |seed| {
        let mut plan = Plan::random(seed, 60);
        std::iter::repeat_with(|| plan.next())
            .take(200)
            .collect::<Vec<_>>()
    };
    assert_eq!(faults(7), faults(7));
    assert_ne!(faults(7), faults(8));
    let found = faults(7);
    let clean = found.iter().filter(|fault| **fault == Fault::None).count();
    assert!((50..110).contains(&clean), "{clean} of 200");
    let has = |wanted: fn(&Fault) -> bool| found.iter().any(wanted);
    assert!(
        has(|fault| *fault == Fault::DropBefore) && has(|fault| *fault == Fault::DuplicateRequest)
    );
    assert!(
        has(|fault| matches!(fault, Fault::CutRequestAfter(_)))
            && has(|fault| *fault == Fault::CutResponseAfter(0))
    );
    assert!(has(|fault| matches!(fault, Fault::CutResponseAfter(1..))));
}
