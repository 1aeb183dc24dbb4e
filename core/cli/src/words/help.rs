//! The help in Chinese, laid over the English grammar of `args.rs`, and the examples below it.

use clap::{Arg, ArgAction, Command};
use waymark_client::Lang;

/// Examples and exit codes.
pub(crate) const EXAMPLES_EN: &str = "\
Examples:
  waymark enroll --server https://waymark.example.com --code ABCD-EFGH-JKMN
  waymark sync
  waymark today
  waymark visit plan \"Café de Paris\" --day 2026-03-02
  waymark visit start \"Café de Paris\"
  waymark check-in --lat 43.7395 --lon 7.4275 --accuracy 12 --datum wgs84
  waymark visit note \"Wants the new price list\"
  waymark visit finish
  waymark import customers shops.csv --datum wgs84
  waymark stamp in.jpg out.jpg --set time=2026-03-02T09:30:00+01:00 --set customer=\"Café de Paris\"
  waymark demo

Exit codes:
  0  done
  1  refused by the rules, or rows of an import are wrong
  2  wrong usage
  3  not enrolled, not found, or more than one fits
  4  the network or the server
  5  the database, the disk or the key on this device";

const EXAMPLES_ZH: &str = "\
示例：
  waymark enroll --server https://waymark.example.com --code ABCD-EFGH-JKMN
  waymark sync
  waymark today
  waymark visit plan \"幸福药店\" --day 2026-03-02
  waymark visit start \"幸福药店\"
  waymark check-in --lat 39.9087 --lon 116.3975 --accuracy 12 --datum gcj02
  waymark visit note \"需要新的价目表\"
  waymark visit finish
  waymark import customers shops.csv --datum wgs84
  waymark stamp in.jpg out.jpg --set time=2026-03-02T09:30:00+08:00 --set customer=幸福药店
  waymark demo

退出码：
  0  完成
  1  被规则拒绝，或导入文件中有错误的行
  2  用法错误
  3  未登记、未找到，或有多项相符
  4  网络或服务器
  5  本设备的数据库、存储或密钥";

const TEMPLATE_ZH: &str = "{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}";

