//! A picture written as baseline JPEG, 4:2:0, with the standard's own Huffman tables.

use super::bits::Writer;
use super::blocks::{Block, Tables, write};
use super::dct::{STRIP, StripDivisors, forward_strip};
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
    let mut bytes = scan(planes, &quant, &dc, &ac, Writer::behind(bytes))?;
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
    mut writer: Writer,
) -> Result<Vec<u8>, Broken> {
    let (d0, a0) = (Encoder::new(d0)?, Encoder::new(a0)?);
    let (d1, a1) = (Encoder::new(d1)?, Encoder::new(a1)?);
    let (luma, chroma) = (Tables { dc: &d0, ac: &a0 }, Tables { dc: &d1, ac: &a1 });
    let (q0, q1) = (StripDivisors::new(q0), StripDivisors::new(q1));
    let [mut y, mut cb, mut cr] = [0; 3];
    let mut whole = true;
    let across = planes.y.width.div_ceil(16);
    // the luma blocks of as many MCUs as a strip of chroma has blocks: two rows of two strips
    let mut luma_blocks = [[[[0; 64]; 8]; 2]; 2];
    let (mut cb_blocks, mut cr_blocks) = ([[0; 64]; 8], [[0; 64]; 8]);
    for row in 0..planes.y.height.div_ceil(16) {
        for first in (0..across).step_by(8) {
            for (down, strips) in luma_blocks.iter_mut().enumerate() {
                for (right, blocks) in strips.iter_mut().enumerate() {
                    strip(
                        &planes.y,
                        first * 2 + right * 8,
                        row * 2 + down,
                        &q0,
                        blocks,
                    );
                }
            }
            strip(&planes.cb, first, row, &q1, &mut cb_blocks);
            strip(&planes.cr, first, row, &q1, &mut cr_blocks);
            let [upper, lower] = luma_blocks.each_ref().map(|row| row.as_flattened());
            let luma_pairs = upper
                .as_chunks::<2>()
                .0
                .iter()
                .zip(lower.as_chunks::<2>().0);
            let mcus = luma_pairs.zip(&cb_blocks).zip(&cr_blocks);
            for (((upper, lower), cb_block), cr_block) in mcus.take(across - first) {
                for block in upper.iter().chain(lower) {
                    whole &= write(&mut writer, block, &mut y, luma);
                }
                whole &= write(&mut writer, cb_block, &mut cb, chroma);
                whole &= write(&mut writer, cr_block, &mut cr, chroma);
            }
        }
    }
    if whole {
        Ok(writer.finish())
    } else {
        Err(Broken::HuffmanTable)
    }
}

/// Eight blocks from this column and row of blocks on; beyond the edge the last pixel is repeated.
fn strip(
    plane: &Plane,
    column: usize,
    row: usize,
    divisors: &StripDivisors,
    blocks: &mut [Block; 8],
) {
    let mut samples = [[0; STRIP]; 8];
    for (y, line) in (row * 8..).zip(samples.iter_mut()) {
        let pixels = plane.row(y.min(plane.height.saturating_sub(1)));
        let (edge, pixels) = (pixels.last(), pixels.get(column * 8..).unwrap_or_default());
        if let Some(pixels) = pixels.first_chunk::<STRIP>() {
            for (sample, pixel) in line.iter_mut().zip(pixels) {
                *sample = i16::from(*pixel) - 128;
            }
        } else {
            let repeated = std::iter::repeat(edge.unwrap_or(&128));
            for (sample, pixel) in line.iter_mut().zip(pixels.iter().chain(repeated)) {
                *sample = i16::from(*pixel) - 128;
            }
        }
    }
    let mut coefficients = [[0; STRIP]; 8];
    forward_strip(&samples, &mut coefficients);
    divisors.quantise(&coefficients, blocks);
}
