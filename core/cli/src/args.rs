//! The command line's grammar. The English help is here, the Chinese in `words/help.rs`.

pub(crate) mod photo;
mod presence;

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand};
use waymark_client::Lang;
use waymark_domain::ids::BootId;

pub(crate) use presence::{ShiftExplain, ShiftReport, Sos, TrackCheck, TrackOpen};

use crate::values::{DatumArg, ProviderArg, RoleArg, SourceArg, TrackFormat};

/// Waymark: field work that needs no network.
///
/// Every command works on a database file on this device. Only enroll, sync and admin need the network.
#[derive(Debug, Parser)]
#[command(name = "waymark", version, max_term_width = 120, after_help = crate::words::help::EXAMPLES_EN)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Print JSON, errors too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Language: en or zh-Hans [default: from the locale]
    #[arg(
        long,
        global = true,
        env = "WAYMARK_LANG",
        value_name = "LANG",
        hide_env_values = true
    )]
    pub(crate) lang: Option<Lang>,
    /// The database file [default: waymark/waymark.db in the user's data folder]
    #[arg(
        long,
        global = true,
        env = "WAYMARK_DB",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub(crate) db: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make this device known to the server, with a one-time code
    Enroll(Enroll),
    /// The day: visits, the current one, what is pending
    Today(Today),
    /// Customers
    #[command(subcommand)]
    Customer(Customer),
    /// Visits
    #[command(subcommand)]
    Visit(Visit),
    /// Check in at the customer: the position is judged on the spot, and signed
    CheckIn(CheckIn),
    /// Check out: a position, and the end of the visit
    CheckOut(CheckIn),
    /// The company's rules of check-ins
    #[command(subcommand)]
    Policy(Policy),
    /// The work session: positions are recorded inside it alone
    #[command(subcommand)]
    Shift(Shift),
    /// Where you were inside your work sessions
    #[command(subcommand)]
    Track(Track),
    /// Make a message that calls for help: works with no network and outside a session
    Sos(Sos),
    /// What was collected about you, why, for how long, and who looked
    Privacy(Privacy),
    /// What you did, in a bundle that anyone can verify
    #[command(subcommand)]
    Evidence(Evidence),
    /// Verify a bundle of evidence or a signed photo: needs nothing but the file and the company's key
    Verify(Verify),
    /// Put a stamp on a photo; outside it no pixel changes, and the original can be sealed inside
    Stamp(crate::stamp::Stamp),
    /// Photos taken in the app, kept safely; stamped photos and their originals
    #[command(subcommand)]
    Photo(crate::photo::Photo),
    /// The order of a day's visits
    #[command(subcommand)]
    Route(crate::route::Route),
    /// Send what is pending and fetch what is new
    Sync,
    /// Where the work stands: counts that must balance
    Status,
    /// What the server did not take as it is
    Attention(Attention),
    /// Take customers over from a file
    #[command(subcommand)]
    Import(Import),
    /// Write everything that is here as JSON lines
    Export(Export),
    /// Run the server
    Serve(Serve),
    /// People and devices, for admins
    #[command(subcommand)]
    Admin(Admin),
    /// The server's data folder: backup and restore
    #[command(subcommand)]
    Server(ServerData),
    /// Show all of it on real data, with a server and a bad network of its own
    Demo(Demo),
    #[command(hide = true)]
    DemoWorker(DemoWorker),
}

