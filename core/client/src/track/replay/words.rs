//! The words of the page.

use waymark_domain::geo::Datum;
use waymark_domain::track::GapReason;

use super::{MarkKind, Verdict};
use crate::lang::Lang;
use crate::when::offset;

/// A text in both languages.
pub(super) struct Both(pub(super) &'static str, pub(super) &'static str);

impl Both {
    pub(super) const fn pick(&self, lang: Lang) -> &'static str {
        lang.pick(self.0, self.1)
    }
}

pub(super) const WHEN: Both = Both("Time", "时间");
pub(super) const PICTURE: Both = Both(
    "The way of the day. Stops, gaps and check-ins are listed in the tables below.",
    "当天路线图。停留、空缺和签到见下方表格。",
);
pub(super) const NOWHERE: Both = Both("no position", "无位置");
pub(super) const STOPS: Both = Both("Stops", "停留");
pub(super) const SO_MANY_STOPS: Both = Both("stops", "处停留");
pub(super) const SO_MANY_GAPS: Both = Both("gaps", "处空缺");
pub(super) const GAPS: Both = Both("Gaps", "空缺");
pub(super) const MARKS: Both = Both("Check-ins and visits", "签到与拜访");
pub(super) const NO_STOPS: Both = Both("No stops.", "没有停留。");
pub(super) const NO_POINTS: Both = Both("No positions were recorded.", "没有记录到位置。");
pub(super) const WAY: Both = Both("seen on the way", "已记录里程");
pub(super) const POINTS: Both = Both("positions", "个位置点");
pub(super) const FROM: Both = Both("From", "开始");
pub(super) const TO: Both = Both("To", "结束");
pub(super) const LASTED: Both = Both("Lasted", "时长");
pub(super) const UNSURE: Both = Both("Give or take", "误差");
pub(super) const PLACE: Both = Both("Place", "地点");
pub(super) const UNSEEN: Both = Both("Not observed", "未观测");
pub(super) const WHY: Both = Both("Why", "原因");
pub(super) const AT: Both = Both("At", "时刻");
pub(super) const WHAT: Both = Both("What", "事项");
pub(super) const FOUND: Both = Both("Place check", "位置核对");
pub(super) const OPEN_END: Both = Both("no position after it", "之后无位置");

/// Why there is a gap, in words.
#[must_use]
pub const fn reason_text(reason: GapReason, lang: Lang) -> &'static str {
    match reason {
        GapReason::NoFix => lang.pick("no signal", "无信号"),
        GapReason::PermissionOff => lang.pick("location permission taken away", "定位权限已关闭"),
        GapReason::LocationOff => lang.pick("location switched off", "定位服务已关闭"),
        GapReason::BatterySaver => lang.pick("stopped by the battery saver", "被省电模式停止"),
        GapReason::PhoneOff => lang.pick("phone off", "手机关机"),
        GapReason::AppKilled => lang.pick("app ended by the system", "应用被系统结束"),
        GapReason::PausedByRep => lang.pick("paused by the rep", "由业务员暂停"),
        GapReason::OutsideShift => lang.pick("outside the work session", "不在工作时段"),
        GapReason::Sparing => lang.pick("no customer near, battery spared", "附近无客户，节电"),
        GapReason::Unknown => lang.pick("reason not recorded", "原因未记录"),
    }
}

pub(super) const fn kind_text(kind: MarkKind, lang: Lang) -> &'static str {
    match kind {
        MarkKind::CheckIn => lang.pick("Check-in", "签到"),
        MarkKind::CheckOut => lang.pick("Check-out", "签退"),
        MarkKind::VisitStart => lang.pick("Visit begins", "拜访开始"),
        MarkKind::VisitEnd => lang.pick("Visit ends", "拜访结束"),
        MarkKind::Other => lang.pick("Entry", "记录"),
    }
}

pub(super) const fn verdict_text(verdict: Verdict, lang: Lang) -> &'static str {
    match verdict {
        Verdict::Inside => lang.pick("at the customer's", "在客户处"),
        Verdict::Outside => lang.pick("not at the customer's", "不在客户处"),
        Verdict::Uncertain => lang.pick("cannot be decided", "无法判定"),
    }
}

pub(super) const fn verdict_class(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Inside) => "good",
        Some(Verdict::Outside) => "bad",
        Some(Verdict::Uncertain) => "doubt",
        None => "",
    }
}

pub(super) fn credit(datum: Option<Datum>, utc_offset_min: i16, lang: Lang) -> String {
    let offset = offset(utc_offset_min);
    let datum = match datum {
        None | Some(Datum::Wgs84) => "WGS-84",
        Some(Datum::Gcj02) => "GCJ-02",
        Some(Datum::Bd09) => "BD-09",
    };
    match lang {
        Lang::En => format!(
            "Drawn by Waymark from the device's own recording. Positions in {datum}; no map of others is used. Dashed: nothing was recorded there, and no distance is counted. Times are UTC{offset}."
        ),
        Lang::ZhHans => format!(
            "由 Waymark 根据设备自身记录绘制。坐标系 {datum}，未使用第三方地图。虚线表示没有记录，不计入里程。时间为 UTC{offset}。"
        ),
    }
}

/// A length of time: `1 h 05 min`.
pub(super) fn lasted(ms: i64, lang: Lang) -> String {
    let seconds = ms.max(0) / 1000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let (h, min, s) = match lang {
        Lang::En => (" h ", " min", " s"),
        Lang::ZhHans => (" 小时 ", " 分钟", " 秒"),
    };
    if seconds < 60 {
        format!("{seconds}{s}")
    } else if hours == 0 {
        format!("{minutes}{min}")
    } else {
        format!("{hours}{h}{minutes:02}{min}")
    }
}
