//! How a command ends when it does not succeed.

use serde_json::{Value, json};
use waymark_client::{ErrorCode, Lang, WaymarkError};

use crate::words::{office, photo, photos, presence, rep, route, track};

/// What a command brings.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The client says so.
    Client(WaymarkError),
    /// The command line itself says so.
    Own(Own),
    /// All was said already, such as the wrong rows of an import; only the exit code is left.
    Said(Exit),
    /// Whoever read the output is gone. No error: `waymark … | head` is fine.
    Pipe,
}

/// What the command line itself finds.
#[derive(Debug)]
pub(crate) enum Own {
    /// There is no such file.
    NoSuchFile(String),
    /// Not the id of an operation.
    NotAnOp,
    /// Some of latitude, longitude and datum, but not all.
    HalfAPosition,
    /// Numbers out of range.
    NotAPosition,
    /// Not a fix as `LAT,LON,ACCURACY[,AGE]`.
    NotASample(String),
    /// A file without a polygon.
    NotAnOutline,
    /// A file without opened fixes.
    NotAnOpening(String),
    /// A file is there already, and nobody said to replace it.
    FileThere(String),
    /// Neither an option nor the file's name says the format.
    NoFormat(String),
    /// An edit without a field.
    NothingToChange,
    /// No visit is in progress, and none was named.
    NoVisit,
    /// Neither a data folder nor a home.
    NoHome,
    /// The socket.
    CannotListen(String, String),
    /// The server's folder.
    ServerData(String),
    /// The folder to restore into is not empty.
    DataThere(String),
    /// No or many users fit.
    NoSuchUser(String),
    /// No or many devices fit.
    NoSuchDevice(String),
    /// A photo cannot be stamped or restored.
    Photo(waymark_photo::Error),
    /// Not a key for sealing.
    NotAKey(String),
    /// Not `key=value`, or not a value for that key.
    NotAValue(String),
    /// No mark on a photo.
    NotAMark(String),
    /// Not a file of facts.
    NotFacts(String),
    /// A photo is to be signed, and its time has no bounds.
    NoBounds,
    /// Not a word for what a check-in came to.
    NotAVerdict(String),
    /// The output would take the place of the input.
    OverInput(String),
    /// A file that must not be there is there.
    KeyThere(String),
    /// A day that cannot be put in order, and the name of the stop that is to blame.
    Route(waymark_route::Error, Option<String>),
    /// Not a problem in JSON.
    NotAProblem(String),
    /// A problem of more megabytes than the most places need.
    ProblemTooLarge(u64),
    /// The runtime could not be started.
    Runtime(String),
    /// The demo found something that does not add up, in words.
    Demo(String),
}

/// Exit codes, as `--help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Refused by the rules, or rows of an import are wrong.
    Refused = 1,
    /// Wrong usage; clap's own code.
    Usage = 2,
    /// Not enrolled, not found, ambiguous.
    NotFound = 3,
    /// The network or the server.
    Network = 4,
    /// The database, the disk, the key.
    Storage = 5,
}

impl From<WaymarkError> for Failure {
    fn from(error: WaymarkError) -> Self {
        Self::Client(error)
    }
}

impl From<Own> for Failure {
    fn from(own: Own) -> Self {
        Self::Own(own)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::Pipe,
            _ => Self::Client(error.into()),
        }
    }
}

impl From<waymark_server::Error> for Failure {
    fn from(error: waymark_server::Error) -> Self {
        Self::Own(Own::ServerData(error.to_string()))
    }
}

impl Failure {
    /// The process's exit code.
    pub(crate) fn exit(&self) -> u8 {
        match self {
            Self::Client(error) => exit_of(error.code) as u8,
            Self::Own(own) => own.exit() as u8,
            Self::Said(exit) => *exit as u8,
            Self::Pipe => 0,
        }
    }

    /// Cause, remedy and reassurance; nothing when all was said.
    pub(crate) fn text(&self, lang: Lang) -> Option<String> {
        let (message, remedy, saved) = match self {
            Self::Client(error) => (
                error.message(lang),
                error.remedy(lang).to_owned(),
                error.reassurance(lang).to_owned(),
            ),
            Self::Own(own) => {
                let (message, remedy) = own.words(lang);
                (message, remedy, rep::saved_line(lang))
            }
            Self::Said(_) | Self::Pipe => return None,
        };
        Some(format!(
            "{}\n{}\n{saved}",
            rep::error_line(lang, message),
            rep::remedy_line(lang, remedy)
        ))
    }

