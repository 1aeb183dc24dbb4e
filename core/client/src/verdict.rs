//! A verdict in words: what it is, the numbers behind it, why it is no better, and what would have made it so.

use waymark_domain::check_in::policy::Accept;
use waymark_domain::check_in::signals::{Sign, Signal};
use waymark_domain::check_in::verdict::{Reason, Verdict, WouldPass};
use waymark_domain::geo::fence::Side;

use crate::lang::Lang;

/// The verdict in one line, such as `inside, 96 %; 41 m from the door; fix 6 s old, ±14 m`. `accuracy_m` is the radius that was stated with the
/// fix, metres.
#[must_use]
pub fn summary(lang: Lang, verdict: &Verdict, accuracy_m: f64) -> String {
    let mut text = side(lang, verdict.side).to_owned();
    if let Some(ppm) = verdict.inside_ppm {
        text.push_str(match lang {
            Lang::En => ", ",
            Lang::ZhHans => "，",
        });
        text.push_str(&percent(ppm));
    }
    if let Some(door) = verdict.door_cm {
        let door = metres(lang, door);
        text.push_str(&match lang {
            Lang::En => format!("; {door} from the door"),
            Lang::ZhHans => format!("；距门口 {door}"),
        });
    }
    let age = seconds(verdict.age_ms);
    text.push_str(&match lang {
        Lang::En => format!("; fix {age} s old, ±{accuracy_m:.0} m"),
        Lang::ZhHans => format!("；定位于 {age} 秒前，±{accuracy_m:.0} 米"),
    });
    text
}

/// Why the verdict is no better, what would have made it so, and what was accepted or could be: a sentence each, none for a plain "inside".
#[must_use]
pub fn explanation(lang: Lang, verdict: &Verdict) -> Vec<String> {
    let mut lines: Vec<String> = verdict
        .reasons
        .iter()
        .map(|why| reason(lang, why, verdict))
        .collect();
    lines.extend(verdict.would_pass.map(|what| would_pass(lang, what)));
    if let Some(accept) = verdict.accepted {
        let with = accepted_with(lang, accept);
        lines.push(match lang {
            Lang::En => format!("accepted with {with}: it counts as a visit"),
            Lang::ZhHans => format!("凭{with}认可：计为一次拜访"),
        });
    } else if verdict.side == Side::Uncertain {
        let with: Vec<&str> = verdict
            .acceptable
            .iter()
            .map(|accept| accepted_with(lang, *accept))
            .collect();
        lines.push(match (lang, with.as_slice()) {
            (Lang::En, []) => "the company's policy accepts nothing else in its place: try again with a better fix".to_owned(),
            (Lang::ZhHans, []) => "公司规则不接受其他凭据：请在定位更准时重试".to_owned(),
            (Lang::En, with) => format!("it counts as a visit with {}", with.join(", or ")),
            (Lang::ZhHans, with) => format!("可凭{}计为拜访", with.join("，或")),
        });
    }
    lines
}

/// What was noticed about fixes and device: a sentence each with its weight, and their sum when there is any.
#[must_use]
pub fn signs(lang: Lang, verdict: &Verdict) -> Vec<String> {
    let mut lines: Vec<String> = verdict
        .signals
        .iter()
        .map(|signal| sign(lang, signal))
        .collect();
    if !lines.is_empty() {
        let score = verdict.score;
        lines.push(match (lang, verdict.flagged) {
            (Lang::En, true) => {
                format!("together {score} of 100: shown to the manager; the check-in stands")
            }
            (Lang::En, false) => format!("together {score} of 100: not flagged"),
            (Lang::ZhHans, true) => format!("合计 {score}/100：将提示主管；签到仍有效"),
            (Lang::ZhHans, false) => format!("合计 {score}/100：未标记"),
        });
    }
    lines
}

/// Inside, outside or uncertain.
#[must_use]
pub const fn side(lang: Lang, side: Side) -> &'static str {
    match side {
        Side::Inside => lang.pick("inside", "在范围内"),
        Side::Outside => lang.pick("outside", "在范围外"),
        Side::Uncertain => lang.pick("uncertain", "无法确定"),
    }
}

