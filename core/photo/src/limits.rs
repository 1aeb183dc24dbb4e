//! What is accepted from outside, and why not more.

/// The largest file, in bytes: a phone's largest picture (200 megapixels, best quality) is about 50 MB.
pub const MAX_FILE_BYTES: usize = 96 << 20;

/// The most pixels of a picture that is edited in place: 200 megapixels, the largest sensor in a phone. Rows pass through one at a time, so
/// this bounds the time, not the memory.
pub const MAX_PIXELS: u64 = 220_000_000;

/// The most pixels of a picture that has to be decoded whole. At three bytes a pixel this is 192 MB while it lasts, what a phone with 3 GB
/// gives an app at the very most.
pub const MAX_DECODED_PIXELS: u64 = 64_000_000;

/// Segments before the picture itself. Real files have up to about 40; a hostile one could have a million empty ones.
pub(crate) const MAX_SEGMENTS: usize = 4096;

/// Blocks of one MCU, as ITU-T T.81 B.2.3 limits them.
pub(crate) const MAX_MCU_BLOCKS: usize = 10;

/// The longest text of one value, in characters: twenty lines of a band that may have five.
pub const MAX_VALUE_CHARS: usize = 400;

/// The most fields of a template; the band has no room for more.
pub const MAX_FIELDS: usize = 24;

/// The largest template, in bytes.
pub const MAX_TEMPLATE_BYTES: usize = 64 << 10;

/// The largest logo, in bytes: in base64 it leaves a template room for its fields.
pub const MAX_LOGO_BYTES: usize = 40_000;

/// The longest side of a logo, in pixels: on the largest picture it is not drawn larger.
pub const MAX_LOGO_SIDE: u32 = 1024;

/// The largest fallback font, in bytes: the CJK collections of phones have up to 30 MB.
pub const MAX_FONT_BYTES: usize = 64 << 20;
