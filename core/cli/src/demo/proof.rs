//! The day's verdicts in words, and the bundle that proves them to somebody who has the company's key and nothing else.

use std::fs;
use std::path::Path;

use waymark_client::evidence::{Stretch, words as report_words};
use waymark_client::{CheckInView, ExportMode, Lang, Waymark, verdict};
use waymark_domain::geo::fence::Side;
use waymark_evidence::verify;
use waymark_photo::Mode;
use waymark_protocol::proof::PublicKey;

use super::teller::Teller;
use crate::failure::{Outcome, Own};
use crate::words::demo as words;

/// Shows one verdict of each side, with its reasons, and proves the whole day from its bundle.
pub(super) fn prove(teller: &Teller, waymark: &Waymark, name: &str, folder: &Path) -> Outcome {
    let lang = teller.lang;
    teller.step(&words::step_proof(lang))?;
    let day = waymark.today_date()?;
    let mut seen: Vec<(String, CheckInView)> = Vec::new();
    for row in waymark.visits().of_day(day, true)? {
        let view = waymark.visits().view(row.id)?;
        let customer = view.row.customer_name;
        seen.extend(
            view.check_ins
                .into_iter()
                .map(|check_in| (customer.clone(), check_in)),
        );
    }
    for side in [Side::Inside, Side::Uncertain, Side::Outside] {
        let first = seen
            .iter()
            .find(|(_, check_in)| side_of(check_in) == Some(side));
        match first {
            Some((customer, check_in)) => told(teller, lang, customer, check_in)?,
            None => {
                let missing = words::no_such_verdict(lang, name, verdict::side(lang, side));
                return Err(Own::Demo(missing).into());
            }
        }
    }

    let mut bundle = Vec::new();
    waymark
        .evidence()
        .export(Stretch::Day(day), &mut bundle, &mut |_| {})?;
    let file = format!("{}-evidence.txt", name.to_lowercase());
    fs::write(folder.join(&file), &bundle)?;
    let key = PublicKey::from_text(waymark.evidence().company_key()?);
    let report = verify(&mut bundle.as_slice(), Some(&key))?;
    teller.detail(&words::proof_file(lang, &file))?;
    for line in report_words(lang, &report) {
        teller.detail(&line)?;
    }
    photos(teller, waymark, name, folder)?;
    if report.proven() && report.noted.is_empty() {
        Ok(())
    } else {
        Err(Own::Demo(words::not_proven(lang, name)).into())
    }
}

/// Counts the photos of the day, and writes one, stamped anew of its untouched original.
fn photos(teller: &Teller, waymark: &Waymark, name: &str, folder: &Path) -> Outcome {
    let lang = teller.lang;
    let photos = waymark.photos().latest(None)?;
    let Some(photo) = photos.first() else {
        return Err(Own::Demo(words::no_photo(lang, name)).into());
    };
    let file = format!("{}-photo.jpg", name.to_lowercase());
    let mode = ExportMode::Stamped {
        mode: Mode::Canvas,
        template: None,
        seal: None,
        lang,
    };
    let mut stamped = Vec::new();
    waymark.photos().export(photo.id, mode, &mut stamped)?;
    fs::write(folder.join(&file), stamped)?;
    teller.detail(&words::photos(lang, photos.len(), name, &file))
}

fn side_of(check_in: &CheckInView) -> Option<Side> {
    check_in.verdict.as_ref().map(|verdict| verdict.side)
}

fn told(teller: &Teller, lang: Lang, customer: &str, check_in: &CheckInView) -> Outcome {
    let Some(found) = &check_in.verdict else {
        return Ok(());
    };
    let summary = verdict::summary(lang, found, check_in.accuracy_m);
    teller.detail(&format!("{customer}: {summary}"))?;
    for line in verdict::explanation(lang, found) {
        teller.detail(&format!("  {line}"))?;
    }
    Ok(())
}