fn reason(lang: Lang, reason: &Reason, verdict: &Verdict) -> String {
    let share = verdict.inside_ppm.map_or_else(String::new, percent);
    match (lang, reason) {
        (Lang::En, Reason::TooCoarse) => {
            "the fix is too coarse for this place, wherever you stand in it".to_owned()
        }
        (Lang::ZhHans, Reason::TooCoarse) => "定位精度不足以判断此地点，无论您站在何处".to_owned(),
        (Lang::En, Reason::AtTheEdge) => {
            format!("near the edge: {share} of what the fix allows lies inside")
        }
        (Lang::ZhHans, Reason::AtTheEdge) => format!("靠近边缘：该定位有 {share} 的可能在范围内"),
        (Lang::En, Reason::TooFar { allowance_cm }) => format!(
            "{} beyond the edge, and the fix can be wrong by at most {}",
            metres(lang, verdict.gap_cm.unwrap_or_default()),
            metres(lang, *allowance_cm)
        ),
        (Lang::ZhHans, Reason::TooFar { allowance_cm }) => format!(
            "超出边缘 {}，而定位误差至多 {}",
            metres(lang, verdict.gap_cm.unwrap_or_default()),
            metres(lang, *allowance_cm)
        ),
        (Lang::En, Reason::NoPlace) => "nobody has recorded where this customer is".to_owned(),
        (Lang::ZhHans, Reason::NoPlace) => "尚未登记该客户的位置".to_owned(),
        (Lang::En, Reason::Stale { limit_ms }) => {
            format!(
                "the fix is {} s old; at most {} s decide",
                seconds(verdict.age_ms),
                seconds(*limit_ms)
            )
        }
        (Lang::ZhHans, Reason::Stale { limit_ms }) => {
            format!(
                "定位已过去 {} 秒；最多 {} 秒内有效",
                seconds(verdict.age_ms),
                seconds(*limit_ms)
            )
        }
        (Lang::En, Reason::CoarsePermission) => {
            "the app may only know an approximate place: allow the precise one in the settings"
                .to_owned()
        }
        (Lang::ZhHans, Reason::CoarsePermission) => {
            "应用仅获得大致位置权限：请在设置中允许精确位置".to_owned()
        }
        (Lang::En, Reason::ClosedHours) => "outside the hours at which visits count".to_owned(),
        (Lang::ZhHans, Reason::ClosedHours) => "不在计入拜访的时段内".to_owned(),
        (Lang::En, Reason::HoursUnknown) => {
            "the time is not verified, so the hours were not judged".to_owned()
        }
        (Lang::ZhHans, Reason::HoursUnknown) => "时间未经验证，未按时段判断".to_owned(),
        (Lang::En, Reason::StayTooShort { most_ms, wanted_ms }) => {
            format!(
                "stayed at most {} s of the {} s asked for",
                seconds(*most_ms),
                seconds(*wanted_ms)
            )
        }
        (Lang::ZhHans, Reason::StayTooShort { most_ms, wanted_ms }) => {
            format!(
                "最多停留 {} 秒，要求 {} 秒",
                seconds(*most_ms),
                seconds(*wanted_ms)
            )
        }
        (Lang::En, Reason::StayUnknown { wanted_ms }) => {
            format!(
                "the clocks do not tell whether the stay was {} s",
                seconds(*wanted_ms)
            )
        }
        (Lang::ZhHans, Reason::StayUnknown { wanted_ms }) => {
            format!("时钟无法证明停留已满 {} 秒", seconds(*wanted_ms))
        }
    }
}

fn would_pass(lang: Lang, what: WouldPass) -> String {
    match (lang, what) {
        (Lang::En, WouldPass::AccuracyM(metres)) => {
            format!("would pass here at ±{metres} m or better")
        }
        (Lang::ZhHans, WouldPass::AccuracyM(metres)) => {
            format!("若精度达到 ±{metres} 米或更好，即可通过")
        }
        (Lang::En, WouldPass::DoorM(metres)) => {
            format!("would pass with this fix within {metres} m of the door")
        }
        (Lang::ZhHans, WouldPass::DoorM(metres)) => {
            format!("以此精度，距门口 {metres} 米以内即可通过")
        }
    }
}

const fn accepted_with(lang: Lang, accept: Accept) -> &'static str {
    match accept {
        Accept::Reason => lang.pick("a stated reason", "说明的理由"),
        Accept::Photo => lang.pick("a photo taken there", "现场照片"),
        Accept::Bssid => lang.pick("the customer's Wi-Fi station", "客户的 Wi-Fi 站点"),
    }
}