#[derive(Debug, Args)]
pub(crate) struct Enroll {
    /// The server's address, such as https://waymark.example.com
    #[arg(long, value_name = "URL")]
    pub(crate) server: String,
    /// The one-time code that an admin gave
    #[arg(long)]
    pub(crate) code: String,
    /// What to call this device
    #[arg(long, value_name = "DEVICE", default_value = "command line")]
    pub(crate) name: String,
    /// The company's own certificate authority, a PEM file
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Today {
    /// Another day, as YYYY-MM-DD
    #[arg(long, value_name = "DAY")]
    pub(crate) day: Option<NaiveDate>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Customer {
    /// Your customers by name
    List(CustomerList),
    /// One customer with its latest visits and notes
    Show(Who),
    /// Customers in which all of the words occur
    Search(CustomerSearch),
    /// Add a customer
    Add(CustomerAdd),
    /// Change a customer; what is not given stays
    Edit(CustomerEditArgs),
    /// Add a door, an outline or a Wi-Fi station: being in one of them is being there
    Fence(CustomerFence),
    /// Links that open a map app there, each in the datum that it wants
    Links(Who),
}

#[derive(Debug, Args)]
pub(crate) struct CustomerList {
    /// All that you see, not only your own
    #[arg(long)]
    pub(crate) all: bool,
    /// Most that are shown
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Who {
    /// Name, external id, id, or a part of them
    #[arg(value_name = "CUSTOMER")]
    pub(crate) who: String,
}

#[derive(Debug, Args)]
pub(crate) struct CustomerSearch {
    /// The words
    #[arg(required = true, value_name = "WORD")]
    pub(crate) words: Vec<String>,
    /// Most that are shown
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Degrees north
    #[arg(long, allow_negative_numbers = true, value_name = "DEGREES")]
    pub(crate) lat: Option<f64>,
    /// Degrees east
    #[arg(long, allow_negative_numbers = true, value_name = "DEGREES")]
    pub(crate) lon: Option<f64>,
    /// The datum of the position
    #[arg(long, value_enum)]
    pub(crate) datum: Option<DatumArg>,
}

#[derive(Debug, Args)]
pub(crate) struct CustomerAdd {
    /// The name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) place: Place,
    /// Postal address
    #[arg(long)]
    pub(crate) address: Option<String>,
    /// Telephone number
    #[arg(long)]
    pub(crate) phone: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CustomerFence {
    #[command(flatten)]
    pub(crate) who: Who,
    /// Degrees north of a door
    #[arg(long, allow_negative_numbers = true, value_name = "DEGREES", requires_all = ["lon", "datum"])]
    pub(crate) lat: Option<f64>,
    /// Degrees east of a door
    #[arg(long, allow_negative_numbers = true, value_name = "DEGREES")]
    pub(crate) lon: Option<f64>,
    /// The datum of the position
    #[arg(long, value_enum)]
    pub(crate) datum: Option<DatumArg>,
    /// Radius around the door, metres
    #[arg(long, value_name = "METRES", default_value_t = 80.0)]
    pub(crate) radius: f64,
    /// An outline instead of a door: a GeoJSON file with a polygon
    #[arg(long, value_name = "FILE", conflicts_with = "lat")]
    pub(crate) outline: Option<PathBuf>,
    /// What people call it, such as "gate 2"
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// A Wi-Fi station of the customer, as aa:bb:cc:dd:ee:ff; may be given more than once
    #[arg(long, value_name = "STATION")]
    pub(crate) bssid: Vec<String>,
    /// Forget all doors and outlines first
    #[arg(long)]
    pub(crate) clear: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CustomerEditArgs {
    #[command(flatten)]
    pub(crate) who: Who,
    /// The name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Telephone number; empty to clear it
    #[arg(long)]
    pub(crate) phone: Option<String>,
    /// Postal address; empty to clear it
    #[arg(long)]
    pub(crate) address: Option<String>,
    /// Opening hours; empty to clear them
    #[arg(long)]
    pub(crate) hours: Option<String>,
    /// A word to find it by; +x or x adds, may be given more than once
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    pub(crate) tag: Vec<String>,
    /// A word to take away
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    pub(crate) untag: Vec<String>,
    /// Whose customer it is to be, by name or id; for managers
    #[arg(long, value_name = "USER")]
    pub(crate) owner: Option<String>,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Visit {
    /// Plan a visit
    Plan(VisitPlan),
    /// Begin a visit: a planned one of today, else an unplanned one at that customer
    Start(VisitWhich),
    /// Write a note
    Note(VisitNote),
    /// End a visit
    Finish(VisitMaybe),
    /// Give a visit up, for a reason
    Skip(VisitSkip),
    /// Move a visit to another day
    Move(VisitMove),
    /// One visit with its check-ins and notes; another's positions for a purpose alone, and their subject will read it
    Show(VisitShow),
}

#[derive(Debug, Args)]
pub(crate) struct VisitPlan {
    #[command(flatten)]
    pub(crate) who: Who,
    /// The day, as YYYY-MM-DD [default: today]
    #[arg(long, value_name = "DAY")]
    pub(crate) day: Option<NaiveDate>,
    /// Who goes, by name or id; for managers [default: you]
    #[arg(long, value_name = "USER")]
    pub(crate) rep: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct VisitWhich {
    /// The visit's id, a part of it, or its customer's name
    #[arg(value_name = "VISIT")]
    pub(crate) which: String,
}

#[derive(Debug, Args)]
pub(crate) struct VisitShow {
    #[command(flatten)]
    pub(crate) visit: VisitWhich,
    /// What for; needed for another's positions
    #[arg(long, value_name = "TEXT")]
    pub(crate) purpose: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct VisitMaybe {
    /// The visit's id, a part of it, or its customer's name [default: the one in progress]
    #[arg(value_name = "VISIT")]
    pub(crate) which: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct VisitNote {
    /// The visit [default: the one in progress]
    #[arg(long, value_name = "VISIT")]
    pub(crate) visit: Option<String>,
    /// The text
    pub(crate) text: String,
}

#[derive(Debug, Args)]
pub(crate) struct VisitSkip {
    #[command(flatten)]
    pub(crate) visit: VisitWhich,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct VisitMove {
    #[command(flatten)]
    pub(crate) visit: VisitWhich,
    /// To which day, as YYYY-MM-DD
    #[arg(long, value_name = "DAY")]
    pub(crate) day: NaiveDate,
}

#[derive(Debug, Args)]
pub(crate) struct CheckIn {
    /// Degrees north
    #[arg(long, allow_negative_numbers = true, value_name = "DEGREES")]
    pub(crate) lat: f64,
    /// Degrees east
    #[arg(long, allow_negative_numbers = true, value_name = "DEGREES")]
    pub(crate) lon: f64,
    /// The radius that the device states, metres
    #[arg(long, allow_negative_numbers = true, value_name = "METRES")]
    pub(crate) accuracy: f64,
    /// The datum of the position; there is no default
    #[arg(long, value_enum)]
    pub(crate) datum: DatumArg,
    /// The visit [default: the one in progress]
    #[arg(long, value_name = "VISIT")]
    pub(crate) visit: Option<String>,
    /// Who states the accuracy
    #[arg(long, value_enum, default_value = "stated")]
    pub(crate) source: SourceArg,
    /// How old the fix is, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub(crate) age: u32,
    /// One more fix of the same acquisition: LAT,LON,ACCURACY[,AGE]; may be given more than once
    #[arg(long, value_name = "FIX", allow_hyphen_values = true)]
    pub(crate) sample: Vec<String>,
    /// What determined the position
    #[arg(long, value_enum, default_value = "unknown")]
    pub(crate) provider: ProviderArg,
    /// Satellites used
    #[arg(long, value_name = "N")]
    pub(crate) satellites: Option<u8>,
    /// The platform says that an app supplied the position
    #[arg(long)]
    pub(crate) mock: bool,
    /// A Wi-Fi station that was heard: BSSID[,AGE]; may be given more than once
    #[arg(long, value_name = "STATION")]
    pub(crate) bssid: Vec<String>,
    /// Why the position may be uncertain, in your words
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Only say what the verdict would be, save nothing
    #[arg(long)]
    pub(crate) preview: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Evidence {
    /// Write a bundle: the operations of a day, or all of the last 30 days
    Export(EvidenceExport),
    /// The company's key, to be handed to whoever verifies
    Key,
}

#[derive(Debug, Args)]
pub(crate) struct EvidenceExport {
    #[command(flatten)]
    pub(crate) to: NewFile,
    /// Only this day, as YYYY-MM-DD
    #[arg(long, value_name = "DAY")]
    pub(crate) day: Option<NaiveDate>,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The bundle, or the photo
    pub(crate) bundle: PathBuf,
    /// The company's key, as `waymark evidence key` prints it; without one nothing is proven
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// The rules that hold here now
    Show,
    /// Publish new rules from a JSON file, for admins; what it leaves out is built in
    Publish(PolicyPublish),
}

#[derive(Debug, Args)]
pub(crate) struct PolicyPublish {
    /// The rules, as JSON; - for standard input
    pub(crate) file: PathBuf,
    /// Why, for everybody to read
    #[arg(long, value_name = "TEXT")]
    pub(crate) remark: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Shift {
    /// Open a work session
    Start(ShiftStart),
    /// End the work session
    End,
    /// How the work session stands
    Status,
    /// After a restart of the device: the work goes on
    Resume,
    /// How much of a day's sessions was observed, and each gap with its recorded cause
    Report(ShiftReport),
    /// Say what a gap was about: your manager reads it beside the gap
    Explain(ShiftExplain),
}

#[derive(Debug, Args)]
pub(crate) struct ShiftStart {
    /// It ends by itself after so many minutes [default: what the company says, at most 960]
    #[arg(long, value_name = "MINUTES")]
    pub(crate) limit: Option<u16>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Track {
    /// Feed a recording into the open session, as a simulation of the sensors
    Import(TrackImport),
    /// A day's track; for another's a purpose is needed, and its subject will read it
    Show(TrackDay),
    /// The last position inside the open session, with its age
    Where(TrackWhere),
    /// When customers were entered and left, how long the stays were, and where else you stopped
    Visits(TrackDay),
    /// Write a day's track as GPX or GeoJSON, in WGS-84
    Export(TrackExport),
    /// Write a day's replay as an HTML page that needs no network
    Replay(TrackReplay),
    /// How soon and how well to ask for the next position, by the distance to the next customer
    Advise(TrackAdvise),
    /// Open fixes of a track that stays on this phone, in a file that anyone can check
    Open(TrackOpen),
    /// Check opened fixes against a bundle of evidence: needs nothing but the two files and the company's key
    Check(TrackCheck),
}

#[derive(Debug, Args)]
pub(crate) struct TrackImport {
    /// A .gpx, a .geojson, or a .csv with the columns time, lat, lon and accuracy; the content tells which
    pub(crate) file: PathBuf,
    /// The datum of the coordinates; needed for CSV
    #[arg(long, value_enum)]
    pub(crate) datum: Option<DatumArg>,
    /// Shorten the recording in time so that all of it fits into the session
    #[arg(long)]
    pub(crate) squeeze: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TrackDay {
    /// The day, as YYYY-MM-DD [default: today]
    #[arg(long, value_name = "DAY")]
    pub(crate) day: Option<NaiveDate>,
    /// Whose, by name or id; for managers [default: your own]
    #[arg(long, value_name = "USER")]
    pub(crate) rep: Option<String>,
    /// What for; needed for another's
    #[arg(long, value_name = "TEXT")]
    pub(crate) purpose: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TrackExport {
    #[command(flatten)]
    pub(crate) track: TrackDay,
    /// The format [default: by the ending of the file's name]
    #[arg(long, value_enum)]
    pub(crate) format: Option<TrackFormat>,
    #[command(flatten)]
    pub(crate) to: NewFile,
}

#[derive(Debug, Args)]
pub(crate) struct TrackReplay {
    #[command(flatten)]
    pub(crate) track: TrackDay,
    #[command(flatten)]
    pub(crate) to: NewFile,
}

/// A file that is written whole or not at all.
#[derive(Debug, Args)]
pub(crate) struct NewFile {
    /// The file to write
    #[arg(value_name = "OUT")]
    pub(crate) new_file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TrackAdvise {
    /// Degrees north
    #[arg(long, allow_negative_numbers = true, value_name = "DEGREES")]
    pub(crate) lat: f64,
    /// Degrees east
    #[arg(long, allow_negative_numbers = true, value_name = "DEGREES")]
    pub(crate) lon: f64,
    /// The datum of the position; there is no default
    #[arg(long, value_enum)]
    pub(crate) datum: DatumArg,
    /// The radius that the device states, metres
    #[arg(long, value_name = "METRES", default_value_t = 15.0)]
    pub(crate) accuracy: f64,
    /// Speed over ground, metres per second [default: not known]
    #[arg(long, value_name = "SPEED")]
    pub(crate) speed: Option<f64>,
    /// Charge of the battery, percent [default: not known]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) battery: Option<u8>,
    /// Connected to a charger
    #[arg(long)]
    pub(crate) charging: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TrackWhere {
    /// Whose, by name or id; for managers [default: your own]
    #[arg(long, value_name = "USER")]
    pub(crate) rep: Option<String>,
    /// What for; needed for another's
    #[arg(long, value_name = "TEXT")]
    pub(crate) purpose: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Privacy {
    /// The first day, as YYYY-MM-DD [default: 30 days before the last]
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<NaiveDate>,
    /// The last day, as YYYY-MM-DD [default: today]
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Option<NaiveDate>,
}

#[derive(Debug, Args)]
pub(crate) struct Attention {
    #[command(subcommand)]
    pub(crate) what: Option<AttentionWhat>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AttentionWhat {
    /// All of it, with the reasons
    List,
    /// Do it again on top of what the record is now
    Retry(OpArg),
    /// Let it go
    Dismiss(OpArg),
}

#[derive(Debug, Args)]
pub(crate) struct OpArg {
    /// The operation's id, or a part of it
    #[arg(value_name = "OPERATION")]
    pub(crate) op: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// Customers from a CSV or GeoJSON file: all rows, or none when any is wrong
    Customers(ImportCustomers),
}

#[derive(Debug, Args)]
pub(crate) struct ImportCustomers {
    /// A .csv with a header line, or a .geojson
    pub(crate) file: PathBuf,
    /// The datum of the coordinates; needed for CSV
    #[arg(long, value_enum)]
    pub(crate) datum: Option<DatumArg>,
    /// Whose the customers are to be, by name or id [default: nobody's]
    #[arg(long, value_name = "USER")]
    pub(crate) owner: Option<String>,
    /// Only look, save nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Where to; - or nothing for standard output
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The server's data folder [default: waymark-server in the user's data folder]
    #[arg(long, value_name = "DIR", env = "WAYMARK_DATA", hide_env_values = true)]
    pub(crate) data: Option<PathBuf>,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7878")]
    pub(crate) listen: std::net::SocketAddr,
    /// The company's name, at the first start
    #[arg(long, value_name = "NAME", default_value = "Waymark")]
    pub(crate) company: String,
    /// The first admin's name, at the first start
    #[arg(long, value_name = "NAME", default_value = "Admin")]
    pub(crate) admin: String,
    /// Log every call on standard error; without it only what is wrong
    #[arg(long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Admin {
    /// Make a one-time enrolment code
    Invite(Invite),
    /// All devices
    Devices,
    /// Shut a device out
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(crate) struct Invite {
    /// The name that colleagues read
    #[arg(long, required_unless_present = "user")]
    pub(crate) name: Option<String>,
    /// What the person may do
    #[arg(long, value_enum, required_unless_present = "user")]
    pub(crate) role: Option<RoleArg>,
    /// The person's team
    #[arg(long, required_unless_present = "user")]
    pub(crate) team: Option<String>,
    /// One more device for this user, by name or id
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The device's id, or a part of it
    pub(crate) device: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServerData {
    /// Copy the data of a server, running or not, into one file
    Backup(Backup),
    /// Put a backup in place, before the server is started
    Restore(Backup),
    /// Empty the positions whose period is over; a running server does it every hour
    Retire(Retire),
    /// Keep everything of a user, or let it go again; without either, list who is on hold
    Hold(Hold),
    /// Write a bundle of what a device did, sealed by the company: of a phone that is lost, or of who has left
    Evidence(ServerEvidence),
}

#[derive(Debug, Args)]
pub(crate) struct ServerEvidence {
    /// The server's data folder
    pub(crate) data: PathBuf,
    /// The device, by its id, its name or its user
    pub(crate) device: String,
    #[command(flatten)]
    pub(crate) to: NewFile,
    /// Only this day, as YYYY-MM-DD
    #[arg(long, value_name = "DAY")]
    pub(crate) day: Option<NaiveDate>,
}

#[derive(Debug, Args)]
pub(crate) struct Retire {
    /// The server's data folder
    pub(crate) data: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Hold {
    /// The server's data folder
    pub(crate) data: PathBuf,
    /// The user, by name or id
    #[arg(long, value_name = "USER")]
    pub(crate) of: Option<String>,
    /// Why everything of the user is to be kept
    #[arg(long, value_name = "TEXT", requires = "of", conflicts_with = "release")]
    pub(crate) why: Option<String>,
    /// End the hold
    #[arg(long, requires = "of")]
    pub(crate) release: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The server's data folder
    pub(crate) data: PathBuf,
    /// The backup
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where to leave the artefacts [default: a new folder among the temporary files]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Only the ledger and where the artefacts are
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Keep artefacts that are in the folder already, and work in a new one inside it
    #[arg(long)]
    pub(crate) keep: bool,
    /// The seed of the faults
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct DemoWorker {
    /// What time it is, milliseconds
    #[arg(long)]
    pub(crate) now_ms: i64,
    /// By how much the device's wall clock is wrong, milliseconds
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) skew_ms: i64,
    /// The device's boot
    #[arg(long)]
    pub(crate) boot: BootId,
    /// The first stop to work
    #[arg(long)]
    pub(crate) stop: usize,
}
