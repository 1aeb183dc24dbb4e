//! What is said about a photo that was verified.

use chrono::DateTime;
use waymark_client::Lang;
use waymark_photo::{Checked, Geometry, Measure, Picture, Place, Said, Verdict, Vouched};

super::sentences! {
    authentic() "AUTHENTIC. Every byte of the file is as the device signed it." / "真实。文件的每个字节都与设备签名时一致。";
    picture_authentic() "PICTURE AUTHENTIC. The picture is bit for bit as the device signed it; what stands beside it in the file (EXIF and the like) was changed or taken away." / "画面真实。画面与设备签名时逐位相同；文件中的附加信息（EXIF 等）被改动或删除。";
    recompressed(cells) "A COPY, NOT EDITED as far as can be measured. It was encoded anew or made smaller; {cells} parts of the picture are as bright as the device signed them." / "副本，在可测范围内未见修改。照片被重新编码或缩小；画面的 {cells} 个部分与设备签名时亮度一致。";
    edited(different, cells) "EDITED. {different} of {cells} parts of the picture are not as the device signed them." / "已被修改。画面的 {cells} 个部分中有 {different} 个与设备签名时不符。";
    edited_at(place, left, right, top, bottom) "  {place}: {left} to {right} % from the left, {top} to {bottom} % from the top" / "  {place}：距左 {left}% 至 {right}%，距上 {top}% 至 {bottom}%";
    other_picture(different, cells) "NOT THIS PICTURE. {different} of {cells} parts differ: the code belongs to another picture, or nearly all of this one was changed." / "不是这张照片。{cells} 个部分中有 {different} 个不符：二维码属于另一张照片，或画面几乎全被修改。";
    proportions(width, height, there_width, there_height) "CUT OR STRETCHED. Width and height do not fit: {width} x {height} was signed, {there_width} x {there_height} is there. What is left cannot be compared." / "被裁剪或拉伸。宽高不符：签名时为 {width} x {height}，现为 {there_width} x {there_height}。剩余部分无法比对。";
    moved() "CUT, TURNED OR PUT TOGETHER. The code does not stand where it was signed. What is there cannot be compared." / "被裁剪、旋转或拼接。二维码不在签名时的位置。现有画面无法比对。";
    changed() "CHANGED. The file is not as the device signed it, and it has no code that would tell a copy from an edit." / "已被改动。文件与设备签名时不符，且没有可区分副本与修改的二维码。";
    signature_wrong() "NOT PROVEN. There is a mark, and its signature is wrong." / "未能证明。照片带有标记，但签名有误。";
    unreadable() "NOT PROVEN. There is a code, and what it says cannot be." / "未能证明。照片带有二维码，但其内容不成立。";
    several() "NOT PROVEN. There are several codes, and not exactly one of them stands where it says." / "未能证明。有多个二维码，其中在自述位置上的不是恰好一个。";
    no_mark() "NOT PROVEN. No mark was found: the photo was not signed, or it is too small or too blurred to read the code." / "未能证明。没有找到标记：照片未签名，或太小、太模糊而读不出二维码。";
    measured(largest, threshold) "Largest difference in brightness: {largest} of 256 levels; from {threshold} on a part counts as edited." / "最大亮度差：256 级中的 {largest} 级；超过 {threshold} 级的部分算作被修改。";
    limits() "A change that keeps the brightness of its surroundings (a few letters, a blur, a colour) can escape: the table in core/docs/photo.md says how often." / "不改变周围亮度的修改（几个字、模糊、颜色）可能漏检：比率见 core/docs/photo.md 中的表格。";
    band() "The text on the band is not compared: in a copy only what is said here is signed." / "水印带上的文字未作比对：对于副本，只有此处所述内容经过签名。";
    vouched() "The company vouches for the device." / "公司为此设备担保。";
    not_checked() "Nobody vouches for the device: give the company's key with --key." / "无人为此设备担保：请用 --key 提供公司密钥。";
    not_vouched() "Nobody vouches for the device: the photo was made before the company had." / "无人为此设备担保：照片生成时公司尚未担保。";
    vouched_wrong() "This company does not vouch for the device." / "该公司没有为此设备担保。";
    device(device) "Device {device}" / "设备 {device}";
    time(from, to) "Taken between {from} and {to}" / "拍摄时间在 {from} 与 {to} 之间";
    verdict_met() "Check-in: at the customer's" / "签到：在客户处";
    verdict_not_met() "Check-in: elsewhere" / "签到：不在客户处";
    verdict_unverified() "Check-in: could not be decided" / "签到：无法判定";
    head(n, hash) "The device's last operation before it: {n}, SHA-256 {hash}" / "此前设备的最后一个操作：{n}，SHA-256 {hash}";
    position(lat, lon) "Taken at {lat}, {lon} (WGS-84)" / "拍摄位置 {lat}, {lon}（WGS-84）";
    scene() "A signature proves which key signed which picture. It does not prove that the scene was real." / "签名只证明哪个密钥签署了哪张照片，不证明现场真实。";
    upper_left() "upper left" / "左上";
    upper() "top" / "上方";
    upper_right() "upper right" / "右上";
    left() "left" / "左侧";
    middle() "middle" / "中间";
    right() "right" / "右侧";
    lower_left() "lower left" / "左下";
    lower() "bottom" / "下方";
    lower_right() "lower right" / "右下";
}

