//! What can go wrong.

use crate::jpeg::Broken;

/// Why a picture was not stamped or not restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is larger than any phone makes.
    #[error("the file is too large: {0} bytes")]
    FileTooLarge(usize),
    /// More pixels than can be handled.
    #[error("the picture is too large: {width} x {height} pixels")]
    PictureTooLarge {
        /// Columns.
        width: u64,
        /// Rows.
        height: u64,
    },
    /// No picture, or none of a known kind.
    #[error("the file is no picture of a known kind")]
    UnknownFormat,
    /// HEIC and HEIF: the decoders there are carry patents or are no pure Rust; the phone's camera can be set to JPEG.
    #[error("HEIC pictures cannot be read")]
    Heic,
    /// A kind of picture that is known and not supported.
    #[error("pictures of this kind cannot be read: {0}")]
    Unsupported(&'static str),
    /// The picture is damaged.
    #[error("the picture is damaged: {0}")]
    Damaged(String),
    /// The stamp would take more than a quarter of the picture.
    #[error("the picture is too small for the stamp: {width} x {height} pixels")]
    TooSmall {
        /// Columns as shown.
        width: usize,
        /// Rows as shown.
        height: usize,
    },
    /// There is a stamp already; a second one would cover the first one's evidence.
    #[error("the picture is stamped already")]
    AlreadyStamped,
    /// The template is wrong.
    #[error("the template is wrong: {0}")]
    Template(String),
    /// A position, time or accuracy out of range.
    #[error("a value is out of range: {0}")]
    Value(&'static str),
    /// The device's font cannot be read.
    #[error("the fallback font cannot be read")]
    Font,
    /// There is nothing sealed in the file.
    #[error("the picture carries no sealed original")]
    NotSealed,
    /// The sealed part is damaged or incomplete.
    #[error("the sealed part of the picture is damaged")]
    SealDamaged,
    /// Another key.
    #[error("the key does not fit, or the sealed part was changed")]
    WrongKey,
    /// The picture was changed after it was stamped, so that what comes out is not the original.
    #[error("the picture was changed after it was stamped")]
    Changed,
    /// The device's key could not sign the mark, or is another than was given.
    #[error("the mark cannot be signed: {0}")]
    Sign(String),
    /// The company's key is no point of P-256 in compressed form.
    #[error("that is no company's key")]
    CompanyKey,
    /// Writing failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<Broken> for Error {
    fn from(broken: Broken) -> Self {
        Self::Damaged(broken.to_string())
    }
}
