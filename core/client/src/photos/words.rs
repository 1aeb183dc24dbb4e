//! What is said about photos wherever they are shown or printed.

use waymark_domain::photo::NoPlace;
use waymark_photo::Error;

use super::{FileState, NoPreview};
use crate::lang::Lang;

/// Why a photo has no position.
#[must_use]
pub const fn no_place(why: NoPlace, lang: Lang) -> &'static str {
    match why {
        NoPlace::OutsideWork => {
            lang.pick("no work session and no check-in", "不在工作时段内且无签到")
        }
        NoPlace::NoFix => lang.pick("no fix", "无定位"),
        NoPlace::NotTakenHere => lang.pick("not taken in the app", "非应用内拍摄"),
        NoPlace::Erased => lang.pick("deleted after its period", "保存期满已删除"),
        NoPlace::Unknown => lang.pick("not known", "未知"),
    }
}

/// Why a photo has no preview.
#[must_use]
pub const fn no_preview(why: NoPreview, lang: Lang) -> &'static str {
    match why {
        NoPreview::TooSmall => lang.pick(
            "the picture is too small for a stamp",
            "照片太小，放不下水印",
        ),
        NoPreview::TooLarge => lang.pick(
            "the picture has too many pixels to be made smaller here",
            "照片像素过多，无法在此缩小",
        ),
        NoPreview::Damaged => lang.pick("the picture is damaged", "照片已损坏"),
        NoPreview::Other => lang.pick("it could not be made", "无法生成"),
    }
}

/// Where the picture of a photo is, as far as is known here.
#[must_use]
pub const fn file_state(state: FileState, lang: Lang) -> &'static str {
    match state {
        FileState::Here => lang.pick(
            "kept on this phone; this version does not send pictures yet",
            "保存在本机；当前版本尚不上传照片文件",
        ),
        FileState::Elsewhere => lang.pick(
            "picture not here: it is on the phone that took it, and this version does not send pictures yet",
            "照片文件不在本机：仍在拍摄它的手机上，当前版本尚不上传照片文件",
        ),
        FileState::Missing => lang.pick(
            "the picture's file is gone from this phone; the record stays",
            "照片文件已从本机丢失；记录保留",
        ),
        FileState::Altered => lang.pick(
            "the picture's file was changed after it was taken and is not shown; the record stays",
            "照片文件在拍摄后被改动，不予显示；记录保留",
        ),
    }
}

impl From<&Error> for NoPreview {
    fn from(error: &Error) -> Self {
        match error {
            Error::TooSmall { .. } => Self::TooSmall,
            Error::FileTooLarge(_) | Error::PictureTooLarge { .. } => Self::TooLarge,
            Error::Damaged(_) => Self::Damaged,
            _ => Self::Other,
        }
    }
}
