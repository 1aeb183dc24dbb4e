//! What is said about photographs.

use waymark_client::Lang;
use waymark_photo::{Error, Why};

super::sentences! {
    in_place(file) "Stamped: {file}. Outside the stamp no pixel changed." / "已加水印：{file}。水印以外的像素没有改变。";
    made(file, width, height) "Written: {file}, {width} x {height} pixels." / "已写入：{file}，{width} x {height} 像素。";
    reencoded(file, why) "Stamped: {file}. The whole photo had to be encoded anew: {why}." / "已加水印：{file}。整张照片已重新编码：{why}。";
    sealed(kilobytes) "The original is sealed inside ({kilobytes} KB); waymark photo restore gives it back." / "原图已封存在文件内（{kilobytes} KB），可用 waymark photo restore 还原。";
    not_sealed() "The original is not sealed inside: only a photo that is stamped in place can give it back." / "原图未封存：只有原位加水印的照片才能还原原图。";
    not_printed(key) "{key} has a value, and the template has no line for it." / "{key} 已有内容，但水印样式中没有对应的一行。";
    missing_field(key, reason) "No value for {key}: {reason}." / "{key} 没有内容：{reason}。";
    missing_glyphs(characters) "No font has: {characters}. A square is drawn for each." / "字体缺字：{characters}。各以方框代替。";
    exif_left() "The photo's EXIF data is damaged or full and was not changed; time and position stand in the stamp alone." / "照片的 EXIF 数据已损坏或已满，未作改动；时间和位置只在水印中。";
    restored(file, hash) "The original is back: {file}\nSHA-256 {hash}" / "原图已还原：{file}\nSHA-256 {hash}";
    key_made(file) "Key written to {file}. Whoever has it can see what stamps cover; without it nobody can." / "密钥已写入 {file}。持有者可以看到水印遮盖的内容，没有它则无人能看。";

    why_not_jpeg() "it is no JPEG" / "不是 JPEG";
    why_progressive() "it is a progressive JPEG" / "是渐进式 JPEG";
    why_arithmetic() "it is an arithmetic-coded JPEG" / "是算术编码的 JPEG";
    why_other() "it is coded in an unusual way" / "编码方式特殊";
    why_tables() "its code tables have no room for letters" / "其码表没有容纳文字的空间";
    why_structure() "its structure is unusual or damaged" / "其结构特殊或已损坏";
    why_asked() "this was asked for" / "按要求生成";

    too_large() "The photo is too large" / "照片过大";
    too_large_remedy() "Take it with fewer pixels" / "请降低拍摄像素";
    unknown_format() "The file is no photo of a known kind" / "该文件不是可识别的照片";
    unknown_format_remedy() "Give a JPEG, PNG or WebP file" / "请提供 JPEG、PNG 或 WebP 文件";
    heic() "HEIC photos cannot be read: there is no free decoder that can be trusted with hostile files" / "无法读取 HEIC 照片：没有可放心处理恶意文件的免费解码器";
    heic_remedy() "Set the camera to JPEG (Most Compatible), or export the photo as JPEG" / "请将相机设为 JPEG（兼容性最佳），或将照片导出为 JPEG";
    unsupported(kind) "{kind} pictures cannot be read" / "无法读取 {kind} 图片";
    damaged(why) "The photo is damaged ({why})" / "照片已损坏（{why}）";
    damaged_remedy() "Take it again, or give an undamaged copy" / "请重新拍摄，或提供未损坏的副本";
    too_small(width, height) "The photo is too small for the stamp: {width} x {height} pixels" / "照片太小，放不下水印：{width} x {height} 像素";
    too_small_remedy() "Use --mode canvas, or a template with fewer fields" / "请使用 --mode canvas，或字段更少的样式";
    stamped_already() "The photo is stamped already" / "照片已有水印";
    stamped_already_remedy() "Stamp the original: waymark photo restore" / "请对原图加水印：waymark photo restore";
    template_wrong(why) "The template is wrong ({why})" / "水印样式有误（{why}）";
    template_remedy() "Correct the template" / "请更正样式";
    value_wrong(which) "{which} is out of range" / "{which} 超出范围";
    value_remedy() "Correct the value" / "请更正数值";
    font_wrong() "The font cannot be read" / "无法读取字体";
    font_remedy() "Give a TrueType or OpenType font" / "请提供 TrueType 或 OpenType 字体";
    nothing_sealed() "The photo carries no sealed original" / "照片中没有封存的原图";
    nothing_sealed_remedy() "Only photos that were stamped with --key give their original back" / "只有用 --key 加水印的照片才能还原";
    seal_damaged() "The sealed original is damaged or incomplete" / "封存的原图已损坏或不完整";
    seal_damaged_remedy() "Use the file as it was written: messengers and photo tools strip or change it" / "请使用写出时的文件：聊天软件和图片工具会删改其内容";
    wrong_key() "The key does not fit, or the sealed original was changed" / "密钥不符，或封存的原图已被改动";
    wrong_key_remedy() "Give the key with which the photo was stamped" / "请提供加水印时使用的密钥";
    changed() "The photo was changed after it was stamped, so its original cannot be given back" / "照片在加水印后被改动，无法还原原图";
    not_a_key(path) "{path} is no key: 64 hexadecimal digits" / "{path} 不是密钥：应为 64 位十六进制数字";
    not_a_key_remedy() "Make one with waymark photo key" / "请用 waymark photo key 生成";
    not_a_value(pair) "That is no value: {pair}" / "内容无效：{pair}";
    not_a_value_remedy() "Give key=value; a time as 2026-03-02T09:30:00+01:00, numbers as such, a source as camera, gallery or other_app" / "请给出 键=值；时间如 2026-03-02T09:30:00+08:00，数字直接写，source 为 camera、gallery 或 other_app";
    signed() "Signed: with the company's key anyone can verify this photo, and smaller copies of it, by waymark verify." / "已签名：凭公司密钥，任何人都可用 waymark verify 验证此照片及其缩小的副本。";
    signed_without_code() "Signed, but there is no room for a code that could be read from a smaller copy: only this file can be verified." / "已签名，但照片太小，放不下可从缩小副本中读出的二维码：只有此文件可以验证。";
    not_vouched_yet() "The company has not vouched for this device yet: sync once, and sign photos after that." / "公司尚未为此设备担保：请先同步一次，再为照片签名。";
    no_bounds() "A photo can be signed only with its time and how far off that may be" / "签名需要照片的时间及其误差范围";
    no_bounds_remedy() "Give --set time=2026-03-02T09:30:00+01:00 and --set time_plus_minus=SECONDS" / "请给出 --set time=2026-03-02T09:30:00+08:00 和 --set time_plus_minus=秒数";
    not_a_verdict(word) "{word} is no verdict of a check-in" / "{word} 不是签到结论";
    not_a_verdict_remedy() "Give verdict=met, not_met or unverified" / "请给出 verdict=met、not_met 或 unverified";
    sign_failed(why) "The device's key could not sign ({why})" / "设备密钥无法签名（{why}）";
    sign_failed_remedy() "Unlock the device and try again" / "请解锁设备后重试";
    company_key_wrong() "That is no company's key" / "这不是公司密钥";
    company_key_remedy() "Give what waymark evidence key prints at the company" / "请提供公司处 waymark evidence key 给出的密钥";
    not_facts(why) "The facts cannot be read ({why})" / "无法读取照片信息（{why}）";
    not_facts_remedy() "Correct the file given with --facts" / "请更正 --facts 指定的文件";
    over_input(path) "{path} is the photo itself" / "{path} 就是照片本身";
    over_input_remedy() "Name another file for the result" / "请为结果指定另一个文件";
    file_there(path) "{path} is there already" / "{path} 已存在";
    file_there_remedy() "Name a file that is not there yet" / "请指定尚不存在的文件";
}

