//! The one error that leaves the core: a code, what it means, what to do about it, and whether the work is saved.
//!
//! Every crate's own error becomes one here, by an exhaustive match. No message holds personal data: fields are named, never quoted.

use waymark_domain::refusal::{Code, Refusal};
use waymark_protocol::error::{ApiCode, CallError};
use waymark_sync::engine::Failure;

use crate::lang::Lang;

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaymarkError {
    /// What is wrong, for programs.
    pub code: ErrorCode,
    /// What it is about: names of fields, or a short technical detail. Never a value that somebody typed.
    pub about: String,
    /// Whether everything that the user did before is safe on this device. Only a damaged disk can make it untrue.
    pub work_saved: bool,
}

impl std::error::Error for WaymarkError {}

impl std::fmt::Display for WaymarkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message(Lang::En))
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $wire:literal { $en:literal / $zh:literal ; $remedy_en:literal / $remedy_zh:literal })+) => {
        /// What is wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $name,)+ }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code as programs see it.
            #[must_use]
            pub const fn wire(self) -> &'static str {
                match self { $(Self::$name => $wire,)+ }
            }

            const fn cause(self, lang: Lang) -> &'static str {
                match self { $(Self::$name => lang.pick($en, $zh),)+ }
            }

            const fn remedy(self, lang: Lang) -> &'static str {
                match self { $(Self::$name => lang.pick($remedy_en, $remedy_zh),)+ }
            }
        }
    };
}