/// What each command does.
const COMMANDS: &[(&str, &str)] = &[
    ("enroll", "用一次性登记码向服务器登记此设备"),
    ("today", "今日：拜访、当前拜访、待上传内容"),
    ("customer", "客户"),
    ("customer list", "按名称列出您的客户"),
    ("customer show", "查看一个客户及其最近的拜访和记录"),
    ("customer search", "查找含有全部关键词的客户"),
    ("customer add", "添加客户"),
    ("customer edit", "修改客户；未给出的内容保持不变"),
    (
        "customer fence",
        "添加门口、轮廓或 Wi-Fi 站点：位于其中任何一处即为到场",
    ),
    ("customer links", "打开地图应用的链接，各用其所需的坐标系"),
    ("visit", "拜访"),
    ("visit plan", "计划拜访"),
    (
        "visit start",
        "开始拜访：今天的计划拜访，若无则为该客户的计划外拜访",
    ),
    ("visit note", "写记录"),
    ("visit finish", "结束拜访"),
    ("visit skip", "说明原因并跳过拜访"),
    ("visit move", "将拜访改到另一天"),
    (
        "visit show",
        "查看一次拜访及其签到和记录；他人的位置须说明目的，对方会看到",
    ),
    ("check-in", "在客户处签到：当场判断位置并签名"),
    ("check-out", "签退：记录位置并结束拜访"),
    ("policy", "公司的签到规则"),
    ("policy show", "当前有效的规则"),
    (
        "policy publish",
        "从 JSON 文件发布新规则（管理员）；未给出的项采用内置值",
    ),
    ("shift", "工作时段：仅在其中记录位置"),
    ("shift start", "开始工作时段"),
    ("shift end", "结束工作时段"),
    ("shift status", "工作时段的状态"),
    ("shift resume", "设备重启后继续工作"),
    (
        "shift report",
        "某天的工作时段有多少被观测到，以及每次中断的已记录原因",
    ),
    ("shift explain", "说明一次中断的情况：主管会在中断旁看到"),
    ("track", "您在工作时段内的轨迹"),
    ("track import", "将录制的轨迹作为传感器模拟写入当前工作时段"),
    ("track show", "某天的轨迹；查看他人的须说明目的，对方会看到"),
    ("track where", "当前工作时段内的最后位置及其时间"),
    (
        "track visits",
        "何时到达和离开客户、停留多久，以及其他停留点",
    ),
    ("track export", "将某天的轨迹写成 GPX 或 GeoJSON（WGS-84）"),
    ("track replay", "将某天的回放写成无需网络的 HTML 页面"),
    (
        "track advise",
        "按到下一客户的距离，建议多久、以何种精度获取下一个位置",
    ),
    (
        "track open",
        "公开留在本手机上的轨迹中的部分定位，写成任何人都可核对的文件",
    ),
    (
        "track check",
        "按证据文件核对已公开的定位：只需两个文件和公司密钥",
    ),
    ("sos", "生成求助短信：无需网络，也无需工作时段"),
    ("privacy", "采集了您的哪些内容、目的、保存多久、谁查看过"),
    ("evidence", "您的工作记录，任何人都可验证"),
    (
        "evidence export",
        "写出证据文件：某一天的操作，或最近 30 天的全部操作",
    ),
    ("evidence key", "公司密钥，交给验证者"),
    ("verify", "验证证据文件或已签名的照片：只需文件和公司密钥"),
    (
        "stamp",
        "给照片加水印；水印以外的像素不变，原图可封存在文件内",
    ),
    ("photo", "应用内拍摄并安全保存的照片；带水印的照片及其原图"),
    ("photo take", "为拜访或客户拍照：拍摄位、照片、记录"),
    ("photo slot", "为自行写入的相机打开一个拍摄位"),
    (
        "photo list",
        "列出某次拜访、某个客户或某人的照片；未指定时列出您最近的照片",
    ),
    ("photo show", "查看一张照片：记录的内容及文件所在"),
    ("photo export", "写出原图，或据此生成的水印照片"),
    ("photo annotate", "在照片上标注；照片本身不会改动"),
    ("photo withdraw", "撤回照片；记录保留"),
    (
        "photo recover",
        "已拍摄但尚未保存的照片：列出、保存、丢弃；并可核对所有文件",
    ),
    ("photo restore", "还原带水印照片的原图，逐位相同"),
    ("photo key", "生成封存原图的密钥"),
    ("route", "一天拜访的顺序"),
    (
        "route solve",
        "求出最佳顺序，并说明已证明最优或与下界的差距；以 JSON 写出",
    ),
    ("sync", "上传待发内容并获取更新"),
    ("status", "工作状态：必须相符的账目"),
    ("attention", "服务器未按原样接受的内容"),
    ("attention list", "全部待处理内容及原因"),
    ("attention retry", "在记录的当前内容上重做"),
    ("attention dismiss", "放弃"),
    ("import", "从文件导入客户"),
    (
        "import customers",
        "从 CSV 或 GeoJSON 文件导入客户：全部导入，有错误行则全不导入",
    ),
    ("export", "将全部内容导出为 JSON 行"),
    ("serve", "运行服务器"),
    ("admin", "人员与设备（管理员）"),
    ("admin invite", "生成一次性登记码"),
    ("admin devices", "全部设备"),
    ("admin revoke", "停用设备"),
    ("server", "服务器数据目录：备份与恢复"),
    ("server backup", "将服务器数据备份到一个文件，运行中也可以"),
    ("server restore", "在服务器启动前恢复备份"),
    (
        "server retire",
        "清除保存期已满的位置；运行中的服务器每小时自动执行",
    ),
    (
        "server hold",
        "保留某位用户的全部内容，或解除保留；两者都不给出则列出保留名单",
    ),
    (
        "server evidence",
        "写出某台设备的证据文件，由公司封印：用于遗失的手机或已离职的人员",
    ),
    ("demo", "用真实数据、自带的服务器和恶劣网络演示全部功能"),
];