/// Why a photo was encoded anew.
pub(crate) fn why(lang: Lang, why: Why) -> String {
    match why {
        Why::NotJpeg => why_not_jpeg(lang),
        Why::Progressive => why_progressive(lang),
        Why::Arithmetic => why_arithmetic(lang),
        Why::OtherCoding | Why::Depth | Why::Components | Why::Sampling | Why::Scans => {
            why_other(lang)
        }
        Why::Tables => why_tables(lang),
        Why::Structure => why_structure(lang),
        Why::Canvas | Why::Copy => why_asked(lang),
    }
}

/// Cause and remedy.
pub(crate) fn error(lang: Lang, error: &Error) -> (String, String) {
    match error {
        Error::FileTooLarge(_) | Error::PictureTooLarge { .. } => {
            (too_large(lang), too_large_remedy(lang))
        }
        Error::UnknownFormat => (unknown_format(lang), unknown_format_remedy(lang)),
        Error::Heic => (heic(lang), heic_remedy(lang)),
        Error::Unsupported(kind) => (unsupported(lang, kind), unknown_format_remedy(lang)),
        Error::Damaged(why) => (damaged(lang, why), damaged_remedy(lang)),
        Error::TooSmall { width, height } => {
            (too_small(lang, width, height), too_small_remedy(lang))
        }
        Error::AlreadyStamped => (stamped_already(lang), stamped_already_remedy(lang)),
        Error::Template(why) => (template_wrong(lang, why), template_remedy(lang)),
        Error::Value(which) => (value_wrong(lang, which), value_remedy(lang)),
        Error::Font => (font_wrong(lang), font_remedy(lang)),
        Error::NotSealed => (nothing_sealed(lang), nothing_sealed_remedy(lang)),
        Error::SealDamaged => (seal_damaged(lang), seal_damaged_remedy(lang)),
        Error::WrongKey => (wrong_key(lang), wrong_key_remedy(lang)),
        Error::Changed => (changed(lang), seal_damaged_remedy(lang)),
        Error::Sign(why) => (sign_failed(lang, why), sign_failed_remedy(lang)),
        Error::CompanyKey => (company_key_wrong(lang), company_key_remedy(lang)),
        Error::Io(error) => (error.to_string(), super::rep::internal_remedy(lang)),
    }
}

/// For programs.
pub(crate) const fn code(error: &Error) -> &'static str {
    match error {
        Error::FileTooLarge(_) | Error::PictureTooLarge { .. } => "photo_too_large",
        Error::UnknownFormat => "unknown_format",
        Error::Heic => "heic",
        Error::Unsupported(_) => "unsupported_format",
        Error::Damaged(_) => "photo_damaged",
        Error::TooSmall { .. } => "photo_too_small",
        Error::AlreadyStamped => "stamped_already",
        Error::Template(_) => "template",
        Error::Value(_) => "out_of_range",
        Error::Font => "font",
        Error::NotSealed => "not_sealed",
        Error::SealDamaged => "seal_damaged",
        Error::WrongKey => "wrong_key",
        Error::Changed => "photo_changed",
        Error::Sign(_) => "sign",
        Error::CompanyKey => "company_key",
        Error::Io(_) => "io",
    }
}
