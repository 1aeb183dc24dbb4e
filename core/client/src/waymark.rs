//! The root: opens a database and hands out the sub-handles.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use uuid::Uuid;
use waymark_domain::ambient::{Clock, Entropy};
use waymark_domain::ids::UserId;
use waymark_domain::shift::Closed;
use waymark_domain::time::{Stamp, TimeInterval, place};
use waymark_protocol::proof::Signer;
use waymark_store::{
    Committed, Identity, Mode, OpenReport, Opened, Reader, Store, StoreError, Unit,
};
use waymark_sync::engine::Engine;

use crate::error::{ErrorCode, WaymarkError};
use crate::events::{ClientEvent, Events};
use crate::keys;
use crate::system::{SystemClock, SystemEntropy};

/// How to open a database.
#[derive(Clone)]
pub struct Config {
    /// The database file. Its key, its lock and what is rescued of it lie beside it.
    pub path: PathBuf,
    /// Wait for another process to let go of the file, rather than give [`ErrorCode::DatabaseInUse`].
    pub wait: bool,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// The device's key; a file beside the database when absent.
    pub signer: Option<Arc<dyn Signer>>,
    /// The app's version.
    pub app: String,
}

impl Config {
    /// A database at `path`, with the machine's own clock, chance and a key file.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            wait: false,
            clock: Arc::new(SystemClock::new()),
            entropy: Arc::new(SystemEntropy),
            signer: None,
            app: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// What a [`Waymark`] is made of besides its store.
#[derive(Clone)]
pub struct Parts {
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// The device's key.
    pub signer: Arc<dyn Signer>,
    /// The app's version.
    pub app: String,
}

/// A field client on one database file. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Waymark(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) parts: Parts,
    pub(crate) events: Events,
    pub(crate) engine: tokio::sync::Mutex<Option<Engine>>,
    pub(crate) opened: OpenReport,
    /// The folder of photos; `None` for a database in memory.
    pub(crate) photos: Option<PathBuf>,
    /// Photos are saved one after the other: each counts those before it.
    one_photo: Mutex<()>,
    identity: RwLock<Option<Identity>>,
    _lock: Option<File>,
}