/// What each argument is; by its command where it differs.
const ARGUMENTS: &[(&str, &str)] = &[
    ("json", "以 JSON 输出，错误也是"),
    ("lang", "语言：en 或 zh-Hans [默认：按系统区域设置]"),
    (
        "db",
        "数据库文件 [默认：用户数据目录下的 waymark/waymark.db]",
    ),
    (
        "enroll server",
        "服务器地址，例如 https://waymark.example.com",
    ),
    ("code", "管理员给的一次性登记码"),
    ("enroll name", "此设备的名称"),
    ("ca", "公司自己的证书机构（PEM 文件）"),
    (
        "start limit",
        "多少分钟后自动结束 [默认：公司规定，最多 960]",
    ),
    (
        "import file",
        ".gpx、.geojson，或含 time、lat、lon、accuracy 列的 .csv 文件；按内容识别",
    ),
    ("import datum", "坐标系；CSV 必填"),
    ("export format", "格式 [默认：按文件名后缀]"),
    ("new_file", "要写入的文件"),
    ("force", "若文件已存在则覆盖"),
    ("advise datum", "位置的坐标系；没有默认值"),
    ("speed", "对地速度（米/秒）[默认：未知]"),
    ("battery", "电池电量（百分比）[默认：未知]"),
    ("charging", "正在充电"),
    ("squeeze", "压缩录制时长，使其全部落入工作时段"),
    (
        "show rep",
        "谁的轨迹，姓名或编号；供主管使用 [默认：您自己]",
    ),
    (
        "visits rep",
        "谁的轨迹，姓名或编号；供主管使用 [默认：您自己]",
    ),
    (
        "export rep",
        "谁的轨迹，姓名或编号；供主管使用 [默认：您自己]",
    ),
    (
        "replay rep",
        "谁的轨迹，姓名或编号；供主管使用 [默认：您自己]",
    ),
    (
        "where rep",
        "谁的位置，姓名或编号；供主管使用 [默认：您自己]",
    ),
    (
        "report rep",
        "谁的工作时段，姓名或编号；供主管使用 [默认：您自己]",
    ),
    ("explain from", "中断何时开始，本地时间，格式 HH:MM"),
    ("open from", "从何时起，本地时间，格式 HH:MM"),
    ("open to", "到何时止（含），本地时间，格式 HH:MM"),
    ("check file", "含已公开定位的文件"),
    ("check bundle", "当天的证据文件"),
    (
        "check key",
        "公司密钥，由 waymark evidence key 给出；没有它则什么也不能证明",
    ),
    ("sos to", "发给谁，电话号码"),
    ("sos lat", "您现在位置的纬度（度）"),
    ("sos lon", "您现在位置的经度（度）"),
    ("sos datum", "位置的坐标系；没有默认值"),
    ("purpose", "目的；查看他人时必填"),
    ("from", "第一天，格式 YYYY-MM-DD [默认：最后一天之前 30 天]"),
    ("to", "最后一天，格式 YYYY-MM-DD [默认：今天]"),
    ("of", "用户，姓名或编号"),
    ("why", "为何保留该用户的全部内容"),
    ("release", "解除保留"),
    ("move day", "改到哪一天，格式 YYYY-MM-DD"),
    ("day", "日期，格式 YYYY-MM-DD [默认：今天]"),
    ("all", "所有可见客户，不只是您自己的"),
    ("limit", "最多显示数量"),
    ("who", "名称、外部编号、编号，或其中一部分"),
    ("words", "关键词"),
    ("lat", "纬度（度）"),
    ("lon", "经度（度）"),
    ("check-in datum", "位置的坐标系；没有默认值"),
    ("check-out datum", "位置的坐标系；没有默认值"),
    ("age", "定位距今多少秒"),
    (
        "sample",
        "同次采集的另一个定位：纬度,经度,精度[,秒数]，可多次给出",
    ),
    ("provider", "位置由什么确定"),
    ("satellites", "所用卫星数"),
    ("mock", "系统称该位置由应用提供"),
    (
        "fence bssid",
        "客户的 Wi-Fi 站点，如 aa:bb:cc:dd:ee:ff，可多次给出",
    ),
    ("stamp photo", "照片"),
    ("template", "水印样式，JSON 文件"),
    ("facts", "照片的已知信息，JSON 文件"),
    (
        "set",
        "一项内容，格式 键=值；键=?原因 说明为何没有；可多次给出",
    ),
    ("mode", "生成什么"),
    (
        "stamp key",
        "用此密钥将原图封存在文件内，见 waymark photo key",
    ),
    (
        "sign",
        "用本设备的密钥签名，使照片可自行验证；须给出时间及其误差",
    ),
    ("font", "内置字体缺字时使用的字体"),
    ("thumbnail", "同时写出不超过 30 KB 的缩略图"),
    ("problem", "问题，JSON 文件；- 或不给出则为标准输入"),
    (
        "seconds",
        "最多使用多少秒处理器时间 [默认：文件中的 budget_ms，若无则为 1]",
    ),
    (
        "solve seed",
        "搜索的随机种子 [默认：文件中的 seed，若无则为 1]",
    ),
    ("solve out", "答案写到哪里 [默认：标准输出]"),
    ("restore photo", "带水印的照片"),
    ("photo_visit", "拜访 [默认：进行中的拜访]"),
    ("photo_customer", "客户（不属于任何拜访）"),
    ("slot slot", "拍摄内容，由贵公司自定的词"),
    ("take slot", "拍摄内容，由贵公司自定的词"),
    ("caption", "说明"),
    ("picture", "照片文件，代替相机"),
    ("gallery", "来自相册而非相机：原文件保留不动"),
    ("take lat", "纬度，北纬为正；仅在工作时段内记录"),
    ("list rep", "某人拍摄的照片，按姓名或编号"),
    ("which_photo", "照片编号、标识或其一部分"),
    ("export mode", "生成什么；省略时为拍摄的原图"),
    ("export template", "水印样式，JSON 文件"),
    (
        "export key",
        "用此密钥将原图封存在文件内，见 waymark photo key",
    ),
    (
        "arrow",
        "指向第二点的箭头，以左上角起宽高的百分比表示：X,Y,X,Y；可重复",
    ),
    ("rect", "两角之间的矩形：X,Y,X,Y；可重复"),
    ("stroke", "经过各点的线：X,Y,X,Y,…；可重复"),
    ("annotate text", "某点处的文字：X,Y,文字；可重复"),
    ("ink", "新增标注的颜色"),
    ("annotate clear", "清除之前的标注"),
    ("withdraw reason", "原因"),
    (
        "which_slot",
        "要保存或丢弃的拍摄位，其标识或末尾几位；省略时全部列出",
    ),
    ("recover discard", "丢弃照片"),
    ("recover check", "逐字节核对每张照片与其哈希"),
    ("seal_key", "封存时使用的密钥"),
    ("key_file", "写到哪里；该文件不得已存在"),
    ("bundle", "证据文件或照片"),
    (
        "verify key",
        "公司密钥，由 waymark evidence key 给出；没有它则什么也不能证明",
    ),
    ("bssid", "收到的 Wi-Fi 站点：BSSID[,秒数]，可多次给出"),
    ("check-in reason", "位置可能不准的原因，用您自己的话"),
    ("check-out reason", "位置可能不准的原因，用您自己的话"),
    ("preview", "只说明结论，不保存"),
    ("radius", "门口周围的半径（米）"),
    ("outline", "不用门口而用轮廓：含多边形的 GeoJSON 文件"),
    ("fence name", "名称，如“2 号门”"),
    ("clear", "先清除全部门口和轮廓"),
    ("publish file", "JSON 规则文件；- 为标准输入"),
    ("remark", "原因，供所有人查看"),
    ("customers datum", "坐标系；CSV 必填"),
    ("datum", "位置的坐标系"),
    ("invite name", "同事看到的姓名"),
    ("name", "名称"),
    ("edit phone", "电话；留空则清除"),
    ("edit address", "地址；留空则清除"),
    ("address", "地址"),
    ("phone", "电话"),
    ("hours", "营业时间；留空则清除"),
    ("tag", "添加标签；+x 或 x，可多次给出"),
    ("untag", "去掉标签"),
    ("customers owner", "客户归属，姓名或编号 [默认：无人]"),
    ("owner", "客户归属，姓名或编号；供主管使用"),
    ("rep", "由谁拜访，姓名或编号；供主管使用 [默认：您自己]"),
    (
        "finish which",
        "拜访的编号、编号的一部分或客户名称 [默认：进行中的拜访]",
    ),
    ("which", "拜访的编号、编号的一部分或客户名称"),
    ("visit", "拜访 [默认：进行中的拜访]"),
    ("text", "内容"),
    ("reason", "原因"),
    ("accuracy", "设备标称的精度半径（米）"),
    ("source", "精度由谁标称"),
    ("op", "操作编号或其中一部分"),
    ("customers file", "带标题行的 .csv 文件，或 .geojson 文件"),
    ("backup file", "备份文件"),
    ("restore file", "备份文件"),
    ("file", "写到哪里；- 或不给出则为标准输出"),
    ("dry_run", "只检查，不保存"),
    (
        "serve data",
        "服务器数据目录 [默认：用户数据目录下的 waymark-server]",
    ),
    ("data", "服务器数据目录"),
    ("listen", "监听地址"),
    ("company", "公司名称（首次启动时）"),
    ("admin", "首位管理员的姓名（首次启动时）"),
    ("verbose", "在标准错误输出中记录每次请求；否则只记录异常"),
    ("role", "此人的角色"),
    ("team", "此人的团队"),
    ("user", "为已有用户增加一台设备，姓名或编号"),
    ("evidence device", "设备，编号、名称或其用户"),
    ("evidence day", "只写这一天，格式 YYYY-MM-DD"),
    ("device", "设备编号或其中一部分"),
    ("out", "成果文件存放目录 [默认：临时目录下的新目录]"),
    ("quiet", "只显示账目和成果文件位置"),
    ("keep", "保留目录中已有的成果，在其中新建目录"),
    ("seed", "故障的随机种子"),
];

