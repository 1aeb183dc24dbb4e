//! Runs futures on the thread that asks, without a clock: nothing here can wait for real time.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// Most polls of one future before it counts as hung.
const MOST_POLLS: usize = 1_000_000;

/// Polls once.
pub fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Polls until the future is ready.
///
/// # Panics
/// When it never is.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..MOST_POLLS {
        if let Some(output) = poll_once(future.as_mut()) {
            return output;
        }
    }
    panic!("a future hangs: it waits for something that no test here provides");
}

/// Lets others go first, once.
#[derive(Debug)]
pub struct Pause(bool);

impl Pause {
    /// A pause, or none.
    #[must_use]
    pub const fn when(wanted: bool) -> Self {
        Self(!wanted)
    }
}

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
