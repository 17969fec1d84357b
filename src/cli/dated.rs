//! The names of plans that are made for every night: `{date}` in `--plan` and `--out` is the business date, as it is in
//! `orders.file`.

use std::path::{Path, PathBuf};

use super::bind::Bound;
use super::exit::Failure;
use super::load::{Case, for_a_shell, shown};
use crate::model::fault::printable;
use crate::model::time::BusinessDate;

/// The file that a flag names on that day. A name without `{date` is taken as it is, other braces and all.
pub(super) fn file(flag: &str, named: &Path, date: BusinessDate) -> Result<PathBuf, Failure> {
    let Some(template) = named.to_str().filter(|name| name.contains("{date")) else { return Ok(named.to_owned()) };
    let filled = date.fill(template).map_err(|pattern| {
        Failure::Refused(format!(
            "{flag} {}: {} is not a date in a path\n  hint: write {{date}} or e.g. {{date:%Y%m%d}} with %Y %y %m %d %j",
            printable(template),
            printable(&pattern)
        ))
    })?;
    Ok(PathBuf::from(filled))
}

/// Reads the saved plan that `--plan` names on the day of the case. The name is filled before the plan can lend its own date.
pub(super) fn open(named: &Path, case: &Case) -> Result<Bound, Failure> {
    let path = file("--plan", named, case.date)?;
    // Such a name is for a schedule: that nobody made a plan by day is what most often goes wrong there.
    if path != named && matches!(path.try_exists(), Ok(false)) {
        let (name, date) = (shown(&path), case.date);
        let maker = if case.job.approval.bands.is_empty() { "" } else { " --maker YOUR-NAME" };
        return Err(Failure::Refused(format!(
            "{}: there is no plan for {date}\n  hint: it is made, and approved where it must be, before the run: rekon plan {} \
             --date {date} --out {}{maker}",
            printable(&name),
            printable(&for_a_shell(&case.file)),
            printable(&for_a_shell(&name)),
        )));
    }
    Bound::open(&path)
}
