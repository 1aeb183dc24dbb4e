//! Tells the story while it happens.

use std::io::{self, Write as _};

use waymark_client::Lang;
use waymark_client::system::SystemClock;
use waymark_domain::ambient::Clock as _;

use crate::context::Context;
use crate::failure::Outcome;
use crate::width::plain;
use crate::words::demo as words;

/// Steps of the story.
const STEPS: u32 = 13;

/// Tells on standard output, or on standard error when that is for programs.
pub(super) struct Teller {
    pub(super) lang: Lang,
    to_stderr: bool,
    quiet: bool,
    clock: SystemClock,
    began_ms: i64,
    step: std::cell::Cell<u32>,
}

impl Teller {
    pub(super) fn new(context: &Context, quiet: bool) -> Self {
        let clock = SystemClock::new();
        let began_ms = clock.read().mono_ms;
        Self {
            lang: context.lang,
            to_stderr: context.json,
            quiet,
            clock,
            began_ms,
            step: std::cell::Cell::new(0),
        }
    }

    /// Real milliseconds since the beginning.
    pub(super) fn elapsed_ms(&self) -> i64 {
        self.clock.read().mono_ms - self.began_ms
    }

    /// Real seconds since the beginning.
    #[expect(clippy::cast_precision_loss, reason = "seconds for people, to a tenth")]
    pub(super) fn elapsed_s(&self) -> f64 {
        self.elapsed_ms() as f64 / 1000.0
    }

    /// The next step begins.
    pub(super) fn step(&self, text: &str) -> Outcome {
        self.step.set(self.step.get() + 1);
        let seconds = format!("{:5.1}", self.elapsed_s());
        self.line(&words::step(
            self.lang,
            self.step.get(),
            STEPS,
            seconds,
            text,
        ))
    }

    /// Something about the step.
    pub(super) fn detail(&self, text: &str) -> Outcome {
        self.line(&words::detail(self.lang, text))
    }

    /// Something that is told even to those who want it quiet.
    pub(super) fn always(&self, text: &str) -> Outcome {
        let text = plain(text);
        if self.to_stderr {
            // who closed it does not want to know
            let _ = writeln!(io::stderr().lock(), "{text}");
            return Ok(());
        }
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        Ok(out.flush()?)
    }

    fn line(&self, text: &str) -> Outcome {
        if self.quiet {
            Ok(())
        } else {
            self.always(text)
        }
    }
}
