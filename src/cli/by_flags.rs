//! A job made of flags, with its guards: outside the simulator the user must say how much is meant.

use std::ffi::OsStr;
use std::path::Path;

use super::args::{Common, FlagArgs};
use super::exit::Failure;
use super::load::Loosening;
use super::load::{self, Case};
use crate::edge::clock::SystemClock;
use crate::edge::credentials;
use crate::edge::person;
use crate::job::flags::{self, Flags, Keys};
use crate::job::settings::Guards;
use crate::model::environment::Environment;
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::plan::{Input, guard};
use crate::runner::clock::Clock as _;

/// Makes the case of a command that works by flags alone.
pub(super) fn case(operation: Operation, args: &FlagArgs, common: &Common) -> Result<Case, Failure> {
    let now = SystemClock.now();
    let keys = if credentials::in_environment(flags::VARIABLES) { Keys::Set } else { Keys::Absent };
    let flags = Flags {
        environment: args.environment.clone(),
        base_url: args.base_url.clone(),
        columns: args.columns.clone(),
        delimiter: args.delimiter.clone(),
        encoding: args.encoding.clone(),
        amounts: args.amounts.clone(),
        times: args.times.clone(),
        rate: args.rate.clone(),
        notifications: args.notifications.clone(),
        notification_path: args.notification_path.clone(),
        output: args.output.clone(),
        keys,
    };
    let name = |part: Option<&OsStr>| part.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (file, stem) = (name(args.orders.file_name()), name(args.orders.file_stem()));
    let job = flags::job(operation, &file, &stem, &flags).map_err(|faults| Failure::Refused(faults.join("\n")))?;
    let folder = args.orders.parent().map(Path::to_owned).unwrap_or_default();
    let mut case = load::assemble(job, folder, args.orders.display().to_string(), common, now)?;
    case.loosening = Loosening::NotOffered;
    case.revealed_by = args.reveal.then(person::who);
    let input = case.input(now).map_err(by_flag)?;
    case.job.guards = Some(guards(args, case.job.merchant.environment, &input)?);
    Ok(case)
}

/// What stands in a job file, and the flag that stands for it here.
const FLAGS: [(&str, &str); 12] = [
    ("map it under orders.columns", "map it with --column FIELD=HEADER"),
    ("which orders.columns names for", "which --column names for"),
    ("correct `columns`, or declare `delimiter`", "name the columns with --column FIELD=HEADER, or give --delimiter"),
    ("correct `delimiter`, or delete the line", "correct --delimiter, or leave it out"),
    ("and `delimiter` is", "and --delimiter is"),
    ("declare `delimiter`", "give --delimiter"),
    ("declare `encoding: windows-1252`", "give --encoding windows-1252"),
    ("declare `encoding: utf-8`", "give --encoding utf-8"),
    ("declare format: {amounts: plain}", "give --amounts plain"),
    ("declare format: {amounts: id}", "give --amounts id"),
    ("declare format: {amounts: us}", "give --amounts us"),
    ("declare format: {times: id}", "give --times id"),
];

/// Faults of the file and of its rows, for whoever has no job to correct.
pub(super) fn by_flag(failure: Failure) -> Failure {
    let Failure::Faults(mut faults) = failure else { return failure };
    let told = |text: &mut String| {
        for (key, flag) in FLAGS {
            *text = text.replace(key, flag);
        }
    };
    for fault in &mut faults {
        told(&mut fault.message);
        fault.hint.iter_mut().for_each(told);
    }
    Failure::Faults(faults)
}

fn guards(args: &FlagArgs, environment: Environment, input: &Input) -> Result<Guards, Failure> {
    let file = guard::whole_file(input);
    let (max_orders, max_total) = match (args.max_orders, args.max_total.map(Rupiah::new)) {
        (Some(orders), Some(total)) => (orders, total),
        (orders, total) if environment == Environment::Simulator => {
            (orders.unwrap_or(file.max_orders), total.unwrap_or(file.max_total))
        }
        _ => {
            let (orders, total) = (input.count(), file.max_total);
            return Err(Failure::Refused(format!(
                "--max-orders and --max-total are needed outside the simulator; this file has {orders} orders over \
                 {total}: add --max-orders {orders} --max-total {} if that is what you mean",
                total.whole()
            )));
        }
    };
    Ok(Guards { require_paid: args.require_paid, ..Guards::new(max_orders, max_total) })
}
