//! `waymark export`.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use serde_json::json;

use crate::args::NewFile;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::words::rep as words;

pub(crate) fn run(context: &Context, file: Option<PathBuf>) -> Outcome {
    let waymark = context.open()?;
    waymark.me()?;
    match file.filter(|path| path.as_os_str() != "-") {
        None => {
            let mut out = Watched {
                inner: BufWriter::new(io::stdout().lock()),
                broken: false,
            };
            match waymark.export(&mut out) {
                Err(_) if out.broken => Err(Failure::Pipe),
                other => Ok(other.map(|_| ())?),
            }
        }
        Some(path) => {
            let to = NewFile {
                new_file: path,
                force: true,
            };
            let lines = to.write(|out| Ok(waymark.export(out)?))?;
            let path = to.name();
            context.show(&json!({ "lines": lines, "file": path }), || {
                words::exported(context.lang, lines, &path)
            })
        }
    }
}

/// Remembers that the reader went away: the error that comes out of the client has forgotten it.
struct Watched<W> {
    inner: W,
    broken: bool,
}

impl<W> Watched<W> {
    fn noted<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        self.broken |= result
            .as_ref()
            .is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        result
    }
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.inner.write(bytes);
        self.noted(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.inner.flush();
        self.noted(result)
    }
}