    /// The same for programs.
    pub(crate) fn json(&self, lang: Lang) -> Option<Value> {
        let (code, message, remedy, work_saved) = match self {
            Self::Client(error) => (
                error.code.wire(),
                error.message(lang),
                error.remedy(lang).to_owned(),
                error.work_saved,
            ),
            Self::Own(own) => {
                let (message, remedy) = own.words(lang);
                (own.code(), message, remedy, true)
            }
            Self::Said(_) | Self::Pipe => return None,
        };
        Some(
            json!({ "error": { "code": code, "message": message, "remedy": remedy, "work_saved": work_saved } }),
        )
    }
}

impl Own {
    const fn exit(&self) -> Exit {
        match self {
            Self::NothingToChange
            | Self::NotAPosition
            | Self::NotAnOutline
            | Self::NotAnOpening(_)
            | Self::DataThere(_)
            | Self::OverInput(_)
            | Self::FileThere(_)
            | Self::KeyThere(_)
            | Self::Demo(_) => Exit::Refused,
            Self::HalfAPosition
            | Self::NotASample(_)
            | Self::NoFormat(_)
            | Self::NotAMark(_)
            | Self::NotAValue(_) => Exit::Usage,
            Self::Photo(waymark_photo::Error::Io(_)) => Exit::Storage,
            Self::NoBounds | Self::NotAVerdict(_) => Exit::Usage,
            Self::Photo(_) | Self::NotAKey(_) | Self::NotFacts(_) => Exit::Refused,
            Self::Route(..) | Self::NotAProblem(_) | Self::ProblemTooLarge(_) => Exit::Refused,
            Self::NoSuchFile(_)
            | Self::NotAnOp
            | Self::NoVisit
            | Self::NoSuchUser(_)
            | Self::NoSuchDevice(_) => Exit::NotFound,
            Self::CannotListen(..) => Exit::Network,
            Self::NoHome | Self::ServerData(_) | Self::Runtime(_) => Exit::Storage,
        }
    }

    const fn code(&self) -> &'static str {
        match self {
            Self::NoSuchFile(_) => "no_such_file",
            Self::NotAnOp => "not_an_operation",
            Self::HalfAPosition => "half_a_position",
            Self::NotAPosition => "not_a_position",
            Self::NotASample(_) => "not_a_sample",
            Self::NotAnOutline => "not_an_outline",
            Self::NotAnOpening(_) => "not_an_opening",
            Self::FileThere(_) => "file_there",
            Self::NoFormat(_) => "no_format",
            Self::NothingToChange => "nothing_to_change",
            Self::NoVisit => "no_visit",
            Self::NoHome => "no_home",
            Self::CannotListen(..) => "cannot_listen",
            Self::ServerData(_) => "server_data",
            Self::DataThere(_) => "data_there",
            Self::NoSuchUser(_) => "no_such_user",
            Self::NoSuchDevice(_) => "no_such_device",
            Self::Photo(error) => photo::code(error),
            Self::NotAKey(_) => "not_a_key",
            Self::NotAValue(_) => "not_a_value",
            Self::NotAMark(_) => "not_a_mark",
            Self::NotFacts(_) => "not_facts",
            Self::NoBounds => "no_bounds",
            Self::NotAVerdict(_) => "not_a_verdict",
            Self::OverInput(_) => "over_input",
            Self::KeyThere(_) => "key_there",
            Self::Route(error, _) => route::code(error),
            Self::NotAProblem(_) => "not_a_problem",
            Self::ProblemTooLarge(_) => "too_many_places",
            Self::Runtime(_) => "internal",
            Self::Demo(_) => "demo",
        }
    }

    fn words(&self, lang: Lang) -> (String, String) {
        match self {
            Self::NoSuchFile(path) => (
                rep::no_such_file(lang, path),
                rep::no_such_file_remedy(lang),
            ),
            Self::NotAnOp => (rep::not_an_op(lang), rep::not_an_op_remedy(lang)),
            Self::HalfAPosition => (
                rep::half_a_position(lang),
                rep::half_a_position_remedy(lang),
            ),
            Self::NotAPosition => (rep::not_a_position(lang), rep::not_a_position_remedy(lang)),
            Self::NotASample(text) => (
                rep::not_a_sample(lang, text),
                rep::not_a_sample_remedy(lang),
            ),
            Self::NotAnOutline => (rep::not_an_outline(lang), rep::not_an_outline_remedy(lang)),
            Self::NotAnOpening(path) => (
                presence::not_an_opening(lang, path),
                presence::not_an_opening_remedy(lang),
            ),
            Self::FileThere(path) => (
                track::file_there(lang, path),
                track::file_there_remedy(lang),
            ),
            Self::NoFormat(path) => (track::no_format(lang, path), track::no_format_remedy(lang)),
            Self::NothingToChange => (
                rep::nothing_to_change(lang),
                rep::nothing_to_change_remedy(lang),
            ),
            Self::NoVisit => (
                rep::no_visit_in_progress(lang),
                rep::no_visit_in_progress_remedy(lang),
            ),
            Self::NoHome => (rep::no_home(lang), rep::no_home_remedy(lang)),
            Self::CannotListen(addr, why) => (
                office::cannot_listen(lang, addr, why),
                office::cannot_listen_remedy(lang),
            ),
            Self::ServerData(why) => (
                office::server_data(lang, why),
                office::server_data_remedy(lang),
            ),
            Self::DataThere(path) => (
                office::data_there(lang, path),
                office::data_there_remedy(lang),
            ),
            Self::NoSuchUser(text) => (
                office::no_such_user(lang, text),
                office::no_such_user_remedy(lang),
            ),
            Self::NoSuchDevice(text) => (
                office::no_such_device(lang, text),
                office::no_such_device_remedy(lang),
            ),
            Self::Photo(error) => photo::error(lang, error),
            Self::NotAKey(path) => (photo::not_a_key(lang, path), photo::not_a_key_remedy(lang)),
            Self::NotAMark(text) => (
                photos::not_a_mark(lang, text),
                photos::not_a_mark_remedy(lang),
            ),
            Self::NotAValue(pair) => (
                photo::not_a_value(lang, pair),
                photo::not_a_value_remedy(lang),
            ),
            Self::NoBounds => (photo::no_bounds(lang), photo::no_bounds_remedy(lang)),
            Self::NotAVerdict(word) => (
                photo::not_a_verdict(lang, word),
                photo::not_a_verdict_remedy(lang),
            ),
            Self::NotFacts(why) => (photo::not_facts(lang, why), photo::not_facts_remedy(lang)),
            Self::OverInput(path) => (
                photo::over_input(lang, path),
                photo::over_input_remedy(lang),
            ),
            Self::KeyThere(path) => (
                photo::file_there(lang, path),
                photo::file_there_remedy(lang),
            ),
            Self::Route(error, name) => route::error(lang, error, name.as_deref()),
            Self::ProblemTooLarge(megabytes) => (
                route::too_large(lang, megabytes),
                route::too_many_remedy(lang),
            ),
            Self::NotAProblem(why) => (
                route::not_a_problem(lang, why),
                route::not_a_problem_remedy(lang),
            ),
            Self::Runtime(why) | Self::Demo(why) => (why.clone(), rep::internal_remedy(lang)),
        }
    }
}