/// The grammar with its help in `lang`.
pub(crate) fn in_lang(command: Command, lang: Lang) -> Command {
    match lang {
        Lang::En => command,
        Lang::ZhHans => {
            let about = "Waymark：无需网络的外勤工作。";
            let long = "Waymark：无需网络的外勤工作。\n\n每个命令都使用本设备上的数据库文件。只有 enroll、sync 和 admin 需要网络。";
            chinese(command, "")
                .about(about)
                .long_about(long)
                .after_help(EXAMPLES_ZH)
        }
    }
}

fn chinese(command: Command, path: &str) -> Command {
    let name = command.get_name().to_owned();
    let mut command = command
        .help_template(TEMPLATE_ZH)
        .subcommand_help_heading("命令")
        .disable_help_subcommand(true)
        .disable_help_flag(true)
        .arg(
            Arg::new("help")
                .short('h')
                .long("help")
                .action(ArgAction::Help)
                .help("显示帮助"),
        );
    if path.is_empty() {
        let version = Arg::new("version")
            .short('V')
            .long("version")
            .action(ArgAction::Version);
        command = command
            .disable_version_flag(true)
            .arg(version.help("显示版本"));
    }
    if let Some(about) = find(COMMANDS, path) {
        command = command.about(about).long_about(about);
    }
    command = command.mut_args(|arg| argument(arg, &name));
    command.mut_subcommands(|sub| {
        let below = format!("{path} {}", sub.get_name());
        chinese(sub, below.trim_start())
    })
}

