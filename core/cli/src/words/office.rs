//! What the office's commands say.

super::sentences! {
    listening(url) "Listening on {url}" / "正在监听 {url}";
    data_in(path) "Data in {path}" / "数据位于 {path}";
    first_start(name, company, code) "First start of {company}. One-time code for {name}, the admin: {code}" / "{company} 首次启动。管理员 {name} 的一次性登记码：{code}";
    how_to_enrol(url, code) "Enrol with: waymark enroll --server {url} --code {code}" / "登记命令：waymark enroll --server {url} --code {code}";
    code_lives(days) "The code works once, within {days} days." / "登记码仅可使用一次，{days} 天内有效。";
    stop_with() "Stop with ctrl-c." / "按 ctrl-c 停止。";
    only_this_machine() "Plain HTTP: devices take it only from this machine. Put a TLS proxy in front for others." / "明文 HTTP：设备只接受本机连接。其他设备请在前面配置 TLS 代理。";
    stopping() "Stopping: requests under way are being finished." / "正在停止：等待进行中的请求完成。";
    stopped() "Stopped." / "已停止。";
    cannot_listen(addr, why) "Cannot listen on {addr} ({why})" / "无法监听 {addr}（{why}）";
    cannot_listen_remedy() "Give another address with --listen, or stop what uses it" / "请用 --listen 指定其他地址，或停止占用它的程序";
    server_data(why) "The server's data cannot be used ({why})" / "无法使用服务器数据（{why}）";
    server_data_remedy() "Check the folder given with --data" / "请检查 --data 指定的目录";

    invited(name, code) "One-time code for {name}: {code}" / "{name} 的一次性登记码：{code}";
    no_devices() "No devices." / "没有设备。";
    revoked(device) "Device {device} is shut out. What it has not sent stays on it." / "设备 {device} 已停用。其未上传的内容仍保存在设备上。";
    no_such_device(text) "No device, or more than one, fits {text}" / "没有或有多个设备与 {text} 相符";
    no_such_device_remedy() "Copy its id from: waymark admin devices" / "请从 waymark admin devices 中复制编号";
    col_device() "Device" / "设备";
    col_user() "User" / "用户";
    col_name() "Name" / "名称";
    col_app() "App" / "应用";
    col_ops() "Operations" / "操作";
    col_missing() "Missing" / "缺失";
    col_seen() "Last seen" / "最近在线";
    col_state() "State" / "状态";
    active() "active" / "正常";
    shut_out() "revoked" / "已停用";

    backed_up(path) "Backup written to {path}." / "备份已写入 {path}。";
    restored(path) "Restored into {path}. Devices will send again what the backup lacks." / "已恢复到 {path}。设备会重新上传备份中缺少的内容。";
    retired(kind, count) "{kind}: {count} emptied." / "{kind}：已清除 {count} 条。";
    retired_ops(count) "{count} operations without their bytes now; their hashes stay." / "已清除 {count} 项操作的内容，其哈希仍保留。";
    retired_held(count) "{count} users are on hold: nothing of theirs was emptied." / "{count} 位用户处于法律保留状态，其内容未清除。";
    bundle_without(n) "Operation {n} and those before it are not here any more, or never arrived: the bundle begins after it." / "操作 {n} 及更早的内容已不在此处或从未到达：证据文件从其后开始。";
    no_holds() "Nobody is on hold." / "没有处于法律保留状态的用户。";
    held(name, since, why) "{name}, since {since}: {why}" / "{name}，自 {since} 起：{why}";
    no_such_user(text) "Nobody, or more than one, fits {text}" / "没有或有多位用户与 {text} 相符";
    no_such_user_remedy() "Give the user's id" / "请给出用户编号";
    data_there(path) "There is data in {path} already" / "{path} 中已有数据";
    data_there_remedy() "Give another path: nothing is ever overwritten" / "请指定其他路径：不会覆盖任何内容";
}
