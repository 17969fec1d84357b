//! Writes everything below `examples/data/`: orders, starting states of the simulator, notification logs and results.
//!
//! `cargo run --example make_samples` writes the same bytes every time: there is no clock, and the dice have fixed
//! seeds. The shop is made up. Every amount is whole rupiah; the notifications are signed with the simulator's key.
//! Numbers that the jobs repeat (control totals) are printed, so that a change here shows where `jobs/` has to follow.

#![expect(clippy::print_stdout, reason = "an example tells what it has written")]

mod audit;
mod cancellations;
mod creations;
mod dice;
mod notification;
mod plain;
mod refunds;
mod results;
mod shop;
mod table;

use std::error::Error;
use std::path::Path;

use rekon::edge::files;

/// One file below `examples/data/`.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) content: String,
    /// What is worth knowing about it.
    pub(crate) remark: String,
}

impl Sample {
    pub(crate) fn new(name: &'static str, content: String) -> Self {
        Self { name, content, remark: String::new() }
    }

    pub(crate) fn remark(self, remark: String) -> Self {
        Self { remark, ..self }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let samples =
        [plain::samples(), refunds::samples(), cancellations::samples(), creations::samples(), audit::samples()];
    for sample in samples.into_iter().flatten() {
        files::write(&folder.join(sample.name), sample.content.as_bytes())?;
        println!("{:>7} bytes  {:<36} {}", sample.content.len(), sample.name, sample.remark);
    }
    Ok(())
}