/// What clap would say of possible values and defaults is said here instead, since it speaks English only.
fn argument(arg: Arg, command: &str) -> Arg {
    let heading = if arg.is_positional() {
        "参数"
    } else {
        "选项"
    };
    let help = in_chinese(command, arg.get_id().as_str());
    let values: Vec<String> = if arg.get_action().takes_values() {
        arg.get_possible_values()
            .iter()
            .map(|value| value.get_name().to_owned())
            .collect()
    } else {
        Vec::new()
    };
    let defaults: Vec<String> = arg
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    let arg = arg.help_heading(heading);
    let Some(help) = help else { return arg };
    let mut help = help.to_owned();
    if !values.is_empty() {
        help.push_str(&format!(" [可选：{}]", values.join("、")));
    }
    if !defaults.is_empty() && arg.get_action().takes_values() {
        help.push_str(&format!(" [默认：{}]", defaults.join("、")));
    }
    if let Some(name) = arg.get_env() {
        help.push_str(&format!(" [环境变量：{}]", name.to_string_lossy()));
    }
    let arg = if values.is_empty() {
        arg
    } else {
        arg.hide_possible_values(true)
    };
    let arg = if defaults.is_empty() {
        arg
    } else {
        arg.hide_default_value(true)
    };
    arg.hide_env(true).help(help.clone()).long_help(help)
}

fn in_chinese(command: &str, id: &str) -> Option<&'static str> {
    find(ARGUMENTS, &format!("{command} {id}")).or_else(|| find(ARGUMENTS, id))
}

fn find(table: &'static [(&'static str, &'static str)], wanted: &str) -> Option<&'static str> {
    table
        .iter()
        .find(|(name, _)| *name == wanted)
        .map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Cli;

    fn check(command: &Command, path: &str) {
        for arg in command.get_arguments() {
            let found = in_chinese(command.get_name(), arg.get_id().as_str());
            assert!(found.is_some(), "{path}: {}", arg.get_id());
        }
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let below = format!("{path} {}", sub.get_name());
            let below = below.trim_start();
            assert!(find(COMMANDS, below).is_some(), "{below}");
            assert!(sub.get_about().is_some(), "{below} has English help");
            check(sub, below);
        }
    }

    #[test]
    fn every_command_and_argument_has_help_in_both_languages() {
        check(&Cli::command(), "");
        Cli::command().debug_assert();
        in_lang(Cli::command(), Lang::ZhHans).debug_assert();
    }
}