const fn exit_of(code: ErrorCode) -> Exit {
    use ErrorCode as C;
    match code {
        C::InvalidInput
        | C::Required
        | C::TooLong
        | C::WrongState
        | C::Forbidden
        | C::UnknownReference
        | C::AppendOnly
        | C::NoShift
        | C::ShiftOver
        | C::ShiftUnconfirmed
        | C::ShiftOpen
        | C::TracksOff
        | C::NoPicture
        | C::NotAPicture => Exit::Refused,
        C::AlreadyExists
        | C::AlreadyEnrolled
        | C::Unsupported
        | C::Dependency
        | C::ImportRefused => Exit::Refused,
        C::NotEnrolled | C::NotFound | C::Ambiguous => Exit::NotFound,
        C::Offline
        | C::NetworkCut
        | C::EnrolOffline
        | C::NotWaymark
        | C::NotSafe
        | C::WrongDate
        | C::ServerFailed
        | C::ServerMalformed => Exit::Network,
        C::DeviceRevoked | C::BadCode | C::Unauthorised | C::UpgradeNeeded => Exit::Network,
        C::DatabaseInUse
        | C::DatabaseNewer
        | C::DatabaseForeign
        | C::DatabaseDamaged
        | C::DiskFull
        | C::NoRoom
        | C::PictureGone
        | C::Io => Exit::Storage,
        C::Closed | C::KeyUnavailable | C::Internal => Exit::Storage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_cause_remedy_and_reassurance_in_both_languages() {
        for code in ErrorCode::ALL {
            for lang in [Lang::En, Lang::ZhHans] {
                let failure = Failure::Client(WaymarkError::new(*code, "x"));
                let text = failure.text(lang).unwrap();
                assert_eq!(text.lines().count(), 3, "{text}");
                assert!(text.ends_with(rep::saved_line(lang).as_str()), "{text}");
                assert!(
                    (1..=5).contains(&failure.exit()) && failure.exit() != 2,
                    "{code:?}"
                );
            }
        }
    }

    #[test]
    fn for_programs_it_is_one_object_with_four_fields() {
        let failure = Failure::Client(WaymarkError::new(ErrorCode::Offline, ""));
        let error = failure.json(Lang::En).unwrap();
        let keys: Vec<&String> = error["error"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["code", "message", "remedy", "work_saved"]);
        assert_eq!(error["error"]["code"], "offline");
    }

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        let failure = Failure::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert_eq!((failure.exit(), failure.text(Lang::En)), (0, None));
    }
}
