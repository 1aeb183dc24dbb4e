//! The oracle's own idea of work sessions: what a step makes of one, in JSON and by hand.

use serde_json::{Map, Value, json};

/// What a step on a session comes to.
pub(crate) enum Stepped {
    /// Its new state or legs are in the body.
    Done,
    /// It was so already.
    Already,
    /// It cannot be.
    Impossible,
}

struct Leg {
    at: Value,
    mono: i64,
    boot: Value,
    used_ms: i64,
}

/// Does to a session what a command says.
pub(crate) fn step(body: &mut Map<String, Value>, op: &Value) -> Stepped {
    let (t, command) = (&op["t"], &op["cmd"]);
    let args = &command["args"];
    let open = body["state"]["is"] == "open";
    let limit = body["limit_min"].as_i64().unwrap_or_default() * 60_000;
    let leg = leg(body);
    let here = t["boot"] == leg.boot;
    let mono = t["mono"].as_i64().unwrap_or_default();
    let last = leg.mono + limit - leg.used_ms;
    let at = json!({ "lo": t["lo"], "hi": t["hi"], "cls": t["cls"], "wall": t["wall"] });
    match (command["name"].as_str(), open) {
        (Some("end"), false) => Stepped::Already,
        (Some("end"), true) => {
            let by = args["by"].as_str().unwrap_or_default();
            let mut ended = json!({ "is": "ended", "by": by });
            match by {
                "rep" => {
                    ended["at"] = at;
                    if here {
                        ended["mono"] = mono.clamp(leg.mono, last).into();
                    }
                }
                "limit" => {
                    let due = limit_at(body, limit, &leg);
                    let known = between(&t["hi"], &due["lo"]);
                    let in_time = if here {
                        mono >= last
                    } else {
                        known.is_none_or(|late| late >= 0)
                    };
                    if !in_time && !certainly_over(body, t, limit) {
                        return Stepped::Impossible;
                    }
                    ended["at"] = due;
                    ended["mono"] = last.into();
                }
                "reboot_unknown" => {
                    let seen = args["last_mono"].as_i64().unwrap_or(i64::MIN);
                    if here || seen < leg.mono || seen > last {
                        return Stepped::Impossible;
                    }
                    ended["at"] = later(&leg.at, seen - leg.mono);
                    ended["mono"] = seen.into();
                }
                _ => return Stepped::Impossible,
            }
            body.insert("state".to_owned(), ended);
            Stepped::Done
        }
        (Some("resume"), true) if here => Stepped::Already,
        (Some("resume"), true) => {
            let used = args["used_ms"].as_i64().unwrap_or(-1);
            if used < leg.used_ms || used >= limit || certainly_over(body, t, limit) {
                return Stepped::Impossible;
            }
            let legs = body.entry("resumed").or_insert_with(|| json!([]));
            let next = json!({ "at": at, "mono": mono, "boot": t["boot"], "used_ms": used });
            if let Some(legs) = legs.as_array_mut() {
                legs.push(next);
            }
            Stepped::Done
        }
        _ => Stepped::Impossible,
    }
}

/// The part that runs.
fn leg(body: &Map<String, Value>) -> Leg {
    let number = |value: Option<&Value>| value.and_then(Value::as_i64).unwrap_or_default();
    let legs = body.get("resumed").and_then(Value::as_array);
    match legs.and_then(|legs| legs.last()) {
        Some(leg) => Leg {
            at: leg["at"].clone(),
            mono: number(leg.get("mono")),
            boot: leg["boot"].clone(),
            used_ms: number(leg.get("used_ms")),
        },
        None => Leg {
            at: body["started"].clone(),
            mono: number(body.get("mono")),
            boot: body["boot"].clone(),
            used_ms: 0,
        },
    }
}

/// When the limit is over: by the whole session's own beginning or by its last leg, whichever comes first for certain.
fn limit_at(body: &Map<String, Value>, limit: i64, leg: &Leg) -> Value {
    let whole = later(&body["started"], limit);
    let rest = later(&leg.at, limit - leg.used_ms);
    match between(&rest["lo"], &whole["lo"]) {
        Some(gap) if gap >= 0 => whole,
        None if leg.at == body["started"] => whole,
        _ => rest,
    }
}

fn certainly_over(body: &Map<String, Value>, t: &Value, limit: i64) -> bool {
    between(&t["lo"], &body["started"]["hi"]).is_some_and(|passed| passed >= limit)
}

fn between(end: &Value, start: &Value) -> Option<i64> {
    Some(end.as_i64()? - start.as_i64()?)
}

/// An interval, later by `ms` of a clock that drifts by 50 ppm.
fn later(at: &Value, ms: i64) -> Value {
    let drift = ms.abs() / 1_000_000 * 50;
    let add = |end: &Value, spread: i64| end.as_i64().map(|end| end + ms + spread);
    json!({
        "lo": add(&at["lo"], -drift), "hi": add(&at["hi"], drift), "cls": at["cls"],
        "wall": at["wall"].as_i64().unwrap_or_default() + ms,
    })
}