/// All that a photo came to.
pub(crate) fn told(lang: Lang, checked: &Checked) -> Vec<String> {
    let mut lines = picture(lang, &checked.picture);
    match checked.vouched {
        Vouched::Yes => lines.push(vouched(lang)),
        Vouched::NotChecked => lines.push(not_checked(lang)),
        Vouched::Not => lines.push(not_vouched(lang)),
        Vouched::Wrong => lines.push(vouched_wrong(lang)),
        Vouched::Nothing => {}
    }
    if let Some(said) = &checked.said {
        lines.extend(facts(lang, said));
        lines.push(scene(lang));
    }
    lines
}

fn picture(lang: Lang, picture: &Picture) -> Vec<String> {
    match picture {
        Picture::Authentic => vec![authentic(lang)],
        Picture::PictureAuthentic => vec![picture_authentic(lang)],
        Picture::Recompressed { measure } => {
            vec![
                recompressed(lang, measure.cells),
                numbers(lang, measure),
                band(lang),
                limits(lang),
            ]
        }
        Picture::Edited { measure, places } => {
            let mut lines = vec![edited(lang, measure.different, measure.cells)];
            lines.extend(places.iter().map(|place| {
                let Place {
                    left,
                    top,
                    right,
                    bottom,
                    ..
                } = place;
                edited_at(lang, word(lang, place), left, right, top, bottom)
            }));
            lines.push(numbers(lang, measure));
            lines
        }
        Picture::OtherPicture { measure } => {
            vec![other_picture(lang, measure.different, measure.cells)]
        }
        Picture::Geometry {
            differs: Geometry::Proportions,
            signed,
            found,
        } => vec![proportions(lang, signed.0, signed.1, found.0, found.1)],
        Picture::Geometry {
            differs: Geometry::Place,
            ..
        } => vec![moved(lang)],
        Picture::Changed => vec![changed(lang)],
        Picture::SignatureWrong => vec![signature_wrong(lang)],
        Picture::Unreadable => vec![unreadable(lang)],
        Picture::Several => vec![several(lang)],
        Picture::NoMark => vec![no_mark(lang)],
    }
}

fn numbers(lang: Lang, measure: &Measure) -> String {
    let levels = |sixteenths: i32| f64::from(sixteenths) / 16.0;
    measured(
        lang,
        format!("{:.1}", levels(measure.largest)),
        levels(measure.threshold),
    )
}

fn word(lang: Lang, place: &Place) -> String {
    match place.thirds() {
        (0, 0) => upper_left(lang),
        (1, 0) => upper(lang),
        (_, 0) => upper_right(lang),
        (0, 1) => left(lang),
        (1, 1) => middle(lang),
        (_, 1) => right(lang),
        (0, _) => lower_left(lang),
        (1, _) => lower(lang),
        _ => lower_right(lang),
    }
}

fn facts(lang: Lang, said: &Said) -> Vec<String> {
    let utc = |ms: i64| {
        DateTime::from_timestamp_millis(ms).map_or_else(
            || ms.to_string(),
            |at| at.format("%F %T%.3f UTC").to_string(),
        )
    };
    let mut lines = vec![
        time(lang, utc(said.time.from_ms), utc(said.time.to_ms)),
        device(lang, said.device),
        head(lang, said.n, &said.head),
    ];
    match said.verdict {
        Verdict::None => {}
        Verdict::Met => lines.push(verdict_met(lang)),
        Verdict::NotMet => lines.push(verdict_not_met(lang)),
        Verdict::Unverified => lines.push(verdict_unverified(lang)),
    }
    if let Some(at) = &said.position {
        lines.push(position(
            lang,
            format!("{:.6}", at.lat),
            format!("{:.6}", at.lon),
        ));
    }
    lines
}
