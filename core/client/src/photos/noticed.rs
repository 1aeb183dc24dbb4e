//! What a picture says of itself when it is saved: what it looks like beside earlier ones, and what its camera wrote.

use waymark_domain::photo::Photo;
use waymark_domain::photo::signals::{Alike, MAX_ALIKE, SAME_BITS, metres_off};

use super::Photos;
use crate::error::WaymarkError;

/// Photos of the device's own that a new one is compared with: a year of 40 a week. Comparing takes a few milliseconds.
const OWN: u32 = 2_000;
/// Photos of the customer that it is compared with, whoever took them.
const OF_CUSTOMER: u32 = 200;

impl Photos {
    /// Adds to a photo what is noticed about its picture. A picture that cannot be decoded to the end is kept without.
    pub(super) fn notice(&self, bytes: &[u8], photo: &mut Photo) -> Result<(), WaymarkError> {
        if let Ok(written) = waymark_photo::camera(bytes) {
            photo.camera = written.camera;
            photo.camera.metres_off = written
                .place
                .and_then(|place| metres_off(&photo.place, place));
        }
        match waymark_photo::looks(bytes) {
            Ok(Some(looks)) => {
                let (own, customer) = self.0.read(|reader| {
                    Ok((
                        reader.looks_of_rep(photo.rep, OWN)?,
                        reader.looks_of_customer(photo.customer, OF_CUSTOMER)?,
                    ))
                })?;
                let sha256 = photo.original.file.sha256;
                let mut alike: Vec<Alike> = own
                    .iter()
                    .chain(&customer)
                    .map(|seen| Alike {
                        photo: seen.photo,
                        bits: looks.distance(&seen.look),
                        same_file: seen.sha256 == sha256,
                    })
                    .filter(|alike| alike.same_file || alike.bits <= SAME_BITS)
                    .collect();
                alike.sort_by_key(|alike| (!alike.same_file, alike.bits, alike.photo));
                alike.dedup_by_key(|alike| alike.photo);
                alike.truncate(MAX_ALIKE);
                photo.alike = alike;
                photo.look = Some(looks.upright);
            }
            Ok(None) => photo.nothing_to_see = true,
            Err(_) => {}
        }
        Ok(())
    }
}
