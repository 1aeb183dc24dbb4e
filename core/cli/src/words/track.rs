//! Sentences about tracks.

use super::sentences;

sentences! {
    fed(kept, read) "Kept {kept} of {read} fixes in the open session." / "已在当前工作时段中保存 {read} 个定位中的 {kept} 个。";
    simulated() "The recording was moved in time to end now: a simulation of the sensors, and every fix says so." / "录制内容的时间已移至现在：这是传感器模拟，每个定位都会注明。";
    before(count) "{count} fixes lie before the session and were left out." / "{count} 个定位早于工作时段，未保存。";
    others(count) "{count} fixes are none, and were left out." / "{count} 个定位无效，未保存。";
    untimed(count) "{count} fixes have no time, and were left out." / "{count} 个定位没有时间，未保存。";
    squeezed(thousandths) "Its time was shortened to {thousandths}/1000 to fit: speeds in it are not real." / "其时长已压缩到 {thousandths}/1000，其中的速度不真实。";
    noted() "That you look, and what for, is written down; the rep will read it." / "您的查看及目的已记录，对方会看到。";
    none(day) "No track on {day}." / "{day} 没有轨迹。";
    sum(recorded, pieces, bytes) "{recorded} fixes recorded, in {pieces} pieces, {bytes} bytes packed." / "已记录 {recorded} 个定位，共 {pieces} 段，压缩后 {bytes} 字节。";
    damaged(count)
        "{count} positions of the open session were damaged on this device: they are kept as they are, and missing here." /
        "当前工作时段有 {count} 个位置在本设备上受损：原样保留，此处不含。";
    unknown_where() "No position: no work session is open, or nothing was recorded in it." / "没有位置：没有开启的工作时段，或其中没有记录。";
    line(time, lat, lon, datum, accuracy) "{time}  {lat}, {lon} {datum} ±{accuracy} m" / "{time}  {lat}, {lon} {datum} ±{accuracy} 米";
    live(seconds) "Live: at most {seconds} s old." / "实时：不超过 {seconds} 秒。";
    old(minutes) "Not live: up to {minutes} min old." / "非实时：可能已有 {minutes} 分钟。";
    age_unknown() "Not live: its age is not known." / "非实时：无法确定其时间。";
    col_from() "From" / "从";
    col_until() "Until" / "到";
    col_points() "Points" / "点数";
    col_gaps() "Gaps" / "中断";
    col_error() "Worst error" / "最大误差";

    // stays
    stays() "At customers" / "在客户处";
    no_stays(fences) "At none of the {fences} fences that were watched." / "未进入所关注的 {fences} 个围栏。";
    stops() "Stops" / "停留点";
    no_stops() "No stops of five minutes or more." / "没有五分钟以上的停留。";
    col_entered() "Came" / "到达";
    col_left() "Left" / "离开";
    col_stay() "Stay" / "停留";
    col_unseen() "Not observed" / "未观测";
    col_place() "Place" / "地点";
    at_latest(time) "by {time}" / "不晚于 {time}";
    not_left() "still there when the track ends" / "轨迹结束时仍在";
    minutes(least, most) "{least}–{most} min" / "{least}–{most} 分钟";
    minutes_from(least) "{least} min or more" / "{least} 分钟以上";
    minutes_exactly(minutes) "{minutes} min" / "{minutes} 分钟";
    way(km, off) "Way that was seen: {km} ± {off} km." / "已记录里程：{km} ± {off} 公里。";

    // files
    exported(points, file) "{points} points written to {file}, in WGS-84." / "已将 {points} 个点以 WGS-84 写入 {file}。";
    replayed(file) "Replay written to {file}. It needs no network: open it in a browser." / "回放已写入 {file}，无需网络，用浏览器打开即可。";
    replay_title(name, day) "{name}, {day}" / "{name}，{day}";
    file_there(path) "There is a file at {path} already" / "{path} 处已有文件";
    file_there_remedy() "Give another name, or --force to replace it" / "请另取文件名，或用 --force 覆盖";
    no_format(path) "The name {path} does not say the format" / "文件名 {path} 看不出格式";
    no_format_remedy() "End it in .gpx or .geojson, or say --format" / "请以 .gpx 或 .geojson 结尾，或给出 --format";

    // advice
    advise_planned(name, metres) "Next: {name}, {metres} m to its fence; a visit of today." / "下一站：{name}，距围栏 {metres} 米；今日拜访。";
    advise_own(name, metres) "No visit is left today. Nearest of your customers: {name}, {metres} m to its fence." / "今日已无待拜访。最近的自有客户：{name}，距围栏 {metres} 米。";
    advise_inside(name) "Inside the fence of {name}." / "位于 {name} 的围栏内。";
    advise_nothing() "Nobody is to be visited, and you have no customer: ask for no position." / "没有待拜访的客户，也没有自有客户：无需获取位置。";
    advise_ask(seconds, accuracy, metres)
        "Ask for the next position in {seconds} s ({accuracy}), or once moved by {metres} m." /
        "{seconds} 秒后（{accuracy}）或移动 {metres} 米后再获取位置。";
    accuracy_low() "radio cells will do" / "基站定位即可";
    accuracy_balanced() "Wi-Fi and cells" / "Wi-Fi 和基站";
    accuracy_high() "satellites" / "卫星定位";
}
