//! A picture written as baseline JPEG, 4:2:0, with the standard's own Huffman tables.

use super::bits::Writer;
use super::blocks::{Block, Tables, write};
use super::dct::{Divisors, Rows, forward};
use super::huffman::{Encoder, Spec};
use super::{Broken, DHT, DQT, EOI, SOI, SOS, standard};
use crate::planes::{Plane, Planes};

/// Writes `planes` with these segments before the tables, which must be whole segments.
pub(crate) fn encode(planes: &Planes, quality: u8, segments: &[u8]) -> Result<Vec<u8>, Broken> {
    let (width, height) = (planes.y.width, planes.y.height);
    let side = |pixels: usize| u16::try_from(pixels).map_err(|_| Broken::TooLarge);
    let quant = standard::quant(quality);
    let (dc, ac) = (standard::dc(), standard::ac());
    let mut bytes = Vec::with_capacity(segments.len() + width * height / 6 + 1024);
    bytes.extend([0xFF, SOI]);
    bytes.extend(segments);
    for (number, table) in (0..).zip(&quant) {
        bytes.extend([0xFF, DQT, 0, 67, number]);
        bytes.extend(table.iter().map(|step| step.to_be_bytes()[1]));
    }
    bytes.extend([0xFF, 0xC0, 0, 17, 8]);
    bytes.extend(side(height)?.to_be_bytes());
    bytes.extend(side(width)?.to_be_bytes());
    bytes.extend([3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
    for (class, specs) in [(0_u8, &dc), (0x10, &ac)] {
        for (number, spec) in (0..).zip(specs) {
            table(&mut bytes, class | number, spec)?;
        }
    }
    bytes.extend([0xFF, SOS, 0, 12, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0]);
    bytes.extend(scan(planes, &quant, &dc, &ac)?);
    bytes.extend([0xFF, EOI]);
    Ok(bytes)
}

fn table(bytes: &mut Vec<u8>, head: u8, spec: &Spec) -> Result<(), Broken> {
    let length = u16::try_from(19 + spec.symbols.len()).map_err(|_| Broken::HuffmanTable)?;
    bytes.extend([0xFF, DHT]);
    bytes.extend(length.to_be_bytes());
    bytes.push(head);
    bytes.extend(spec.counts);
    bytes.extend(&spec.symbols);
    Ok(())
}

fn scan(
    planes: &Planes,
    [q0, q1]: &[[u16; 64]; 2],
    [d0, d1]: &[Spec; 2],
    [a0, a1]: &[Spec; 2],
) -> Result<Vec<u8>, Broken> {
    let (d0, a0) = (Encoder::new(d0)?, Encoder::new(a0)?);
    let (d1, a1) = (Encoder::new(d1)?, Encoder::new(a1)?);
    let (luma, chroma) = (Tables { dc: &d0, ac: &a0 }, Tables { dc: &d1, ac: &a1 });
    let (q0, q1) = (Divisors::new(q0), Divisors::new(q1));
    let mut writer = Writer::default();
    let [mut y, mut cb, mut cr] = [0; 3];
    let mut whole = true;
    for row in 0..planes.y.height.div_ceil(16) {
        for column in 0..planes.y.width.div_ceil(16) {
            for (right, down) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let block = block(&planes.y, column * 2 + right, row * 2 + down, &q0);
                whole &= write(&mut writer, &block, &mut y, luma);
            }
            whole &= write(
                &mut writer,
                &block(&planes.cb, column, row, &q1),
                &mut cb,
                chroma,
            );
            whole &= write(
                &mut writer,
                &block(&planes.cr, column, row, &q1),
                &mut cr,
                chroma,
            );
        }
    }
    if whole {
        Ok(writer.finish())
    } else {
        Err(Broken::HuffmanTable)
    }
}

/// The block in this column and row of blocks; beyond the edge the last pixel is repeated.
fn block(plane: &Plane, column: usize, row: usize, divisors: &Divisors) -> Block {
    let mut samples = Rows::default();
    for (y, line) in (row * 8..).zip(samples.iter_mut()) {
        let pixels = plane.row(y.min(plane.height.saturating_sub(1)));
        if let Some(eight) = pixels
            .get(column * 8..)
            .and_then(|rest| rest.first_chunk::<8>())
        {
            *line = eight.map(|pixel| i32::from(pixel) - 128);
        } else {
            for (x, sample) in (column * 8..).zip(line.iter_mut()) {
                let pixel = pixels.get(x).or(pixels.last()).copied().unwrap_or(128);
                *sample = i32::from(pixel) - 128;
            }
        }
    }
    divisors.quantise(&forward(&samples))
}
