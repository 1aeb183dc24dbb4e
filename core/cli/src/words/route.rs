//! What is said about the order of a day.

use waymark_client::Lang;
use waymark_route::model::{MAX_BREAKS, MAX_PLACES};
use waymark_route::{Error, Fault};

super::sentences! {
    written(file) "Written: {file}." / "已写入：{file}。";
    shortest() "This is the best order there is; it is proven." / "这是最佳顺序，已经证明。";
    travel_gap(percent) "No order in time travels less than {percent} % below this one." / "任何准时的顺序，行程最多只能比它少 {percent} %。";
    lost_gap(percent) "No order in time gains more than {percent} % of all priority over this one." / "任何准时的顺序，优先级最多只能比它多出总量的 {percent} %。";
    late(seconds) "Not everything can be in time. This is the least late order that was found: {seconds} s in all." / "无法全部准时。这是找到的迟到最少的顺序：共 {seconds} 秒。";
    late_visit(name, seconds) "{name} is late by {seconds} s." / "{name} 迟到 {seconds} 秒。";
    late_break(number, seconds) "Break {number} is late by {seconds} s." / "第 {number} 次休息晚 {seconds} 秒。";
    late_end(seconds) "The day ends {seconds} s too late." / "一天的结束晚了 {seconds} 秒。";
    without(names) "Without these, all others can be in time: {names}." / "去掉以下拜访，其余都能准时：{names}。";
    named(place, name) "stop {place} ({name})" / "地点 {place}（{name}）";
    unnamed(place) "stop {place}" / "地点 {place}";

    too_many(count, most) "{count} places are too many: at most {most}" / "{count} 个地点过多：最多 {most} 个";
    too_large(megabytes) "The problem is larger than {megabytes} MB: more places than can be put in order" / "问题大于 {megabytes} MB：地点过多，无法排序";
    too_many_remedy() "Split the day" / "请拆分这一天";
    shape(stops, places) "There are {stops} entries for a matrix of {places} places" / "矩阵有 {places} 个地点，却给出了 {stops} 项";
    shape_remedy() "Give service, windows and prize one entry per place, and at least one place" / "请为每个地点各给出一项 service、windows 和 prize，且至少有一个地点";
    day_wrong() "depart or latest is out of range, or the day ends before it starts" / "depart 或 latest 超出范围，或一天在开始前就结束";
    break_wrong(number, most) "Break {number} is out of range, inverted or out of order, or there are more than {most}" / "第 {number} 次休息超出范围、前后颠倒或次序有误，或多于 {most} 次";
    no_such_place(stop) "There is no {stop}" / "没有{stop}";
    row_length(stop, count) "The row of {stop} has {count} travel times, not one per place" / "{stop}所在行有 {count} 个行程时间，并非每个地点一个";
    travel_wrong(stop) "A travel time from {stop} is negative, too long or no number" / "从{stop}出发的某个行程时间为负数、过长或不是数字";
    service_wrong(stop) "The service time of {stop} is negative, too long or no number" / "{stop}的停留时间为负数、过长或不是数字";
    priority_wrong(stop) "The priority of {stop} is negative, too high or no number" / "{stop}的优先级为负数、过高或不是数字";
    window_wrong(stop) "A window of {stop} is inverted, out of order, out of range or no number" / "{stop}的某个时段前后颠倒、次序有误、超出范围或不是数字";
    past(stop) "It is too late for {stop}: it closes for good before the day starts" / "{stop}已来不及：在一天开始前就已结束";
    past_remedy() "Leave it out, move it to another day, or start earlier" / "请去掉它、改到另一天，或提早出发";
    no_way(stop) "There is no way to {stop}, or none on from it" / "没有路到达{stop}，或无法从它继续前行";
    no_way_remedy() "Leave it out, or give a travel time" / "请去掉它，或给出行程时间";
    lock_wrong(stop) "The locked position of {stop} contradicts another, or names a stop that is not visited" / "{stop}的固定位置与其他的矛盾，或指向不拜访的地点";
    lock_remedy() "Free one of the locked stops" / "请放开其中一个固定的地点";
    change_wrong(stop) "{stop} is in the order already, or is not" / "{stop}已在顺序中，或不在其中";
    value_remedy() "Correct the value" / "请更正数值";
    not_a_problem(why) "This is no day to put in order ({why})" / "这不是可排序的一天（{why}）";
    not_a_problem_remedy() "Give JSON with at least a matrix of travel seconds" / "请提供 JSON，其中至少有行程秒数的矩阵";
}

/// A stop as a person knows it.
pub(crate) fn stop(lang: Lang, place: usize, name: Option<&str>) -> String {
    match name {
        Some(name) => named(lang, place, name),
        None => unnamed(lang, place),
    }
}

/// Cause and remedy.
pub(crate) fn error(lang: Lang, error: &Error, name: Option<&str>) -> (String, String) {
    match *error {
        Error::TooManyPlaces(count) => (too_many(lang, count, MAX_PLACES), too_many_remedy(lang)),
        Error::Shape { stops, places } => (shape(lang, stops, places), shape_remedy(lang)),
        Error::Day => (day_wrong(lang), value_remedy(lang)),
        Error::Break(number) => (
            break_wrong(lang, number + 1, MAX_BREAKS),
            value_remedy(lang),
        ),
        Error::Stop { stop: place, fault } => {
            let stop = stop(lang, place, name);
            match fault {
                Fault::NoSuchPlace => (no_such_place(lang, stop), value_remedy(lang)),
                Fault::RowLength(count) => (row_length(lang, stop, count), value_remedy(lang)),
                Fault::Travel => (travel_wrong(lang, stop), value_remedy(lang)),
                Fault::Service => (service_wrong(lang, stop), value_remedy(lang)),
                Fault::Priority => (priority_wrong(lang, stop), value_remedy(lang)),
                Fault::Window => (window_wrong(lang, stop), value_remedy(lang)),
                Fault::Past => (past(lang, stop), past_remedy(lang)),
                Fault::NoWay => (no_way(lang, stop), no_way_remedy(lang)),
                Fault::Lock => (lock_wrong(lang, stop), lock_remedy(lang)),
                Fault::Change => (change_wrong(lang, stop), value_remedy(lang)),
            }
        }
    }
}

/// For programs.
pub(crate) const fn code(error: &Error) -> &'static str {
    match error {
        Error::TooManyPlaces(_) => "too_many_places",
        Error::Shape { .. } => "wrong_shape",
        Error::Day => "day",
        Error::Break(_) => "break",
        Error::Stop { fault, .. } => match fault {
            Fault::NoSuchPlace => "no_such_place",
            Fault::RowLength(_) | Fault::Travel => "travel_time",
            Fault::Service => "service_time",
            Fault::Priority => "priority",
            Fault::Window => "window",
            Fault::Past => "past",
            Fault::NoWay => "no_way",
            Fault::Lock => "lock",
            Fault::Change => "change",
        },
    }
}
