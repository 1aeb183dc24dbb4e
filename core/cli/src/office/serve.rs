//! `waymark serve`.

use std::net::SocketAddr;

use std::sync::Arc;

use serde_json::json;
use tokio::net::TcpListener;
use waymark_client::system::{SystemClock, SystemEntropy};
use waymark_protocol::limits::CODE_MS;
use waymark_server::Server;
use waymark_server::http;
use waymark_server::storage::sqlite::SqliteStorage;

use super::data::Folder;
use crate::args::Serve;
use crate::context::{Context, data_folder};
use crate::failure::{Failure, Outcome, Own};
use crate::words::office as words;

/// Seconds of an hour.
const HOUR_S: u64 = 3_600;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

pub(crate) fn run(context: &Context, args: Serve) -> Outcome {
    log_to_stderr(args.verbose);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Own::Runtime(error.to_string()))?;
    runtime.block_on(serve(context, args))
}

fn log_to_stderr(verbose: bool) {
    let level = if verbose {
        tracing::Level::INFO
    } else {
        tracing::Level::WARN
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .init();
}

async fn serve(context: &Context, args: Serve) -> Outcome {
    let path = args
        .data
        .or_else(|| Some(data_folder()?.join("waymark-server")))
        .ok_or(Own::NoHome)?;
    let folder = Folder::open(&path)?;
    let storage = SqliteStorage::open(&folder.database())?;
    let server = Arc::new(Server::new(
        storage,
        Arc::new(SystemClock::new()),
        Arc::new(SystemEntropy),
    )?);
    let listener = listen(args.listen).await?;
    let addr = listener.local_addr()?;
    let invited = server.bootstrap_admin(&args.company, &args.admin)?;
    let code = invited.map(|invited| invited.code);
    let url = format!("http://{addr}");
    // before the first word: whoever reads it may stop the server at once
    let mut stop = Stop::listen()?;
    let value = json!({ "listening": url, "data": path, "admin": code.as_ref().map(|_| &args.admin), "code": code });
    context.show(&value, || {
        greeting(
            context,
            &url,
            &path,
            code.as_deref(),
            &args.company,
            &args.admin,
        )
    })?;
    let retiring = tokio::runtime::Handle::current().spawn(retire_hourly(Arc::clone(&server)));
    let told = context.clone();
    let shutdown = async move {
        stop.wait().await;
        told.tell(&words::stopping(told.lang));
    };
    http::serve(listener, server, shutdown)
        .await
        .map_err(|error| cannot_listen(addr, &error))?;
    retiring.abort();
    context.tell(&words::stopped(context.lang));
    drop(folder);
    Ok(())
}

/// Lets positions go whose period is over: at the start, and every hour.
async fn retire_hourly(server: Arc<Server<SqliteStorage>>) {
    let mut hours = tokio::time::interval(std::time::Duration::from_secs(HOUR_S));
    loop {
        hours.tick().await;
        let server = Arc::clone(&server);
        match tokio::task::spawn_blocking(move || server.retire_now()).await {
            Ok(Ok(retired)) if retired.ops > 0 => {
                tracing::info!(ops = retired.ops, "positions emptied");
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!(%error, "positions are due and could not be emptied"),
            Err(error) => tracing::error!(%error, "emptying positions broke off"),
        }
    }
}

fn greeting(
    context: &Context,
    url: &str,
    path: &std::path::Path,
    code: Option<&str>,
    company: &str,
    admin: &str,
) -> String {
    let lang = context.lang;
    let mut lines = vec![
        words::listening(lang, url),
        words::data_in(lang, path.display()),
    ];
    if let Some(code) = code {
        lines.push(words::first_start(lang, admin, company, code));
        lines.push(words::how_to_enrol(lang, url, code));
        lines.push(words::code_lives(lang, CODE_MS / DAY_MS));
    }
    lines.push(words::only_this_machine(lang));
    lines.push(words::stop_with(lang));
    lines.join("\n")
}

async fn listen(addr: SocketAddr) -> Outcome<TcpListener> {
    TcpListener::bind(addr)
        .await
        .map_err(|error| cannot_listen(addr, &error))
}

fn cannot_listen(addr: SocketAddr, error: &std::io::Error) -> Failure {
    Own::CannotListen(addr.to_string(), error.kind().to_string()).into()
}

/// What ends the server: ctrl-c, or the system that wants it gone.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