codes! {
    /// No user yet.
    NotEnrolled "not_enrolled" {
        "This device is not enrolled yet" / "此设备尚未登记" ;
        "Ask your admin for a one-time code, then enrol" / "请向管理员索取一次性登记码，然后登记" }
    /// The file belongs to a user already.
    AlreadyEnrolled "already_enrolled" {
        "This database already belongs to an enrolled user" / "此数据库已属于一位已登记用户" ;
        "Use another database file for another user" / "其他用户请使用另一个数据库文件" }
    /// The name or id fits nothing.
    NotFound "not_found" {
        "Nothing here fits that name or id" / "没有与该名称或编号相符的内容" ;
        "Check the spelling, or sync first if it is new" / "请检查拼写；若是新内容，请先同步" }
    /// The name or id fits several.
    Ambiguous "ambiguous" {
        "More than one fits that name or id" / "有多项与该名称或编号相符" ;
        "Give more of the name, or the id" / "请输入更完整的名称或编号" }
    /// Input that does not read.
    InvalidInput "invalid_input" {
        "The input does not read" / "输入无法识别" ;
        "Correct it and try again" / "请更正后重试" }
    /// An empty field that must be filled.
    Required "required" {
        "A field that must be filled is empty" / "必填项为空" ;
        "Fill it in and save again" / "请填写后再次保存" }
    /// A text over its limit.
    TooLong "too_long" {
        "A text is too long" / "文字过长" ;
        "Shorten it and save again" / "请缩短后再次保存" }
    /// Not in this state.
    WrongState "wrong_state" {
        "That step does not fit the present state" / "当前状态下不能执行此步骤" ;
        "Look at the record again; it may have changed" / "请重新查看该记录，它可能已变更" }
    /// Not for this user.
    Forbidden "forbidden" {
        "You may not change this" / "您无权更改此内容" ;
        "Ask your manager" / "请联系您的主管" }
    /// It points at nothing.
    UnknownReference "unknown_reference" {
        "It points at something that is not here" / "它指向的内容不存在" ;
        "Sync, then try again" / "请同步后重试" }
    /// Append-only.
    AppendOnly "append_only" {
        "What was recorded as a fact is never changed" / "已记录的事实不可更改" ;
        "Write a correction that names it" / "请另写一条更正并注明原记录" }
    /// There already.
    AlreadyExists "already_exists" {
        "It exists already" / "该内容已存在" ;
        "Open the existing one" / "请打开已有的记录" }
    /// Newer than this app.
    Unsupported "unsupported" {
        "This version of the app does not know how to do that" / "当前版本的应用不支持此操作" ;
        "Update the app" / "请更新应用" }
    /// Outside a work session.
    NoShift "no_shift" {
        "No work session is open, so no position is recorded" / "没有开启的工作时段，因此不记录位置" ;
        "Start a work session first" / "请先开始工作时段" }
    /// The session is over.
    ShiftOver "shift_over" {
        "The work session is over, so no position is recorded" / "工作时段已结束，因此不记录位置" ;
        "Start a new one if you are still at work" / "如仍在工作，请开始新的工作时段" }
    /// After a reboot.
    ShiftUnconfirmed "shift_unconfirmed" {
        "The device was restarted, and it is not known for how long it was off" / "设备曾重启，无法得知关机了多久" ;
        "Resume the work session if you are still at work, or end it" / "如仍在工作，请继续该工作时段，否则请结束它" }
    /// There is one already.
    ShiftOpen "shift_open" {
        "A work session is open already" / "已有一个开启的工作时段" ;
        "End it before you start another" / "请先结束它再开始新的" }
    /// No tracks here.
    TracksOff "tracks_off" {
        "Tracks are switched off in your company" / "贵公司已关闭轨迹记录" ;
        "Nothing is missing: visits and check-ins need no track" / "无需处理：拜访和签到不依赖轨迹" }
    /// An earlier step was refused.
    Dependency "dependency" {
        "Something that it builds on was refused" / "它所依赖的内容被拒绝" ;
        "Settle that first: see attention" / "请先在待处理列表中解决该项" }
    /// Another process has the file.
    DatabaseInUse "database_in_use" {
        "Another program is using this database" / "另一个程序正在使用此数据库" ;
        "Close it, or wait until it is done" / "请关闭该程序，或等待其完成" }
    /// Written by a newer app.
    DatabaseNewer "database_newer" {
        "A newer version of the app wrote this database" / "此数据库由更新版本的应用写入" ;
        "Update the app. Until then it reads, and sends what is pending" / "请更新应用。在此之前仍可查看并上传待发内容" }
    /// Somebody else's file.
    DatabaseForeign "database_foreign" {
        "That file is not a Waymark database" / "该文件不是 Waymark 数据库" ;
        "Give another path" / "请指定其他路径" }
    /// Damage.
    DatabaseDamaged "database_damaged" {
        "The database is damaged" / "数据库已损坏" ;
        "Open the app again: it puts the file aside and saves what can be read" / "请重新打开应用：它会保留原文件并抢救可读取的内容" }
    /// No room.
    DiskFull "disk_full" {
        "The disk is full, so this could not be saved" / "存储空间已满，本次内容无法保存" ;
        "Make room and save again" / "请清理空间后再次保存" }
    /// No room for a photo.
    NoRoom "no_room" {
        "There is not enough free space for a photo" / "剩余空间不足以保存照片" ;
        "Make room, then take it; nothing was lost, and the camera was not opened" / "请清理空间后再拍摄；没有丢失任何内容，相机也未打开" }
    /// The camera wrote nothing.
    NoPicture "no_picture" {
        "There is no photo in it" / "其中没有照片" ;
        "Take the photo, or throw the slot away" / "请拍摄照片，或丢弃此拍摄位" }
    /// The file is no picture.
    NotAPicture "not_a_picture" {
        "The file is no photo that can be kept: JPEG, PNG or WebP" / "该文件不是可保存的照片（JPEG、PNG 或 WebP）" ;
        "Take it as JPEG; the file stays where it is until you throw it away" / "请以 JPEG 格式拍摄；在您丢弃之前该文件会原样保留" }
    /// The picture's file is not what it was.
    PictureGone "picture_gone" {
        "The photo's file is not here as it was taken" / "本机没有该照片拍摄时的文件" ;
        "Its record stays; see where it is with the photo's details" / "记录仍然保留；请在照片详情中查看文件所在" }
    /// The disk.
    Io "io" {
        "The disk could not be read or written" / "存储读写失败" ;
        "Check the path and its permissions, then try again" / "请检查路径和权限后重试" }
    /// Closed.
    Closed "closed" {
        "Waymark is closed or suspended" / "Waymark 已关闭或挂起" ;
        "Open it again" / "请重新打开" }
    /// The key.
    KeyUnavailable "key_unavailable" {
        "The device's key cannot be used" / "无法使用设备密钥" ;
        "Unlock the device; if it stays so, enrol again" / "请解锁设备；若仍无法使用，请重新登记" }
    /// No network.
    Offline "offline" {
        "The server cannot be reached" / "无法连接服务器" ;
        "Go on working; it syncs when there is a network" / "可继续工作，有网络时会自动同步" }
    /// No network before there is a user.
    EnrolOffline "enrol_offline" {
        "The server cannot be reached" / "无法连接服务器" ;
        "Check the address and the network, then enrol again; the code is still good" / "请检查地址和网络后重新登记；登记码仍然有效" }
    /// Bad network.
    NetworkCut "network_cut" {
        "The connection broke off" / "连接中断" ;
        "Go on working; it tries again by itself" / "可继续工作，系统会自动重试" }
    /// A captive portal or a stranger.
    NotWaymark "not_waymark" {
        "Something else answered in place of the Waymark server" / "应答的不是 Waymark 服务器" ;
        "Sign in to the Wi-Fi or use mobile data; check the server's address" / "请登录 Wi-Fi 或使用移动数据，并检查服务器地址" }
    /// TLS.
    NotSafe "not_safe" {
        "The connection to the server would not be safe" / "与服务器的连接不安全" ;
        "Use https, and the company's certificate authority where it has its own" / "请使用 https；如公司有自己的证书机构，请一并指定" }
    /// TLS and the date.
    WrongDate "wrong_date" {
        "By this device's date the server's certificate is not valid" / "按本设备的日期，服务器证书无效" ;
        "Set the device's date right; if it is right, tell your admin" / "请校正设备日期；若日期无误，请告知管理员" }
    /// The server.
    ServerFailed "server_failed" {
        "The server could not do it now" / "服务器暂时无法处理" ;
        "It tries again by itself; tell your admin if it stays so" / "系统会自动重试；若持续出现，请告知管理员" }
    /// The server's message.
    ServerMalformed "server_malformed" {
        "The server's answer does not read" / "无法识别服务器的应答" ;
        "Update the app; tell your admin if it stays so" / "请更新应用；若持续出现，请告知管理员" }
    /// Revoked.
    DeviceRevoked "device_revoked" {
        "An admin has shut this device out" / "管理员已停用此设备" ;
        "Your work stays on this device. Ask your admin; export it if you must" / "您的工作仍保存在本设备上。请联系管理员；必要时可导出" }
    /// The code.
    BadCode "bad_code" {
        "The enrolment code is wrong, used or over" / "登记码错误、已使用或已过期" ;
        "Ask your admin for a new one" / "请向管理员索取新的登记码" }
    /// Not admitted.
    Unauthorised "unauthorised" {
        "The server did not admit this device" / "服务器未接纳此设备" ;
        "Try again; enrol again if it stays so" / "请重试；若仍未成功，请重新登记" }
    /// Too old.
    UpgradeNeeded "upgrade_needed" {
        "The server speaks a newer language than this app" / "服务器的协议版本比本应用新" ;
        "Update the app" / "请更新应用" }
    /// Import.
    ImportRefused "import_refused" {
        "The file was not imported: some of its rows are wrong" / "文件未导入：其中有错误的行" ;
        "Correct the rows named and import again; nothing was imported" / "请更正所列各行后重新导入；未导入任何内容" }
    /// Ours.
    Internal "internal" {
        "Something is wrong inside Waymark" / "Waymark 内部出错" ;
        "Try again; report it with this code if it stays so" / "请重试；若仍出现，请附此代码反馈" }
}

