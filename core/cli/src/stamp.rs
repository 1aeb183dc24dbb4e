//! `waymark stamp`.

use std::path::PathBuf;

use chrono::DateTime;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use waymark_client::system::SystemEntropy;
use waymark_client::{Lang, PhotoMark};
use waymark_domain::ambient::Entropy as _;
use waymark_photo::limits::{MAX_FILE_BYTES, MAX_FONT_BYTES, MAX_TEMPLATE_BYTES};
use waymark_photo::{
    CodeOutcome, ExifOutcome, Facts, Fix, Interval, Language, Method, Mode, Order, Report, SealKey,
    Source, Taken, Template, Text, Verdict, Why, stamp, thumbnail,
};

use crate::args::NewFile;
use crate::context::Context;
use crate::failure::{Outcome, Own};
use crate::photo::{check_place, read_key, read_photo};
use crate::words::photo as words;

#[derive(Debug, Args)]
pub(crate) struct Stamp {
    /// The photo
    #[arg(value_name = "IN")]
    pub(crate) photo: PathBuf,
    #[command(flatten)]
    pub(crate) to: NewFile,
    /// What the stamp looks like, a JSON file
    #[arg(long, value_name = "FILE")]
    pub(crate) template: Option<PathBuf>,
    /// What is known of the photo, a JSON file
    #[arg(long, value_name = "FILE")]
    pub(crate) facts: Option<PathBuf>,
    /// A value, as key=value; key=?reason says why there is none; can be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// What to make of the photo
    #[arg(long, value_enum, default_value_t = ModeArg::Evidence)]
    pub(crate) mode: ModeArg,
    /// Seal the original into the file with this key, see `waymark photo key`
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Sign with this device's key, so that the photo verifies itself; the time has to be given with its bounds
    #[arg(long)]
    pub(crate) sign: bool,
    /// A font for characters that the built-in one lacks
    #[arg(long, value_name = "FILE")]
    pub(crate) font: Option<PathBuf>,
    /// Also write a thumbnail of at most 30 KB
    #[arg(long, value_name = "FILE")]
    pub(crate) thumbnail: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ModeArg {
    Evidence,
    Copy,
    Canvas,
}

impl From<ModeArg> for Mode {
    fn from(arg: ModeArg) -> Self {
        match arg {
            ModeArg::Evidence => Self::Evidence,
            ModeArg::Copy => Self::Copy,
            ModeArg::Canvas => Self::Canvas,
        }
    }
}

pub(crate) fn run(context: &Context, args: &Stamp) -> Outcome {
    let template = template(context, args)?;
    let mut facts = match &args.facts {
        Some(path) => serde_json::from_slice(&read_photo(path, MAX_TEMPLATE_BYTES)?)
            .map_err(|error| Own::NotFacts(error.to_string()))?,
        None => Facts::default(),
    };
    for pair in &args.set {
        set(&mut facts, pair).ok_or_else(|| Own::NotAValue(pair.clone()))?;
    }
    let begins = |start: &str| {
        args.set
            .iter()
            .any(|pair| pair.trim_start().starts_with(start))
    };
    if begins("time_") && args.facts.is_none() && !begins("time=") {
        return Err(Own::NotAValue("time=".to_owned()).into());
    }
    let seal = args.key.as_deref().map(read_key).transpose()?.map(|key| {
        let mut nonce = [0; 12];
        SystemEntropy.fill(&mut nonce);
        SealKey { key, nonce }
    });
    let font = args
        .font
        .as_deref()
        .map(|path| read_photo(path, MAX_FONT_BYTES))
        .transpose()?;
    let device = if args.sign {
        let stated = stated(&facts)?;
        Some((context.open()?.photo_mark()?, stated))
    } else {
        None
    };
    let sign = |message: &[u8]| match &device {
        Some((device, _)) => device.sign(message),
        None => Err(String::new()),
    };
    let mark = device
        .as_ref()
        .map(|(device, (time, verdict))| device.marker(*time, *verdict, &sign));
    let small = args.thumbnail.clone().map(|new_file| NewFile {
        new_file,
        force: args.to.force,
    });
    for to in std::iter::once(&args.to).chain(&small) {
        check_place(&args.photo, to)?;
    }
    let data = read_photo(&args.photo, MAX_FILE_BYTES)?;
    let order = Order {
        mode: args.mode.into(),
        template: &template,
        facts: &facts,
        seal: seal.as_ref(),
        device_font: font.as_deref(),
        mark: mark.as_ref(),
    };
    let stamped = stamp(&data, &order).map_err(Own::Photo)?;
    args.to.write(|mut out| Ok(stamped.write_to(&mut out)?))?;
    if let Some(to) = &small {
        let mut whole = Vec::new();
        stamped.write_to(&mut whole)?;
        let small = thumbnail(&whole).map_err(Own::Photo)?;
        to.write(|out| Ok(out.write_all(&small)?))?;
    }
    let report = stamped.report();
    // with --sign the verdict is stated, printed or not
    let printed = |key: &str| {
        (args.sign && key == VERDICT) || template.fields.iter().any(|field| field.key == key)
    };
    let unprinted = facts.texts.keys().filter(|key| !printed(key));
    let unprinted: Vec<&String> = unprinted.collect();
    let value: Value = json!({ "file": args.to.name(), "stamp": report, "not_printed": unprinted });
    context.show(&value, || {
        let mut told = told(context.lang, report, args);
        if let Some((device, _)) = &device {
            told.extend(told_of_mark(context.lang, report, device));
        }
        let left_out = unprinted.iter();
        told.extend(left_out.map(|key| words::not_printed(context.lang, key)));
        told.join("\n")
    })
}

fn template(context: &Context, args: &Stamp) -> Outcome<Template> {
    let Some(path) = &args.template else {
        let language = match context.lang {
            Lang::En => Language::En,
            Lang::ZhHans => Language::ZhHans,
        };
        return Ok(Template {
            language,
            ..Template::default()
        });
    };
    let json = read_photo(path, MAX_TEMPLATE_BYTES)?;
    Ok(Template::from_json(&json).map_err(Own::Photo)?)
}

/// What is said to a person.
fn told(lang: Lang, report: &Report, args: &Stamp) -> Vec<String> {
    let file = args.to.name();
    let mut told = vec![match report.method {
        Method::InPlace { .. } => words::in_place(lang, &file),
        Method::Reencoded {
            why: Why::Copy | Why::Canvas,
        } => words::made(lang, &file, report.size.0, report.size.1),
        Method::Reencoded { why } => words::reencoded(lang, &file, words::why(lang, why)),
    }];
    if report.sealed_bytes > 0 {
        let kilobytes = report.sealed_bytes.div_ceil(1000);
        told.push(words::sealed(lang, kilobytes));
    } else if args.key.is_some() {
        told.push(words::not_sealed(lang));
    }
    for missing in &report.missing_fields {
        told.push(words::missing_field(lang, &missing.key, &missing.reason));
    }
    if !report.missing_glyphs.is_empty() {
        let glyphs: String = report.missing_glyphs.iter().collect();
        told.push(words::missing_glyphs(lang, glyphs));
    }
    if let ExifOutcome::Left(_) = report.exif {
        told.push(words::exif_left(lang));
    }
    told
}

/// The key of the text that says what a check-in came to.
const VERDICT: &str = "verdict";

/// What a mark states: when, and what the check-in came to.
fn stated(facts: &Facts) -> Outcome<(Interval, Verdict)> {
    let bounds = facts.time.as_ref().and_then(|time| {
        let half = i64::from(time.plus_minus_s?) * 1000;
        let at = time.at.timestamp_millis();
        Some(Interval {
            from_ms: at - half,
            to_ms: at + half,
        })
    });
    let verdict = match facts.texts.get(VERDICT) {
        None | Some(Text::Missing(_)) => Verdict::None,
        Some(Text::Is(word)) => match word.as_str() {
            "met" => Verdict::Met,
            "not_met" => Verdict::NotMet,
            "unverified" => Verdict::Unverified,
            word => return Err(Own::NotAVerdict(word.to_owned()).into()),
        },
    };
    Ok((bounds.ok_or(Own::NoBounds)?, verdict))
}

/// What is said of the mark.
fn told_of_mark(lang: Lang, report: &Report, device: &PhotoMark) -> Vec<String> {
    let mut told = vec![match report.code {
        Some(CodeOutcome::Drawn { .. }) => words::signed(lang),
        _ => words::signed_without_code(lang),
    }];
    if !device.is_vouched() {
        told.push(words::not_vouched_yet(lang));
    }
    told
}

/// Takes one `key=value` over; `None` when it is none, or its value no number, time or word that its key wants.
fn set(facts: &mut Facts, pair: &str) -> Option<()> {
    let (key, value) = pair.split_once('=')?;
    let (key, value) = (key.trim(), value.trim());
    if key.is_empty() {
        return None;
    }
    let reason = value.strip_prefix('?').map(str::trim);
    let number = || {
        value
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
    };
    match (key, reason) {
        ("position", Some(reason)) => {
            facts.position = None;
            facts.position_missing = Some(reason.to_owned());
        }
        ("time", None) => time(facts).at = DateTime::parse_from_rfc3339(value).ok()?,
        ("time_plus_minus", None) => time(facts).plus_minus_s = Some(value.parse().ok()?),
        ("time_verified", None) => time(facts).verified = value.parse().ok()?,
        ("lat", None) => fix(facts).lat = number()?,
        ("lon", None) => fix(facts).lon = number()?,
        ("accuracy", None) => fix(facts).accuracy_m = Some(number()?),
        ("altitude", None) => fix(facts).altitude_m = Some(number()?),
        ("heading", None) => fix(facts).heading_deg = Some(number()?),
        ("dop", None) => fix(facts).dop = Some(number()?),
        ("source", None) => {
            facts.source = match value {
                "camera" => Source::Camera,
                "gallery" => Source::Gallery,
                "other_app" => Source::OtherApp,
                _ => return None,
            }
        }
        ("time" | "source" | "lat" | "lon" | "position", _) => return None,
        (key, Some(reason)) => {
            facts
                .texts
                .insert(key.to_owned(), Text::Missing(reason.to_owned()));
        }
        (key, None) => {
            facts
                .texts
                .insert(key.to_owned(), Text::Is(value.to_owned()));
        }
    }
    Some(())
}

/// The time that is being put together; `run` refuses one that is only qualified.
fn time(facts: &mut Facts) -> &mut Taken {
    facts.time.get_or_insert_with(|| Taken {
        at: DateTime::UNIX_EPOCH.fixed_offset(),
        plus_minus_s: None,
        verified: false,
    })
}

/// The position that is being put together; without both coordinates it is out of range.
fn fix(facts: &mut Facts) -> &mut Fix {
    facts.position.get_or_insert(Fix {
        lat: f64::NAN,
        lon: f64::NAN,
        accuracy_m: None,
        altitude_m: None,
        heading_deg: None,
        dop: None,
    })
}
