//! One request and its answer, through one fault.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Tally;
use super::plan::Fault;

/// Longest head of a request.
const MAX_HEAD: usize = 64 * 1024;

/// Longest request or answer that is held in memory to be cut.
const MAX_MESSAGE: usize = 64 * 1024 * 1024;

/// Carries one request. Whatever goes wrong ends in a closed connection, which is what a network does too.
pub(super) async fn carry(mut client: TcpStream, upstream: SocketAddr, fault: Fault, tally: Tally) {
    let Ok(request) = read_request(&mut client).await else {
        return;
    };
    tally.add(|stats| stats.bytes_up += request.len() as u64);
    // an error here is a server that went away, which the client sees as what it is: a cut
    let _ = apply(&mut client, upstream, fault, &request, &tally).await;
}

async fn apply(
    client: &mut TcpStream,
    upstream: SocketAddr,
    fault: Fault,
    request: &[u8],
    tally: &Tally,
) -> io::Result<()> {
    match fault {
        Fault::None => {
            let answer = ask(upstream, request).await?;
            give(client, &answer, tally).await?;
            tally.add(|stats| stats.passed += 1);
        }
        Fault::DropBefore => tally.add(|stats| stats.lost_requests += 1),
        Fault::CutRequestAfter(share) => {
            tally.add(|stats| stats.cut_requests += 1);
            let mut server = TcpStream::connect(upstream).await?;
            server.write_all(part(request, share)).await?;
            server.shutdown().await?;
            // until the server has let go: what it took, it took before the client hears of the cut
            let mut rest = Vec::new();
            server
                .take(MAX_MESSAGE as u64)
                .read_to_end(&mut rest)
                .await?;
        }
        Fault::CutResponseAfter(share) => {
            let answer = ask(upstream, request).await?;
            tally.add(|stats| {
                *if share == 0 {
                    &mut stats.lost_answers
                } else {
                    &mut stats.cut_answers
                } += 1
            });
            give(client, part(&answer, share), tally).await?;
        }
        Fault::DuplicateRequest => {
            tally.add(|stats| stats.repeated += 1);
            ask(upstream, request).await?;
            let answer = ask(upstream, request).await?;
            give(client, &answer, tally).await?;
        }
    }
    Ok(())
}

/// The first `share` thousandths of `bytes`, never all of them.
fn part(bytes: &[u8], share: u16) -> &[u8] {
    let wanted = bytes.len().saturating_mul(usize::from(share)) / 1000;
    bytes
        .get(..wanted.min(bytes.len().saturating_sub(1)))
        .unwrap_or_default()
}

async fn ask(upstream: SocketAddr, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(upstream).await?;
    server.write_all(request).await?;
    let mut answer = Vec::new();
    server
        .take(MAX_MESSAGE as u64)
        .read_to_end(&mut answer)
        .await?;
    Ok(answer)
}

async fn give(client: &mut TcpStream, answer: &[u8], tally: &Tally) -> io::Result<()> {
    client.write_all(answer).await?;
    tally.add(|stats| stats.bytes_down += answer.len() as u64);
    client.shutdown().await
}

/// Reads one whole request and asks, in its head, that the connection be closed after it.
async fn read_request(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if bytes.len() > MAX_HEAD || client.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let body = bytes.split_off(head_end + 4);
    let length = content_length(&bytes)
        .filter(|length| *length <= MAX_MESSAGE)
        .ok_or(io::ErrorKind::InvalidData)?;
    bytes.truncate(head_end);
    bytes.extend_from_slice(b"\r\nconnection: close\r\n\r\n");
    let have = body.len();
    bytes.extend_from_slice(&body);
    let mut rest = client.take(length.saturating_sub(have) as u64);
    if rest.read_to_end(&mut bytes).await? + have < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// The length of the body that a head announces; 0 without one.
fn content_length(head: &[u8]) -> Option<usize> {
    let head = std::str::from_utf8(head).ok()?;
    let value = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    value.map_or(Some(0), |(_, value)| value.trim().parse().ok())
}