impl WaymarkError {
    /// An error; the work done so far is saved.
    #[must_use]
    pub fn new(code: ErrorCode, about: impl Into<String>) -> Self {
        Self {
            code,
            about: about.into(),
            work_saved: true,
        }
    }

    /// What happened, in words.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        let cause = self.code.cause(lang);
        if self.about.is_empty() {
            cause.to_owned()
        } else {
            match lang {
                Lang::En => format!("{cause} ({})", self.about),
                Lang::ZhHans => format!("{cause}（{}）", self.about),
            }
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self, lang: Lang) -> &'static str {
        self.code.remedy(lang)
    }

    /// Whether the work is safe, in words.
    #[must_use]
    pub const fn reassurance(&self, lang: Lang) -> &'static str {
        if self.work_saved {
            lang.pick("Your work is saved.", "您的工作已保存。")
        } else {
            lang.pick(
                "What was saved before is being rescued.",
                "正在抢救此前保存的内容。",
            )
        }
    }
}

impl From<Refusal> for WaymarkError {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal.code {
            Code::Malformed | Code::CommandOnly | Code::Other => ErrorCode::InvalidInput,
            Code::Required => ErrorCode::Required,
            Code::TooLong => ErrorCode::TooLong,
            Code::AlreadyExists => ErrorCode::AlreadyExists,
            Code::NotFound => ErrorCode::NotFound,
            Code::UnknownReference => ErrorCode::UnknownReference,
            Code::AppendOnly => ErrorCode::AppendOnly,
            Code::WrongState => ErrorCode::WrongState,
            Code::Unsupported => ErrorCode::Unsupported,
            Code::Forbidden | Code::ServerOnly => ErrorCode::Forbidden,
            Code::Dependency => ErrorCode::Dependency,
            Code::OpIdReused => ErrorCode::Internal,
        };
        Self::new(code, refusal.fields.join(", "))
    }
}

