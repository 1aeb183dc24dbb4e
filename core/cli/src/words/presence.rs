//! Sentences about gaps, tracks that stay on the phone, and calls for help.

use super::sentences;

sentences! {
    // exceptions
    report_head(name, day) "{name}, {day}" / "{name}，{day}";
    report_none() "No work session began on that day." / "当天没有开始的工作时段。";
    report_sum(share, observed, session) "Observed: {share} ({observed} of {session})." / "已观测：{share}（{session}中的 {observed}）。";
    report_na() "Observed: n/a, there is no session with a track." / "已观测：不适用，没有记录轨迹的工作时段。";
    report_session(from, until, share) "Session {from}–{until}: {share} observed" / "工作时段 {from}–{until}：已观测 {share}";
    report_running(from, until, share) "Session {from}–{until}, still open: {share} observed" / "工作时段 {from}–{until}，尚未结束：已观测 {share}";
    report_untracked(from, until) "Session {from}–{until}: tracks are off, nothing to observe" / "工作时段 {from}–{until}：未启用轨迹，无观测内容";
    report_no_gaps() "  No gap." / "  无中断。";
    gap(from, until, cause) "  {from}–{until}  {cause}" / "  {from}–{until}  {cause}";
    gap_note(text) "      \"{text}\"" / "      “{text}”";
    share(whole, tenths) "{whole}.{tenths} %" / "{whole}.{tenths}%";
    no_share() "n/a" / "不适用";
    duration(hours, minutes) "{hours} h {minutes} min" / "{hours} 小时 {minutes} 分钟";
    cause_no_fix() "the receiver was on and found no position" / "定位已开启，但未获得位置";
    cause_permission() "permission to use the position revoked" / "位置权限被撤销";
    cause_location_off() "location was switched off for the whole device" / "设备的定位服务被关闭";
    cause_battery_saver() "the battery saver stopped the recording" / "省电模式停止了记录";
    cause_phone_off() "the phone was off or restarted" / "手机关机或重启";
    cause_app_killed() "the system ended the app" / "系统结束了应用";
    cause_paused() "paused by the rep" / "由销售代表暂停";
    cause_sparing() "the app asked for no position: no customer was near" / "附近没有客户，应用未获取位置";
    cause_outside() "no work session was open" / "没有开启的工作时段";
    cause_none() "cause not recorded" / "未记录原因";
    explained(from, until) "Explained the gap {from}–{until}. Saved on this device; it stands beside the gap." / "已说明 {from}–{until} 的中断。已保存在本设备，将显示在该中断旁。";
    explain_how() "To say what a gap was about: waymark shift explain --from HH:MM TEXT" / "说明中断情况：waymark shift explain --from HH:MM 内容";

    // tracks that stay on the phone
    hidden(from, until, count)
        "{from}–{until}  {count} fixes; where they are stays on the rep's phone" /
        "{from}–{until}  {count} 个定位，位置留在对方手机上";
    opened(count, file) "{count} fixes opened in {file}. All others stay shut." / "已在 {file} 中公开 {count} 个定位，其余均未公开。";
    leaf(time, lat, lon, datum, accuracy) "{time}  {lat}, {lon} {datum} ±{accuracy} m" / "{time}  {lat}, {lon} {datum} ±{accuracy} 米";
    leaf_bad(index, why) "Fix {index}: {why}" / "定位 {index}：{why}";
    why_no_segment() "no operation of the bundle tells of its segment" / "证据文件中没有其所属轨迹段的操作";
    why_other_segment() "the bundle tells of another root for its segment" / "证据文件中该轨迹段的根不同";
    why_unreadable() "its salt or proof does not read" / "盐值或证明无法识别";
    why_not_a_fix() "what was hashed is no fix" / "被哈希的内容不是定位";
    why_other_root() "it does not lead to the root" / "无法推得该根";
    check_proven(count, all) "Proven: {count} fixes stand in the tracks that the phone committed to then; {all} fixes are in those segments." / "已证明：{count} 个定位属于手机当时承诺的轨迹；这些轨迹段共有 {all} 个定位。";
    check_not_proven() "NOT proven." / "未能证明。";
    not_an_opening(path) "{path} holds no opened fixes" / "{path} 不含已公开的定位";
    not_an_opening_remedy() "Give a file that waymark track open has written" / "请给出由 waymark track open 写出的文件";

    // calls for help
    sos_size(units, parts) "{units} characters, {parts} message(s). Recorded; it goes with the next sync." / "{units} 个字符，{parts} 条短信。已记录，下次同步时上传。";
    sos_not_saved(units, parts, why) "{units} characters, {parts} message(s). It could not be recorded on this device: {why}." / "{units} 个字符，{parts} 条短信。未能在本设备上记录：{why}。";
    sos_to() "To get a link that opens it in the phone's messages, give --to NUMBER." / "如需可在手机短信中打开的链接，请给出 --to 号码。";
}