fn sign(lang: Lang, signal: &Signal) -> String {
    let value = signal.value;
    let text = match (lang, signal.sign) {
        (Lang::En, Sign::Mock) => format!("an app supplied {value} of the fixes"),
        (Lang::ZhHans, Sign::Mock) => format!("有 {value} 个定位由应用提供"),
        (Lang::En, Sign::ExternalReceiver) => {
            format!("an external receiver supplied {value} of the fixes")
        }
        (Lang::ZhHans, Sign::ExternalReceiver) => format!("有 {value} 个定位来自外接接收机"),
        (Lang::En, Sign::Simulated) => format!("software simulated {value} of the fixes"),
        (Lang::ZhHans, Sign::Simulated) => format!("有 {value} 个定位由软件模拟"),
        (Lang::En, Sign::Frozen) => format!("{value} fixes without a centimetre between them"),
        (Lang::ZhHans, Sign::Frozen) => format!("{value} 个定位完全相同"),
        (Lang::En, Sign::ImpossiblePrecision) => {
            format!("an accuracy of {value} mm, finer than a phone's receiver has")
        }
        (Lang::ZhHans, Sign::ImpossiblePrecision) => {
            format!("精度 {value} 毫米，超出手机接收机能力")
        }
        (Lang::En, Sign::StaleFix) => format!("a fix {} s old", seconds(value)),
        (Lang::ZhHans, Sign::StaleFix) => format!("{} 秒前的定位", seconds(value)),
        (Lang::En, Sign::Teleport) => format!("a move at {value} m/s"),
        (Lang::ZhHans, Sign::Teleport) => format!("移动速度达每秒 {value} 米"),
        (Lang::En, Sign::ProvidersDisagree) => {
            format!("two providers {value} m farther apart than their accuracies explain")
        }
        (Lang::ZhHans, Sign::ProvidersDisagree) => {
            format!("两个定位来源相差 {value} 米，超出各自精度")
        }
        (Lang::En, Sign::TooFewSatellites) => {
            format!("so fine an accuracy from {value} satellites")
        }
        (Lang::ZhHans, Sign::TooFewSatellites) => format!("仅 {value} 颗卫星却有如此精度"),
        (Lang::En, Sign::Typed) => "the place was typed".to_owned(),
        (Lang::ZhHans, Sign::Typed) => "位置为手工输入".to_owned(),
        (Lang::En, Sign::GnssTimeDiffers) => {
            format!("the satellites' time differs by {} s", seconds(value))
        }
        (Lang::ZhHans, Sign::GnssTimeDiffers) => format!("卫星时间相差 {} 秒", seconds(value)),
        (Lang::En, Sign::ClockMoved) => {
            format!("the phone's clock was moved by {} s", seconds(value))
        }
        (Lang::ZhHans, Sign::ClockMoved) => format!("手机时钟被调整 {} 秒", seconds(value)),
        (_, Sign::ClocksDisagree) => lang
            .pick(
                "the sources of time contradict each other",
                "时间来源互相矛盾",
            )
            .to_owned(),
        (_, Sign::DeveloperOptions) => lang
            .pick("developer options are on", "已开启开发者选项")
            .to_owned(),
        (_, Sign::Rooted) => lang
            .pick(
                "the phone looks rooted or jailbroken",
                "手机疑似已 root 或越狱",
            )
            .to_owned(),
        (_, Sign::Emulator) => lang.pick("an emulator", "模拟器").to_owned(),
        (_, Sign::Cloned) => lang.pick("a second copy of the app", "应用分身").to_owned(),
    };
    format!("{text} (+{})", signal.weight)
}

/// Parts per million as a percentage that never rounds a doubt away: 100 % only for all of it.
fn percent(ppm: u32) -> String {
    match ppm {
        1_000_000.. => "100 %".to_owned(),
        990_000..1_000_000 => {
            let tenths = ppm / 1_000;
            format!("{}.{} %", tenths / 10, tenths % 10)
        }
        _ => format!("{} %", ppm / 10_000),
    }
}

fn metres(lang: Lang, centimetres: u64) -> String {
    let metres = centimetres.saturating_add(50) / 100;
    format!("{metres} {}", lang.pick("m", "米"))
}

fn seconds(ms: i64) -> i64 {
    ms / 1_000
}

#[cfg(test)]
mod tests {
    use waymark_domain::policy::PolicyRef;

    use super::*;

    fn verdict(side: Side) -> Verdict {
        Verdict {
            rules: 1,
            policy: PolicyRef::default(),
            side,
            inside_ppm: Some(962_000),
            fix: 0,
            age_ms: 6_400,
            sigma_cm: 927,
            fence: Some(0),
            door_cm: Some(4_120),
            gap_cm: Some(0),
            reasons: Vec::new(),
            would_pass: None,
            accepted: None,
            acceptable: Vec::new(),
            signals: Vec::new(),
            score: 0,
            flagged: false,
        }
    }

    #[test]
    fn an_inside_is_one_line_with_its_numbers() {
        let verdict = verdict(Side::Inside);
        assert_eq!(
            summary(Lang::En, &verdict, 14.0),
            "inside, 96 %; 41 m from the door; fix 6 s old, ±14 m"
        );
        assert_eq!(
            summary(Lang::ZhHans, &verdict, 14.0),
            "在范围内，96 %；距门口 41 米；定位于 6 秒前，±14 米"
        );
        assert!(explanation(Lang::En, &verdict).is_empty() && signs(Lang::En, &verdict).is_empty());
    }

    #[test]
    fn an_uncertain_one_says_why_what_would_pass_and_what_it_can_be_accepted_with() {
        let verdict = Verdict {
            reasons: vec![Reason::TooCoarse],
            would_pass: Some(WouldPass::AccuracyM(80)),
            acceptable: vec![Accept::Photo, Accept::Reason],
            ..verdict(Side::Uncertain)
        };
        assert_eq!(
            explanation(Lang::En, &verdict),
            [
                "the fix is too coarse for this place, wherever you stand in it",
                "would pass here at ±80 m or better",
                "it counts as a visit with a photo taken there, or a stated reason",
            ]
        );
        assert_eq!(
            explanation(Lang::ZhHans, &verdict)[1],
            "若精度达到 ±80 米或更好，即可通过"
        );
    }

    #[test]
    fn no_percentage_rounds_a_doubt_away() {
        for (ppm, text) in [
            (1_000_000, "100 %"),
            (999_999, "99.9 %"),
            (990_000, "99.0 %"),
            (9_999, "0 %"),
            (849_999, "84 %"),
        ] {
            assert_eq!(percent(ppm), text);
        }
    }
}