impl From<CallError> for WaymarkError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unreachable => Self::new(ErrorCode::Offline, ""),
            CallError::Silent | CallError::Cut => Self::new(ErrorCode::NetworkCut, ""),
            CallError::NotWaymark => Self::new(ErrorCode::NotWaymark, ""),
            CallError::WrongDate => Self::new(ErrorCode::WrongDate, ""),
            CallError::NotSafe => Self::new(ErrorCode::NotSafe, ""),
            CallError::Malformed(detail) => Self::new(ErrorCode::ServerMalformed, detail),
            CallError::Api(api) => {
                let code = match api.code {
                    ApiCode::Malformed | ApiCode::TooLarge | ApiCode::Other => {
                        ErrorCode::ServerMalformed
                    }
                    ApiCode::WrongProtocol => ErrorCode::UpgradeNeeded,
                    ApiCode::Unauthorised | ApiCode::BadChallenge | ApiCode::BadSignature => {
                        ErrorCode::Unauthorised
                    }
                    ApiCode::BadCode => ErrorCode::BadCode,
                    ApiCode::DeviceRevoked => ErrorCode::DeviceRevoked,
                    ApiCode::Forbidden => ErrorCode::Forbidden,
                    ApiCode::NotFound => ErrorCode::NotFound,
                    ApiCode::Internal | ApiCode::Busy => ErrorCode::ServerFailed,
                };
                Self::new(code, "")
            }
        }
    }
}

impl From<Failure> for WaymarkError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Call(error) => error.into(),
            Failure::Store(fault) => {
                let code = if fault.full {
                    ErrorCode::DiskFull
                } else {
                    ErrorCode::Io
                };
                Self::new(code, fault.message)
            }
            Failure::Key => Self::new(ErrorCode::KeyUnavailable, ""),
        }
    }
}

impl From<std::io::Error> for WaymarkError {
    fn from(error: std::io::Error) -> Self {
        let code = match error.kind() {
            std::io::ErrorKind::StorageFull => ErrorCode::DiskFull,
            _ => ErrorCode::Io,
        };
        Self::new(code, error.kind().to_string())
    }
}
