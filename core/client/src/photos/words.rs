//! What is said about photos wherever they are shown or printed.

use waymark_domain::photo::NoPlace;
use waymark_domain::photo::signals::{Sign, Signal};
use waymark_photo::Error;

use super::{FileState, NoPreview, Unsigned};
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

/// Why a stamped picture does not verify itself.
#[must_use]
pub const fn unsigned(why: Unsigned, lang: Lang) -> &'static str {
    match why {
        Unsigned::NotYours => lang.pick(
            "not signed: somebody else took it",
            "未签名：照片由他人拍摄",
        ),
        Unsigned::TimeOpen => lang.pick(
            "not signed: when it was taken is not known on both sides yet; sync, then export again",
            "未签名：拍摄时间范围尚未确定；同步后请重新导出",
        ),
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

/// What is noticed about a photo, in a sentence. `other` names the photo that it is about beside this one.
#[must_use]
pub fn signal(signal: &Signal, other: &str, lang: Lang) -> String {
    let value = signal.value;
    match (lang, signal.sign) {
        (Lang::En, Sign::UsedBefore) => format!("the same file as photo {other}"),
        (Lang::ZhHans, Sign::UsedBefore) => format!("与照片 {other} 是同一文件"),
        (Lang::En, Sign::LooksUsed) => format!(
            "it looks like photo {other} ({value} of 256 bits differ): the same picture again, or the same thing from the same spot"
        ),
        (Lang::ZhHans, Sign::LooksUsed) => {
            format!(
                "与照片 {other} 相似（256 位中 {value} 位不同）：同一照片，或同一角度的同一对象"
            )
        }
        (_, Sign::NothingToSee) => lang
            .pick(
                "there is next to nothing to see in it",
                "照片中几乎没有可辨内容",
            )
            .to_owned(),
        (Lang::En, Sign::OtherTime) => {
            format!("its camera's clock says {}", aside(value, lang))
        }
        (Lang::ZhHans, Sign::OtherTime) => {
            format!("相机时钟所记时间{}", aside(value, lang))
        }
        (Lang::En, Sign::OtherSatelliteTime) => {
            format!(
                "the satellites that its camera heard say {}",
                aside(value, lang)
            )
        }
        (Lang::ZhHans, Sign::OtherSatelliteTime) => {
            format!("相机记录的卫星时间{}", aside(value, lang))
        }
        (Lang::En, Sign::OtherPlace) => {
            format!("its camera says another place, {value} m away")
        }
        (Lang::ZhHans, Sign::OtherPlace) => format!("相机记录的地点在 {value} 米之外"),
        (_, Sign::NoCamera) => lang
            .pick(
                "no camera wrote its name into it",
                "照片中没有相机写入的型号",
            )
            .to_owned(),
        (Lang::En, Sign::TooFast) => {
            format!("from photo {other} to this one somebody moved at {value} m/s")
        }
        (Lang::ZhHans, Sign::TooFast) => {
            format!("从照片 {other} 到本张的移动速度达每秒 {value} 米")
        }
        (Lang::En, Sign::BroughtLater) => {
            format!(
                "taken {} before it was brought here, as its camera says",
                span(value, lang)
            )
        }
        (Lang::ZhHans, Sign::BroughtLater) => {
            format!("据相机记录，拍摄于导入之前 {}", span(value, lang))
        }
    }
}

/// How far from the time that is known, and on which side.
fn aside(seconds: i64, lang: Lang) -> String {
    let span = span(seconds, lang);
    match (lang, seconds < 0) {
        (Lang::En, true) => format!("{span} earlier"),
        (Lang::En, false) => format!("{span} later"),
        (Lang::ZhHans, true) => format!("早 {span}"),
        (Lang::ZhHans, false) => format!("晚 {span}"),
    }
}

/// How long, in the largest unit that leaves a number of two digits or so.
fn span(seconds: i64, lang: Lang) -> String {
    let seconds = seconds.unsigned_abs();
    let (value, en, zh) = match seconds {
        0..=119 => (seconds, "s", "秒"),
        120..=7_199 => (seconds / 60, "min", "分钟"),
        7_200..=172_799 => (seconds / 3_600, "h", "小时"),
        _ => (seconds / 86_400, "days", "天"),
    };
    format!("{value} {}", lang.pick(en, zh))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_time_is_earlier_or_later_in_both_languages() {
        let said = |sign, value, lang| {
            let other = None;
            signal(&Signal { sign, value, other }, "", lang)
        };
        for (value, en, zh) in [
            (-86_400 * 3, "3 days earlier", "早 3 天"),
            (7_300, "2 h later", "晚 2 小时"),
        ] {
            for sign in [Sign::OtherTime, Sign::OtherSatelliteTime] {
                assert!(said(sign, value, Lang::En).ends_with(en));
                assert!(said(sign, value, Lang::ZhHans).ends_with(zh));
            }
        }
    }
}
