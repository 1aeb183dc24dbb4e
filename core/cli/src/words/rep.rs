//! What a rep's commands say.

super::sentences! {
    // states and marks
    planned() "planned" / "已计划";
    in_progress() "in progress" / "进行中";
    done() "done" / "已完成";
    skipped() "skipped" / "已跳过";
    unknown_state(name) "{name} (newer version)" / "{name}（新版本）";
    customer_gone() "(a customer no longer here)" / "（客户已不在此）";
    unsent() "not sent yet" / "未上传";
    unsent_mark() "unsent" / "未上传";

    // time
    times_are_local(offset) "Times are local, UTC{offset}." / "时间为本地时间，UTC{offset}。";
    weekday_monday() "Monday" / "星期一";
    weekday_tuesday() "Tuesday" / "星期二";
    weekday_wednesday() "Wednesday" / "星期三";
    weekday_thursday() "Thursday" / "星期四";
    weekday_friday() "Friday" / "星期五";
    weekday_saturday() "Saturday" / "星期六";
    weekday_sunday() "Sunday" / "星期日";

    // today
    day_head(day, weekday, user) "{day}, {weekday} - {user}" / "{day}，{weekday} - {user}";
    no_visits(day) "No visits on {day}. Plan one: waymark visit plan CUSTOMER" / "{day} 没有拜访。计划拜访：waymark visit plan 客户";
    day_progress(done, all) "{done} of {all} visits are over." / "共 {all} 次拜访，已结束 {done} 次。";
    current_visit(customer, since) "Now at {customer}, since {since}." / "正在拜访 {customer}，开始于 {since}。";
    no_current_visit() "No visit is in progress." / "当前没有进行中的拜访。";
    footer(pending, attention) "Pending: {pending}. Needs attention: {attention}." / "待上传：{pending}。需处理：{attention}。";
    see_attention() "See: waymark attention" / "查看：waymark attention";
    col_state() "State" / "状态";
    col_time() "Time" / "时间";
    col_customer() "Customer" / "客户";
    col_address() "Address" / "地址";
    col_id() "Id" / "编号";
    col_category() "Category" / "类别";
    col_sync() "Sync" / "同步";

    // enrolling
    enrolled(name, company, role) "Enrolled as {name} of {company} ({role})." / "已登记：{name}，{company}（{role}）。";
    enrol_next() "Next: waymark sync" / "下一步：waymark sync";
    role_rep() "rep" / "销售代表";
    role_manager() "manager" / "主管";
    role_admin() "admin" / "管理员";

    // customers
    no_customers() "No customers here. Fetch them: waymark sync" / "没有客户。获取客户：waymark sync";
    nothing_found(text) "Nothing fits \"{text}\"." / "没有与“{text}”相符的客户。";
    more_customers(limit) "Only the first {limit} are shown; see more with --limit." / "仅显示前 {limit} 个；可用 --limit 查看更多。";
    customer_added(name, id) "Added {name} ({id}). Saved on this device." / "已添加 {name}（{id}）。已保存在本设备。";
    customer_changed(name) "Changed {name}. Saved on this device." / "已修改 {name}。已保存在本设备。";
    customer_unchanged(name) "{name} is like that already; nothing to save." / "{name} 已是如此，无需保存。";
    field_address() "Address" / "地址";
    field_phone() "Phone" / "电话";
    field_hours() "Hours" / "营业时间";
    field_category() "Category" / "类别";
    field_tags() "Tags" / "标签";
    field_owner() "Owner" / "负责人";
    field_position() "Position" / "位置";
    field_external() "External id" / "外部编号";
    field_id() "Id" / "编号";
    field_day() "Day" / "日期";
    field_state() "State" / "状态";
    field_reason() "Reason" / "原因";
    owner_you() "you" / "您";
    owner_nobody() "nobody" / "无";
    latest_visits() "Latest visits" / "最近的拜访";
    latest_notes() "Latest notes" / "最近的记录";
    check_ins() "Check-ins" / "签到";
    notes() "Notes" / "记录";
    none_yet() "none" / "无";

    // visits
    visit_planned(customer, day) "Planned {customer} for {day}. Saved on this device." / "已计划于 {day} 拜访 {customer}。已保存在本设备。";
    visit_started(customer) "Started the visit at {customer}. Saved on this device." / "已开始拜访 {customer}。已保存在本设备。";
    visit_started_unplanned(customer)
        "No visit at {customer} was planned for today: started an unplanned one. Saved on this device." /
        "今天没有拜访 {customer} 的计划，已开始一次计划外拜访。已保存在本设备。";
    visit_finished(customer, stay) "Finished the visit at {customer}: {stay}. Saved on this device." / "已结束拜访 {customer}：{stay}。已保存在本设备。";
    visit_skipped(customer) "Skipped the visit at {customer}. Saved on this device." / "已跳过拜访 {customer}。已保存在本设备。";
    visit_moved(customer, day) "Moved the visit at {customer} to {day}. Saved on this device." / "已将拜访 {customer} 改到 {day}。已保存在本设备。";
    visit_on_that_day(day) "It is on {day} already; nothing to save." / "该拜访已在 {day}，无需保存。";
    note_written(customer) "Wrote the note on {customer}. Saved on this device." / "已写入关于 {customer} 的记录。已保存在本设备。";
    checked_in(accuracy, datum) "Checked in, ±{accuracy} m stated, {datum}. Saved on this device." / "已签到，标称精度 ±{accuracy} 米，{datum}。已保存在本设备。";
    check_in_started() "The visit was only planned: it begins with this check-in." / "该拜访原为计划状态，随签到开始。";
    verdict_line(summary) "Verdict: {summary}" / "结论：{summary}";
    verdict_preview(summary) "Would be: {summary} (nothing was saved)" / "将判为：{summary}（未保存）";
    verdict_policy(version) "Judged by policy version {version}." / "依据规则版本 {version}。";
    verdict_built_in() "Judged by the rules built in; the company has published none." / "依据内置规则；公司尚未发布规则。";
    checked_out() "Checked out; the visit is over." / "已签退，拜访结束。";
    evidence_written(ops, from, to, receipts, file) "{ops} operations ({from} to {to}) with {receipts} receipts written to {file}." / "已将 {ops} 个操作（{from} 至 {to}）及 {receipts} 份回执写入 {file}。";
    shift_damaged(count)
        "{count} positions of it were damaged on this device before they were packed; they are kept as they are." /
        "其中 {count} 个位置在打包前于本设备上受损，已原样保留。";
    positions_withheld()
        "Where it was is shown for a purpose alone (--purpose), and the rep will read it." /
        "位置仅在说明目的（--purpose）后显示，对方会看到。";
    check_in_withheld(time, accuracy) "{time}  ±{accuracy} m" / "{time}  ±{accuracy} 米";
    track_waits(why) "The last positions of the work session wait, the rest is sent: {why}" / "工作时段的最后位置暂留，其余内容照常上传：{why}";
    policy_version(version) "Policy of check-ins, version {version}" / "签到规则，版本 {version}";
    policy_built_in() "Policy of check-ins: built in" / "签到规则：内置";
    policy_published(version) "Published as version {version}; every device has it after its next sync." / "已发布为版本 {version}；各设备下次同步后生效。";
    policy_remark(text) "Why: {text}" / "原因：{text}";
    fence_added(count) "The customer has {count} door(s) and outline(s) now." / "该客户现有 {count} 个门口和轮廓。";
    no_position() "The customer has no position yet." / "该客户尚无位置。";
    not_a_sample(text) "{text} is no fix: write LAT,LON,ACCURACY or LAT,LON,ACCURACY,AGE" / "{text} 不是定位：请写作 纬度,经度,精度 或 纬度,经度,精度,秒数";
    not_a_sample_remedy() "Correct it and try again" / "请更正后重试";
    not_an_outline() "The file holds no GeoJSON polygon" / "文件中没有 GeoJSON 多边形";
    not_an_outline_remedy() "Draw one polygon without holes, and try again" / "请绘制一个无孔的多边形后重试";
    check_in_line(time, lat, lon, datum, accuracy) "{time}  {lat}, {lon} {datum} ±{accuracy} m" / "{time}  {lat}, {lon} {datum} ±{accuracy} 米";

    // work sessions, tracks, privacy
    shift_none() "There was no work session on this device yet." / "本设备上还没有工作时段。";
    shift_open(started, until) "Work session open since {started}; it ends by itself at {until}." / "工作时段已开启，开始于 {started}；最迟于 {until} 自动结束。";
    shift_unconfirmed(started)
        "Work session since {started}: the device was restarted. Still at work? waymark shift resume; else waymark shift end" /
        "工作时段开始于 {started}：设备曾重启。仍在工作请运行 waymark shift resume，否则运行 waymark shift end";
    shift_ended(started, ended) "Work session from {started} to {ended}, ended by you." / "工作时段 {started} 至 {ended}，由您结束。";
    shift_ended_limit(started, ended, minutes) "Work session from {started} to {ended}, ended by itself after {minutes} minutes." / "工作时段 {started} 至 {ended}，满 {minutes} 分钟后自动结束。";
    shift_ended_reboot(started, ended) "Work session from {started} to {ended}, cut by a restart of the device." / "工作时段 {started} 至 {ended}，因设备重启而中断。";
    shift_ended_otherwise(started) "Work session since {started}, ended." / "工作时段开始于 {started}，已结束。";
    col_positions() "Positions" / "位置数";
    col_bytes() "Bytes" / "字节";
    privacy_head(from, to) "What was collected about you from {from} to {to}" / "{from} 至 {to} 期间采集的关于您的内容";
    privacy_check_ins() "Check-ins" / "签到";
    privacy_tracks() "Tracks" / "轨迹";
    privacy_kept_back() "Tracks that stay on your phone" / "留在您手机上的轨迹";
    privacy_calls() "Calls for help" / "求助";
    privacy_photos() "Photos" / "照片";
    look_exceptions() "when you were observed" / "您被观测到的时间";
    privacy_why(purpose) "  Why: {purpose}." / "  目的：{purpose}。";
    privacy_kept(days) "  Kept for {days} days after the server received it, then emptied." / "  服务器收到后保存 {days} 天，之后清除。";
    privacy_nothing() "  Nothing." / "  无。";
    privacy_seen_by(names) "May be seen by: {names}" / "可查看者：{names}";
    privacy_nobody_looked() "Nobody looked." / "没有人查看过。";
    look_track() "your track" / "您的轨迹";
    look_check_in() "your check-ins" / "您的签到";
    look_live() "where you were just then" / "您当时的位置";
    look_unknown() "something (newer version)" / "其他内容（新版本）";
    looked(when, who, what, day, purpose) "{when}  {who} looked at {what} of {day}: {purpose}" / "{when}  {who} 查看了 {day} {what}：{purpose}";

    // sync and status
    syncing_with(url) "Syncing with {url}" / "正在与 {url} 同步";
    sync_progress(settled, pending, fetched, calls) "  {settled} settled, {pending} pending, {fetched} fetched, {calls} calls" / "  已确认 {settled}，待上传 {pending}，已获取 {fetched}，请求 {calls} 次";
    sync_done(settled, fetched) "Synced. {settled} operations settled, {fetched} changes fetched." / "同步完成。确认 {settled} 项操作，获取 {fetched} 项变更。";
    sync_traffic(sent, received, calls) "{sent} bytes sent, {received} bytes received, {calls} calls." / "发送 {sent} 字节，接收 {received} 字节，请求 {calls} 次。";
    sync_left(pending) "{pending} operations still wait." / "仍有 {pending} 项操作等待上传。";
    attention_left(count) "{count} operations need you: waymark attention" / "{count} 项操作需要处理：waymark attention";
    upgrade_needed() "The server asks for a newer app: your work is taken, but no changes come until then." / "服务器要求更新应用：您的工作会被接收，但更新前不会收到变更。";
    count_created() "created" / "已创建";
    count_acknowledged() "acknowledged" / "已确认";
    count_pending() "pending" / "待上传";
    count_attention() "needs attention" / "需处理";
    count_lost() "lost to a damaged disk" / "因存储损坏丢失";
    balances(created, acknowledged, pending, attention, lost)
        "It balances: {created} = {acknowledged} + {pending} + {attention} + {lost}." /
        "账目相符：{created} = {acknowledged} + {pending} + {attention} + {lost}。";
    does_not_balance(created, sum)
        "It does NOT balance: {created} created, {sum} accounted for. This is a bug: please report it." /
        "账目不符：已创建 {created}，可核对 {sum}。这是程序缺陷，请反馈。";
    status_head(user, company, device) "{user}, {company}, device {device}" / "{user}，{company}，设备 {device}";
    status_server(url) "Server: {url}" / "服务器：{url}";
    read_only() "A newer version of the app wrote this database: it is only read, and what is pending is sent." / "此数据库由更新版本的应用写入：仅可查看，并上传待发内容。";

    // attention
    attention_none() "Nothing needs you." / "没有需要处理的内容。";
    attention_ways(op) "  waymark attention retry {op}   (do it again)   or   waymark attention dismiss {op}   (let it go)" / "  waymark attention retry {op}（重做）或 waymark attention dismiss {op}（放弃）";
    attention_retried() "Done again on top of the record as it is now. Saved on this device; it goes with the next sync." / "已在记录的当前内容上重做。已保存在本设备，下次同步时上传。";
    attention_dismissed() "Let go. What you did stays in the history." / "已放弃。您的操作仍保留在历史中。";
    why_clash() "others changed the same" / "他人也修改了相同内容";
    why_out_of_scope() "the record is no longer yours to change" / "该记录已不再由您负责";
    why_dependency() "something that it builds on needs attention first" / "它所依赖的内容需先处理";
    why_other() "a person has to decide" / "需要人工决定";
    why_rejected() "the server refused it" / "服务器已拒绝";
    why_vaulted() "the server could not read it; its bytes are kept" / "服务器无法读取，原始内容已保留";
    why_damaged() "its bytes were damaged on this device; they are kept" / "其内容在本设备上受损，已保留";
    clash_line(field, seen, yours, theirs) "    {field}: you saw {seen}, you gave {yours}, it is {theirs}" / "    {field}：您看到 {seen}，您改为 {yours}，现为 {theirs}";
    act_create() "create" / "新建";
    act_append() "write" / "写入";
    act_patch() "change" / "修改";
    act_delete() "delete" / "删除";
    act_command() "step" / "步骤";
    step_start() "start" / "开始";
    step_finish() "finish" / "结束";
    step_skip() "skip" / "跳过";
    kind_customer() "customer" / "客户";
    kind_visit() "visit" / "拜访";
    kind_note() "note" / "记录";
    kind_check_in() "check-in" / "签到";

    // import and export
    imported(count) "Imported {count} customers. Saved on this device; they go with the next sync." / "已导入 {count} 个客户。已保存在本设备，下次同步时上传。";
    nothing_imported() "Nothing new to import." / "没有新的内容可导入。";
    would_import(count) "{count} customers would be imported. Nothing was saved (--dry-run)." / "将导入 {count} 个客户。未保存任何内容（--dry-run）。";
    already_here(count) "{count} rows are here already and were left as they are." / "{count} 行已存在，保持不变。";
    wrong_row(row, column, why) "row {row}: {column} {why}" / "第 {row} 行：{column} {why}";
    wrong_row_no_column(row, why) "row {row} {why}" / "第 {row} 行{why}";
    exported(lines, path) "{lines} lines written to {path}." / "已将 {lines} 行写入 {path}。";

    // what opening found
    notice_migrated(version) "The database was brought up to date (from version {version})." / "数据库已更新（原版本 {version}）。";
    notice_rescued() "The database was damaged. What could be read of it was saved into a fresh one; the damaged file lies beside it." / "数据库曾损坏。可读取的内容已存入新数据库，损坏的文件保留在旁边。";
    notice_damaged(count) "{count} operations were damaged on this device and were set aside: waymark attention" / "{count} 项操作在本设备上受损，已另行保留：waymark attention";

    // errors
    error_line(message) "Error: {message}." / "错误：{message}。";
    remedy_line(remedy) "{remedy}." / "{remedy}。";
    saved_line() "Your work is saved." / "您的工作已保存。";
    no_such_file(path) "There is no file {path}" / "没有文件 {path}";
    no_such_file_remedy() "Check the path" / "请检查路径";
    not_an_op() "That is no operation's id" / "这不是操作编号";
    not_an_op_remedy() "Copy it from: waymark attention" / "请从 waymark attention 中复制";
    half_a_position() "A position needs --lat, --lon and --datum together" / "位置需要同时给出 --lat、--lon 和 --datum";
    half_a_position_remedy() "Give all three, or none" / "请三项都给出，或都不给";
    not_a_position() "That is no position: latitude lies within 90 degrees, longitude within 180" / "位置无效：纬度应在 90 度以内，经度应在 180 度以内";
    not_a_position_remedy() "Correct the degrees" / "请更正度数";
    nothing_to_change() "Nothing was given to change" / "没有给出要修改的内容";
    nothing_to_change_remedy() "Name a field: waymark customer edit --help" / "请指定字段：waymark customer edit --help";
    no_visit_in_progress() "No visit is in progress" / "当前没有进行中的拜访";
    no_visit_in_progress_remedy() "Start one, or name the visit" / "请先开始一次拜访，或指定拜访";
    no_home() "There is no home folder to keep the database in" / "没有可存放数据库的主目录";
    no_home_remedy() "Say where with --db FILE" / "请用 --db 文件 指定位置";
    usage_remedy() "See --help" / "请参阅 --help";
    internal_remedy() "Report it with this text" / "请附此内容反馈";
}
