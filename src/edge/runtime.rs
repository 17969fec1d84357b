//! On which threads the tasks of the program run.

use std::future::Future;
use std::io;
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// Runs a command that serves others: its tasks have a thread for each core.
///
/// # Errors
/// There is no runtime to be had.
pub fn serving<T>(command: impl Future<Output = T>) -> io::Result<T> {
    Ok(Builder::new_multi_thread().enable_all().build()?.block_on(command))
}

/// Runs a command that calls others. All its tasks have one thread, for they wake each other all the time, and across threads
/// each of these wakes would be a lock, and often a system call. The command itself has the thread of whoever asks, so that the
/// tasks go on while it computes.
///
/// tokio's scheduler for many threads would do with a single one as well, and a call would take a third more processor time, most
/// of it in the kernel.
///
/// # Errors
/// There is no runtime to be had.
pub fn calling<T>(command: impl Future<Output = T>) -> io::Result<T> {
    let tasks = Builder::new_current_thread().enable_all().build()?;
    let handle = tasks.handle().clone();
    thread::scope(|scope| {
        // Dropped at the end of the command, and also by its panic: then the thread ends.
        let (_working, ended) = oneshot::channel::<()>();
        thread::Builder::new().name("calls".into()).spawn_scoped(scope, move || tasks.block_on(ended).is_ok())?;
        Ok(handle.block_on(command))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn tasks_go_on_while_their_command_computes() {
        let said = calling(async {
            let (tells, told) = channel();
            tokio::spawn(async move { tells.send("done") });
            // Who computes does not give way; this thread is taken.
            told.recv_timeout(Duration::from_secs(60))
        });
        assert_eq!(said.unwrap(), Ok("done"));
    }

    #[test]
    fn a_command_that_panics_leaves_nobody_at_work() {
        let ended = std::panic::catch_unwind(|| calling(async { panic!("as it was meant") }));
        assert!(ended.is_err());
    }
}
