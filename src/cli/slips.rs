//! What is no fault of a job and is likelier a slip than meant: told before anything is done, and no reason to stop.

use super::exit::Failure;
use super::load::Case;
use super::screen::Screen;
use crate::job::settings::STDIN;
use crate::model::fault::printable;
use crate::plan::Input;
use crate::plan::select::Meant;
use crate::report::words::both::both;

/// Warns of all slips of a job that changes something.
pub(super) fn warn(case: &Case, input: &Input, screen: Screen) -> Result<(), Failure> {
    warn_of_no_copy(case, screen);
    warn_of_no_orders(case, input, screen);
    warn_of_nothing_meant(case, &input.meant(), screen);
    warn_of_empty_globs(case, screen)
}

/// Many orders that are kept in memory, for there is no place for their private copy: it does as well, and takes more memory.
fn warn_of_no_copy(case: &Case, screen: Screen) {
    let Some(why) = case.told.uncopied.get() else { return };
    let (orders, why) = (printable(&case.orders_name()), printable(&why.to_string()));
    screen.warn(&both(
        format!("warning: {orders} stays in memory, for no private copy of it can be made: {why}; TMPDIR names another folder"),
        format!("peringatan: {orders} tetap di memori karena salinan pribadinya tidak dapat dibuat: {why}; TMPDIR menentukan folder lain"),
    ));
}

/// An export of a header alone is a night without work, or a query that went wrong.
fn warn_of_no_orders(case: &Case, input: &Input, screen: Screen) {
    if input.tally().count > 0 || !input.faults().is_empty() {
        return;
    }
    let orders = printable(&case.orders_name());
    screen.warn(&both(
        format!("warning: {orders} has no orders, and so there is nothing to do"),
        format!("peringatan: {orders} tidak memuat pesanan, jadi tidak ada yang dikerjakan"),
    ));
}

/// Conditions that leave out every row.
pub(super) fn warn_of_nothing_meant(case: &Case, meant: &Meant, screen: Screen) {
    if let Some(slip) = meant.warning(&case.job.orders.conditions) {
        screen.warn(&both(format!("warning: {slip}"), format!("peringatan: {slip}")));
    }
}

/// A glob that matches nothing may be a slip, and what it should have matched would be missing evidence.
pub(super) fn warn_of_empty_globs(case: &Case, screen: Screen) -> Result<(), Failure> {
    let job = &case.job;
    let logs = job.notifications.files.iter().filter(|file| *file != STDIN).map(|glob| ("notifications.files", glob));
    let results = job.reconcile.results.iter().map(|glob| ("reconcile.results", glob));
    for (key, glob) in logs.chain(results) {
        if case.matching(key, std::slice::from_ref(glob))?.is_empty() {
            let about = printable(&format!("{}: {key} {glob:?}", case.file));
            screen.warn(&both(
                format!("warning: {about} matches no file"),
                format!("peringatan: {about} tidak cocok dengan berkas mana pun"),
            ));
        }
    }
    Ok(())
}
