//! The real command line, as processes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::support::root;

/// The binary that belongs to this build of the tests. The tests of one package do not build the binary of another, so it is built here.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let own = std::env::current_exe().unwrap();
        // …/target/<profile>/deps/<test>
        let profile = own.ancestors().nth(2).unwrap();
        let target = profile.parent().unwrap();
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build
            .current_dir(root())
            .args(["build", "--quiet", "-p", "waymark", "--target-dir"])
            .arg(target);
        // what cargo tells this test about its own package would make build scripts of others run again, and all that follows from them
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let about_us = [
                "CARGO_PKG_",
                "CARGO_MANIFEST_",
                "CARGO_CRATE_NAME",
                "CARGO_PRIMARY_PACKAGE",
            ];
            if about_us.iter().any(|prefix| text.starts_with(prefix)) {
                build.env_remove(&name);
            }
        }
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "waymark does not build");
        let binary = profile.join(format!("waymark{}", std::env::consts::EXE_SUFFIX));
        assert!(binary.is_file(), "{} is not there", binary.display());
        binary
    })
}

/// Somebody at a terminal, with a database.
#[derive(Debug, Clone)]
pub(crate) struct Terminal {
    pub(crate) db: PathBuf,
    /// What runs the commands without a network: `unshare` with its options.
    cut_off: Option<&'static [&'static str]>,
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// What it printed, as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Terminal {
    pub(crate) const fn new(db: PathBuf) -> Self {
        Self { db, cut_off: None }
    }

    /// The same, in a network namespace of its own with no interface up. `None` where that is not permitted.
    pub(crate) fn without_network(&self) -> Option<Self> {
        const WAYS: [&[&str]; 2] = [&["unshare", "-n"], &["unshare", "-rn"]];
        let cut_off = WAYS.into_iter().find(|way| {
            let tried = Command::new(way[0]).args(&way[1..]).arg("true").output();
            tried.is_ok_and(|output| output.status.success())
        })?;
        Some(Self {
            db: self.db.clone(),
            cut_off: Some(cut_off),
        })
    }

    /// A fresh process, not started yet.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = match self.cut_off {
            Some(way) => {
                let mut command = Command::new(way[0]);
                command.args(&way[1..]).arg(binary());
                command
            }
            None => Command::new(binary()),
        };
        command
            .args(args)
            .env_remove("WAYMARK_LANG")
            .env_remove("WAYMARK_DATA")
            .env("WAYMARK_DB", &self.db)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.command(args).output().unwrap().into()
    }

    /// Runs a command that must succeed; gives what it printed as JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let ran = self.run(&[args, &["--json"]].concat());
        assert_eq!(ran.code, Some(0), "waymark {args:?}: {ran:?}");
        if ran.out.trim().is_empty() {
            Value::Null
        } else {
            ran.json()
        }
    }

    /// Runs a command that must succeed, for people; it must say something.
    pub(crate) fn text(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, Some(0), "waymark {args:?}: {ran:?}");
        assert!(!ran.out.trim().is_empty(), "waymark {args:?} says nothing");
        ran.out
    }
}
