//! On which threads the tasks of the program run.

use std::future::Future;
use std::io;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// The command, which a file as large as the system allows does not kill: to write more of it fails, as on a full disk.
async fn spared<T>(command: impl Future<Output = T>) -> T {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // A signal that somebody has once listened for does no longer what it did by itself.
        drop(signal(SignalKind::from_raw(super::machine::FILE_TOO_LARGE)));
    }
    command.await
}

/// Runs a command that serves others: its tasks have a thread for each core.
///
/// # Errors
/// There is no runtime to be had.
pub fn serving<T>(command: impl Future<Output = T>) -> io::Result<T> {
    Ok(Builder::new_multi_thread().enable_all().build()?.block_on(spared(command)))
}

/// Runs a command that calls others. All its tasks have one thread, for they wake each other all the time, and across threads
/// each of these wakes would be a lock, and often a system call. The command itself has the thread of whoever asks, so that the
/// tasks go on while it computes.
///
/// tokio's scheduler for many threads would do with a single one as well, and a call would take a third more processor time, most
/// of it in the kernel.
///
/// What is left behind is not waited for: a name that is being looked up may hang for minutes after the last word. A command waits
/// itself for what it has to write.
///
/// # Errors
/// There is no runtime to be had.
pub fn calling<T>(command: impl Future<Output = T>) -> io::Result<T> {
    let tasks = Builder::new_current_thread().enable_all().build()?;
    let handle = tasks.handle().clone();
    thread::scope(|scope| {
        // Dropped at the end of the command, and also by its panic: then the thread ends.
        let (_working, ended) = oneshot::channel::<()>();
        thread::Builder::new().name("calls".into()).spawn_scoped(scope, move || {
            let _hung_up = tasks.block_on(ended);
            tasks.shutdown_background();
        })?;
        Ok(handle.block_on(spared(command)))
    })
}

/// Does something that may never come to its end, such as a write to a disk that hangs, and waits for it no longer than that.
pub fn at_most(patience: Duration, work: impl FnOnce() + Send + 'static) {
    let (tells, told) = channel::<()>();
    let spawned = thread::Builder::new().spawn(move || {
        work();
        drop(tells);
    });
    if spawned.is_ok() {
        // Nothing is said: whoever has done it hangs up.
        let _ = told.recv_timeout(patience);
    }
}

/// What somebody finds out within that time, on a thread of its own: it may be asked from the thread of other tasks, and a disk
/// that hangs keeps nobody. `None`: it takes longer.
pub fn within<T: Send + 'static>(patience: Duration, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let (tells, told) = channel();
    let look = move || {
        if let Ok(tasks) = Builder::new_current_thread().enable_all().build() {
            // Nobody may be left who waits for it.
            let _ = tells.send(tasks.block_on(work));
        }
    };
    thread::Builder::new().spawn(look).ok()?;
    told.recv_timeout(patience).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_command_ends_though_something_hangs_that_it_has_left_behind() {
        let ((holds, held), (tells, told)) = (channel::<()>(), channel());
        let ending = thread::spawn(move || {
            let looks_up = move || held.recv().unwrap_or_default();
            let said = calling(async { tokio::task::spawn_blocking(looks_up).is_finished() });
            tells.send(said.is_ok())
        });
        assert_eq!(told.recv_timeout(Duration::from_secs(60)), Ok(true));
        drop(holds);
        ending.join().unwrap().unwrap();
    }

    #[test]
    fn work_is_waited_for_and_work_without_an_end_is_not() {
        let (tells, told) = channel();
        at_most(Duration::from_secs(60), move || tells.send("done").unwrap());
        assert_eq!(told.try_recv(), Ok("done"));
        let (holds, held) = channel::<()>();
        at_most(Duration::from_millis(1), move || held.recv().unwrap_or_default());
        drop(holds);
    }

    #[test]
    fn what_is_found_out_in_time_is_told_and_nothing_else_is_waited_for() {
        assert_eq!(within(Duration::from_secs(60), async { 7 }), Some(7));
        assert_eq!(within(Duration::from_millis(1), std::future::pending::<()>()), None);
        let asked_from_a_task =
            calling(async { tokio::spawn(async { within(Duration::from_secs(60), async { 7 }) }).await });
        assert_eq!(asked_from_a_task.unwrap().unwrap(), Some(7));
    }

    #[test]
    fn a_command_that_panics_leaves_nobody_at_work() {
        let ended = std::panic::catch_unwind(|| calling(async { panic!("as it was meant") }));
        assert!(ended.is_err());
    }
}
