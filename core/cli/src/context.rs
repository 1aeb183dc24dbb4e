//! What every command needs: the language, the output, the database.

use std::future::Future;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use waymark_client::system::SystemClock;
use waymark_client::{Config, Lang, Waymark};
use waymark_domain::ambient::Clock as _;

use crate::args::Global;
use crate::failure::{Outcome, Own};
use crate::width::plain;
use crate::words::rep as words;

/// The language, the output, the database.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) lang: Lang,
    pub(crate) json: bool,
    db: Option<PathBuf>,
}

impl Context {
    /// From the options; the locale decides on the language when they do not.
    pub(crate) fn new(global: Global) -> Self {
        Self {
            lang: global.lang.unwrap_or_else(locale),
            json: global.json,
            db: global.db,
        }
    }

    /// Opens the database. What its user should know about it goes to standard error, once.
    pub(crate) fn open(&self) -> Outcome<Waymark> {
        let waymark = Waymark::open(Config {
            wait: true,
            ..Config::at(self.path()?)
        })?;
        self.tell_notices(&waymark);
        Ok(waymark)
    }

    /// The database file: as given, or the default one.
    pub(crate) fn path(&self) -> Outcome<PathBuf> {
        Ok(match &self.db {
            Some(path) => path.clone(),
            None => data_folder()
                .ok_or(Own::NoHome)?
                .join("waymark")
                .join("waymark.db"),
        })
    }

    fn tell_notices(&self, waymark: &Waymark) {
        let notice = waymark.opened();
        if let Some(version) = notice.migrated_from {
            self.tell(&words::notice_migrated(self.lang, version));
        }
        if notice.salvage.is_some() {
            self.tell(&words::notice_rescued(self.lang));
        }
        if notice.damaged_ops > 0 {
            self.tell(&words::notice_damaged(self.lang, notice.damaged_ops));
        }
        crate::rep::photo::tell_waiting(self, waymark);
    }

    /// Shows a result: `value` for programs, `text` for people.
    pub(crate) fn show(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> Outcome {
        let text = if self.json {
            serde_json::to_string(value).map_err(io::Error::from)?
        } else {
            plain(&text())
        };
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        Ok(out.flush()?)
    }

    /// Tells something on the way, on standard error. Who closed it does not want to know.
    pub(crate) fn tell(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{}", plain(text));
    }

    /// The minutes by which the machine's local time is ahead of UTC.
    #[expect(
        clippy::unused_self,
        reason = "where the zone comes from is the context's business"
    )]
    pub(crate) fn offset_min(&self) -> i16 {
        SystemClock::new().read().utc_offset_min
    }
}

/// Runs the one thing that waits, on this thread.
pub(crate) fn wait_for<T>(future: impl Future<Output = T>) -> Outcome<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    Ok(runtime
        .map_err(|error| Own::Runtime(error.to_string()))?
        .block_on(future))
}

/// The language of the locale.
pub(crate) fn locale() -> Lang {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    set("LC_ALL")
        .or_else(|| set("LANG"))
        .map_or(Lang::En, |locale| Lang::from_locale(&locale))
}

/// The folder for the user's data (XDG Base Directory Specification).
pub(crate) fn data_folder() -> Option<PathBuf> {
    let set = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local").join("share")))
}