impl Waymark {
    /// Opens the database, makes it when it is not there, brings it to this version's schema, rescues it when it is damaged.
    ///
    /// # Errors
    /// [`ErrorCode::DatabaseInUse`], [`ErrorCode::DatabaseForeign`], [`ErrorCode::KeyUnavailable`], [`ErrorCode::DiskFull`],
    /// [`ErrorCode::Io`].
    pub fn open(config: Config) -> Result<Self, WaymarkError> {
        if let Some(folder) = config
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder)?;
        }
        let lock = take_lock(&beside(&config.path, "lock"), config.wait)?;
        let signer = match config.signer {
            Some(signer) => signer,
            None => Arc::new(keys::open_or_make(
                &beside(&config.path, "key"),
                &*config.entropy,
            )?),
        };
        let opened = Store::open(&config.path)?;
        let parts = Parts {
            clock: config.clock,
            entropy: config.entropy,
            signer,
            app: config.app,
        };
        let photos = beside(&config.path, "photos");
        let waymark = Self::build(opened, parts, Some(lock), Some(photos))?;
        // a folder that cannot be looked at is no reason not to open: whoever asks for the photos hears why
        let _ = waymark.photos().reconcile(false);
        Ok(waymark)
    }

    /// A client over a store that is open already: for tests and simulations, whose databases live in memory.
    ///
    /// # Errors
    /// What reading the identity may say.
    pub fn assemble(opened: Opened, parts: Parts) -> Result<Self, WaymarkError> {
        Self::build(opened, parts, None, None)
    }

    fn build(
        opened: Opened,
        parts: Parts,
        lock: Option<File>,
        photos: Option<PathBuf>,
    ) -> Result<Self, WaymarkError> {
        let identity = RwLock::new(opened.store.identity()?);
        Ok(Self(Arc::new(Inner {
            store: opened.store,
            parts,
            events: Events::default(),
            engine: tokio::sync::Mutex::new(None),
            opened: opened.report,
            photos,
            one_photo: Mutex::new(()),
            identity,
            _lock: lock,
        })))
    }

    /// The store, when this is the last clone.
    #[must_use]
    pub fn into_store(self) -> Option<Store> {
        Arc::into_inner(self.0).map(|inner| inner.store)
    }

    /// Finishes what is being written and lets go of the database file, as an app must before its system suspends it. Calls until
    /// [`Self::resume`] give [`ErrorCode::Closed`].
    ///
    /// # Errors
    /// What the last write may say.
    pub fn suspend(&self) -> Result<(), WaymarkError> {
        Ok(self.0.store.suspend()?)
    }

    /// Opens the database file again.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn resume(&self) -> Result<(), WaymarkError> {
        Ok(self.0.store.resume()?)
    }

    /// Whose database this is.
    ///
    /// # Errors
    /// [`ErrorCode::NotEnrolled`].
    pub fn me(&self) -> Result<Identity, WaymarkError> {
        let identity = self
            .0
            .identity
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        identity.ok_or(WaymarkError::new(ErrorCode::NotEnrolled, ""))
    }

    pub(crate) fn set_me(&self, identity: Identity) -> Result<(), WaymarkError> {
        self.0.store.set_identity(&identity)?;
        *self
            .0
            .identity
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(identity);
        Ok(())
    }

    /// Now, as it can be known here.
    ///
    /// # Errors
    /// What reading the anchor may say.
    pub fn now(&self) -> Result<TimeInterval, WaymarkError> {
        Ok(place(self.0.parts.clock.read(), &self.0.store.anchors()?))
    }

    /// Today, by the calendar on the wall.
    ///
    /// # Errors
    /// What reading the anchor may say.
    pub fn today_date(&self) -> Result<chrono::NaiveDate, WaymarkError> {
        let reading = self.0.parts.clock.read();
        let stamp = Stamp::take(
            reading,
            &self.0.store.anchors()?,
            waymark_domain::time::Hlc::default(),
        );
        Ok(stamp.local_day())
    }

    /// The next events, at most `max`; waits until there is one.
    pub async fn next_events(&self, max: usize) -> Vec<ClientEvent> {
        self.0.events.next(max).await
    }

    pub(crate) fn new_id(&self) -> Uuid {
        self.0
            .parts
            .entropy
            .new_id(self.0.parts.clock.read().wall_ms)
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.0.parts.entropy
    }

    pub(crate) fn user(&self) -> Result<UserId, WaymarkError> {
        Ok(self.me()?.user)
    }

    /// Seals and saves: when it returns, the work is durable.
    pub(crate) fn commit(&self, units: Vec<Unit>) -> Result<Vec<Committed>, WaymarkError> {
        self.me()?;
        let committed = self
            .0
            .store
            .commit(units, self.0.parts.clock.read(), &mut || self.new_id())?;
        self.0.events.push(ClientEvent::Changed);
        Ok(committed)
    }

    pub(crate) fn read<R>(
        &self,
        query: impl FnOnce(&Reader<'_>) -> Result<R, StoreError>,
    ) -> Result<R, WaymarkError> {
        Ok(self.0.store.read(query)?)
    }

    pub(crate) fn one_photo(&self) -> MutexGuard<'_, ()> {
        let lock = self.0.one_photo.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_push_only(&self) -> bool {
        self.0.store.mode() == Mode::PushOnly
    }
}

fn take_lock(path: &Path, wait: bool) -> Result<File, WaymarkError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) if wait => file.lock()?,
        Err(TryLockError::WouldBlock) => {
            return Err(WaymarkError::new(ErrorCode::DatabaseInUse, ""));
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    Ok(file)
}

/// `waymark.db` → `waymark.db.lock`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

impl From<StoreError> for WaymarkError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Io(detail) => Self::new(ErrorCode::Io, detail),
            StoreError::Full => Self::new(ErrorCode::DiskFull, ""),
            StoreError::Corrupt => Self {
                work_saved: false,
                ..Self::new(ErrorCode::DatabaseDamaged, "")
            },
            StoreError::NewerDatabase => Self::new(ErrorCode::DatabaseNewer, ""),
            StoreError::NotOurs => Self::new(ErrorCode::DatabaseForeign, ""),
            StoreError::SqliteTooOld(version) => {
                Self::new(ErrorCode::Internal, format!("SQLite {version}"))
            }
            StoreError::Busy => Self::new(ErrorCode::DatabaseInUse, ""),
            StoreError::Closed => Self::new(ErrorCode::Closed, ""),
            StoreError::Refused(refusal) => refusal.into(),
            StoreError::NoShift => Self::new(ErrorCode::NoShift, ""),
            StoreError::ShiftOpen => Self::new(ErrorCode::ShiftOpen, ""),
            StoreError::ShiftClosed(Closed::TimeUnknown | Closed::NotYet) => {
                Self::new(ErrorCode::ShiftUnconfirmed, "")
            }
            StoreError::ShiftClosed(Closed::Limit | Closed::Ended) => {
                Self::new(ErrorCode::ShiftOver, "")
            }
            StoreError::NoIdentity => Self::new(ErrorCode::NotEnrolled, ""),
            StoreError::OtherUser | StoreError::UnsentWork => {
                Self::new(ErrorCode::AlreadyEnrolled, "")
            }
            StoreError::Unreadable(what) => Self::new(ErrorCode::Internal, what),
            StoreError::Sqlite(detail) => Self::new(ErrorCode::Internal, detail),
        }
    }
}
