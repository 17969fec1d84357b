//! How long a process took, how much of the processors, and how much memory at most.
//!
//! - Wall: from before it is started until it has ended, its own start and, with Python, the loading of its modules
//!   included.
//! - CPU: user and system time of the child and of what it waited for, as the kernel adds it up for waited-for children,
//!   in ticks of 10 ms.
//! - Peak memory: the kernel's own high-water mark of resident memory (`VmHWM`), read every two milliseconds; what came
//!   in the last of these is missed. Pages of the page cache are not in it, unless they are mapped.
//!
//! CPU and memory are read from `/proc`, so they are zero elsewhere than on Linux.

use std::fmt;
use std::io::{self, Read as _};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Ticks of user space per second, on every Linux of today.
const TICKS: u64 = 100;

/// What one process took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    pub(crate) peak_kibibytes: u64,
    /// The part of the wall time that counts, as somebody else tells: without the start of Python, say.
    pub(crate) inside: Option<Duration>,
}

impl fmt::Display for Measured {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} s, CPU {} s, {} MiB", seconds(self.wall), seconds(self.cpu), self.peak_kibibytes / 1024)
    }
}

/// `1.07`.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{}.{:02}", time.as_secs(), time.subsec_millis() / 10)
}

/// Runs it to its end.
#[expect(clippy::disallowed_methods, reason = "this is what measures")]
pub(crate) fn measure(mut command: Command) -> io::Result<(Measured, Output)> {
    let cpu_before = cpu_of_children();
    let started = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    // They are read beside it, for a full pipe would stop it.
    let out = thread::spawn(move || drained(stdout.as_mut()));
    let err = thread::spawn(move || drained(stderr.as_mut()));
    let mut peak_kibibytes = 0;
    let status = loop {
        peak_kibibytes = high_water_mark(child.id()).max(peak_kibibytes);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(Duration::from_millis(2));
    };
    let wall = started.elapsed();
    let joined = "a thread that only reads does not panic";
    let output = Output { status, stdout: out.join().expect(joined)?, stderr: err.join().expect(joined)? };
    let measured = Measured { wall, cpu: cpu_of_children().saturating_sub(cpu_before), peak_kibibytes, inside: None };
    Ok((measured, output))
}

fn drained(pipe: Option<&mut impl io::Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    pipe.map_or(Ok(0), |pipe| pipe.read_to_end(&mut bytes))?;
    Ok(bytes)
}

fn high_water_mark(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// User and system time of all children that have been waited for.
fn cpu_of_children() -> Duration {
    let mut stat = String::new();
    std::fs::File::open("/proc/self/stat").and_then(|mut file| file.read_to_string(&mut stat)).unwrap_or_default();
    // The name may hold spaces; it ends with the last parenthesis. Fields 16 and 17 count from 1.
    let after_name = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(13).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1_000 / TICKS)
}
