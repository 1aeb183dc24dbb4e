//! What the demo says.

super::sentences! {
    step(number, of, seconds, text) "[{number}/{of}] {seconds} s  {text}" / "[{number}/{of}] {seconds} 秒  {text}";
    detail(text) "        {text}" / "        {text}";
    folder(path) "Artefacts: {path}" / "成果文件：{path}";
    credit() "Places: © OpenStreetMap contributors, ODbL 1.0. Recordings: trackintel (MIT), gpxo (BSD-3-Clause). Pictures: Pillow (MIT-CMU), exifr (MIT)." / "地点数据：© OpenStreetMap contributors，ODbL 1.0。轨迹：trackintel（MIT）、gpxo（BSD-3-Clause）。照片：Pillow（MIT-CMU）、exifr（MIT）。";

    step_server() "The office starts a server, and a network that can fail in front of it" / "启动服务器，并在其前面放置会出故障的网络";
    at_addresses(server, proxy) "server {server}, network {proxy}" / "服务器 {server}，网络 {proxy}";
    step_enrol() "An admin, a manager and two reps enrol their devices with one-time codes" / "一位管理员、一位主管和两位销售代表用一次性登记码登记设备";
    step_import() "The manager imports real places and syncs" / "主管导入真实地点并同步";
    imported(count, city, rep) "{count} places in {city} for {rep}" / "{city} 的 {count} 个地点，归 {rep}";
    step_bootstrap() "The reps fetch their customers and plan their day" / "销售代表获取客户并计划一天的拜访";
    bootstrapped(rep, customers, visits) "{rep}: {customers} customers fetched, {visits} visits planned and sent" / "{rep}：获取 {customers} 个客户，计划并上传 {visits} 次拜访";
    recording(rep, place, date, shift, city, stretch)
        "{rep} goes along a real recording of {place} ({date}), moved by one constant shift of {shift} to {city} (east-west distances {stretch} %)" /
        "{rep} 沿 {place}（{date}）的真实轨迹行走，整体平移 {shift} 到 {city}（东西向距离 {stretch}%）";
    recording_day(day) "All happens on {day}; times of day and pace are the recordings', the date of the second one is moved to this day" / "一切发生在 {day}；时刻和节奏来自轨迹，第二条轨迹的日期移到这一天";
    step_offline() "The network goes away" / "网络中断";
    refused(rep, message, saved) "{rep} tries to sync: {message}. {saved}" / "{rep} 尝试同步：{message}。{saved}";
    step_boris() "Boris works his day without a network" / "Boris 在没有网络的情况下工作一天";
    worked(rep, ops, visits) "{rep}: {ops} operations saved, {visits} visits over" / "{rep}：已保存 {ops} 项操作，结束 {visits} 次拜访";
    step_office() "Meanwhile the manager, who has a network, changes some of the same things" / "与此同时，有网络的主管修改了部分相同内容";
    office_changes() "a phone number, a name, the owner of one customer, and skips one planned visit" / "一个电话、一个名称、一个客户的负责人，并跳过一次计划的拜访";
    step_kill() "Anna works in a process of its own, which is killed (SIGKILL) in the middle of a stop" / "Anna 在独立进程中工作，进程在中途被强制结束（SIGKILL）";
    killed(reported, saved) "killed after it had reported {reported} operations as saved; the database has {saved}: nothing reported is missing" / "结束前已报告保存 {reported} 项操作；数据库中有 {saved} 项：已报告的无一缺失";
    step_anna() "The database is opened again and Anna goes on" / "重新打开数据库，Anna 继续工作";
    step_sync(percent, seed) "The network comes back badly: {percent} % of all requests are lost, cut, repeated or lose their answer (seed {seed})" / "网络恢复但很差：{percent}% 的请求会丢失、中断、重复或丢失应答（种子 {seed}）";
    rounds(rep, rounds, failed, seconds, codes) "{rep}: {rounds} rounds, {failed} failed{codes}, {seconds} s of back-off by the virtual clock" / "{rep}：{rounds} 轮，失败 {failed} 轮{codes}，虚拟时钟退避 {seconds} 秒";
    faults(lost, cut_requests, lost_answers, cut_answers, repeated) "requests lost {lost}, requests cut {cut_requests}, answers lost {lost_answers}, answers cut {cut_answers}, requests repeated {repeated}" / "请求丢失 {lost}，请求中断 {cut_requests}，应答丢失 {lost_answers}，应答中断 {cut_answers}，请求重复 {repeated}";
    step_attention() "The reps settle what needs them" / "销售代表处理需要处理的内容";
    settled(rep, what, how) "{rep}: {what} → {how}" / "{rep}：{what} → {how}";
    how_retry() "done again" / "重做";
    how_dismiss() "let go" / "放弃";
    no_attention(rep) "{rep}: nothing" / "{rep}：无";
    step_proof() "The verdicts of Anna's day, and the bundle that proves them with the company's key alone" / "Anna 当天的签到结论，以及仅凭公司密钥即可证明的证据文件";
    no_such_verdict(name, side) "{name}'s day has no verdict \"{side}\"" / "{name} 当天没有“{side}”的结论";
    proof_file(file) "{file}:" / "{file}：";
    photos(count, name, file)
        "{count} photos, kept on {name}'s phone; the hash of each original is in its signed operation. One, stamped of its untouched original: {file}" /
        "{count} 张照片保存在 {name} 的手机上；每张原图的哈希都在其签名操作中。据未改动的原图生成的一张水印照片：{file}";
    no_photo(name) "{name} took no photo" / "{name} 没有拍照";
    not_proven(name) "The bundle of {name}'s day does not prove it" / "{name} 当天的证据文件未能证明";
    step_ledger() "The ledger" / "账目";

    on_devices() "On the devices" / "设备端";
    on_server() "\nOn the server" / "\n服务器端";
    copies() "\nCopies" / "\n副本";
    col_device() "device" / "设备";
    col_created() "created" / "已创建";
    col_acknowledged() "acknowledged" / "已确认";
    col_pending() "pending" / "待上传";
    col_attention() "needs attention" / "需处理";
    col_balanced() "balanced" / "账目相符";
    col_sound() "database sound" / "数据库完好";
    col_of() "from" / "来自";
    col_stored() "stored" / "已存";
    col_applied() "applied" / "已执行";
    col_merged() "merged" / "已合并";
    col_review() "review" / "待复核";
    col_rejected() "rejected" / "已拒绝";
    col_duplicates() "duplicates" / "重复";
    col_missing() "missing" / "缺失";
    col_chain() "same chain" / "链一致";
    col_copy() "copy of" / "副本";
    col_scopes() "scopes" / "范围";
    col_records() "records" / "记录";
    col_digests() "digests equal" / "摘要一致";
    yes() "yes" / "是";
    no() "NO" / "否";
    totals(ops, calls, faults, up, down) "{ops} operations, {calls} requests of the reps, {faults} faults, {up} bytes up and {down} bytes down through the bad network (heads included)" / "{ops} 项操作，销售代表请求 {calls} 次，故障 {faults} 次，经恶劣网络上行 {up} 字节、下行 {down} 字节（含头部）";
    by_manager(up, down) "manager: {up} bytes up, {down} bytes down (bodies)" / "主管：上行 {up} 字节，下行 {down} 字节（正文）";
    adds_up(seconds) "✓ Every operation of every device is on the server exactly once, and every copy is equal. {seconds} s." / "✓ 每台设备的每项操作都在服务器上恰好一次，所有副本一致。{seconds} 秒。";
    does_not_add_up(what) "It does NOT add up ({what})" / "账目不符（{what}）";
    where_to_look(path) "Look at them: waymark --db {path} today --day 2012-12-18" / "查看：waymark --db {path} today --day 2012-12-18";

    worker_not_killed(status, reports) "the worker was not killed at work ({status}, {reports} reports)" / "工作进程未在工作中被结束（{status}，{reports} 条报告）";
    worker_lost(missing, reported, saved) "after the kill {missing} of {reported} reported operations are missing ({saved} saved)" / "结束后 {reported} 项已报告操作中缺失 {missing} 项（已保存 {saved}）";
    stuck(name, rounds) "{name} is not through after {rounds} rounds" / "{name} 在 {rounds} 轮后仍未完成";
    still_open(name) "{name}'s database is still in use" / "{name} 的数据库仍在使用";
    not_offline(name) "{name} reached the server although the network was away" / "网络已中断，{name} 却连上了服务器";
}
