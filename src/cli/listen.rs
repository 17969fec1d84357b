//! `rekon listen`: receives DOKU's notifications until it is interrupted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{Common, ListenArgs};
use super::exit::{DONE, Failure};
use super::interrupt::{Signals, Stopping};
use super::load::{self, Case, shown};
use super::screen::Screen;
use crate::edge::append::{LogError, Names};
use crate::edge::clock::SystemClock;
use crate::listener::{self, Config, Limits, StartError};
use crate::model::fault::{Fault, Place, printable};
use crate::report::words::both::both;
use crate::runner::clock::Clock as _;

/// Where the log is if the job does not say.
const PATTERN: &str = "notifications-*.jsonl";

/// Serves until a signal comes, and answers then what it has taken.
pub(super) async fn listen(args: &ListenArgs, common: &Common, screen: Screen) -> Result<u8, Failure> {
    let case = load::case(&args.job, common, SystemClock.now())?;
    let screen = screen.speaking(case.language);
    let config = config(&case, args, screen)?;
    let (folder, refused) = (shown(config.names.folder()), config.refused());
    let mut interrupted = Signals::listen(Stopping::Server, screen).asked();
    let listening = listener::start(config).await.map_err(|error| unable(&error))?;
    if case.logs()?.iter().any(|log| log.ends_with("refused/requests.jsonl")) {
        listening.stop().await;
        return Err(at_job(
            &case,
            &format!("notifications.files also matches {}, which holds what was refused", printable(&shown(&refused))),
            "name the files of the log without **",
        ));
    }
    let (address, path) = (listening.address(), &case.job.notifications.path);
    let listens =
        both(format!("listening on http://{address}{path}"), format!("mendengarkan di http://{address}{path}"));
    screen.say(screen.told(&listens));
    let (folder, refused) = (printable(&folder), shown(&refused));
    screen.note(&both(
        format!("notifications go to {folder}, what is refused to {refused}"),
        format!("notifikasi ditulis ke {folder}, yang ditolak ke {refused}"),
    ));
    if !address.ip().is_loopback() {
        screen.warn(&both(
            "this address can be reached from other machines, without TLS: let a proxy with TLS stand before it",
            "alamat ini dapat dijangkau dari mesin lain tanpa TLS: pasang proxy dengan TLS di depannya",
        ));
    }
    while !*interrupted.borrow_and_update() && interrupted.changed().await.is_ok() {}
    let Some(figures) = listening.stop().await else {
        return Err(Failure::Stopped(
            "a part of the listener died; whatever was answered with 200 is in the log".to_owned(),
        ));
    };
    let (written, copies) = (figures.written(), figures.copies());
    let (refused, unavailable) = (figures.refused(), figures.unavailable());
    screen.note(&both(
        format!("{written} written, {copies} copies, {refused} refused, {unavailable} not taken by the disk"),
        format!("{written} ditulis, {copies} salinan, {refused} ditolak, {unavailable} tidak tertampung di disk"),
    ));
    let document = serde_json::json!({
        "version": 1, "written": written, "duplicates": copies, "refused": refused, "unavailable": unavailable,
        "exit_code": DONE,
    });
    screen.document(document.to_string().as_bytes());
    Ok(DONE)
}

fn config(case: &Case, args: &ListenArgs, screen: Screen) -> Result<Config, Failure> {
    if case.job.notifications.fields.is_some() {
        let what = "notifications.fields describes the log of a web server, which is not the form that listen writes";
        return Err(at_job(case, what, "leave it out, and name the files of this log"));
    }
    let credentials = case.credentials()?;
    let limits = Limits {
        body_bytes: args.max_body,
        patience: args.patience,
        connections: args.max_connections,
        file_bytes: args.rotate_at,
        ..Limits::default()
    };
    Ok(Config {
        bind: args.bind,
        signers: credentials.signers(),
        client_id: credentials.client_id,
        path: case.job.notifications.path.clone(),
        names: names(case, args, screen)?,
        limits,
        clock: Arc::new(|| SystemClock.now()),
        tell: Arc::new(move |text| screen.warn(text)),
    })
}

/// The files of the log: those that the job reads, or the same in another folder.
fn names(case: &Case, args: &ListenArgs, screen: Screen) -> Result<Names, Failure> {
    let of_job = case.job.notifications.files.iter().find_map(|pattern| {
        let (folder, name) = pattern.rsplit_once('/').map_or(("", pattern.as_str()), |(folder, name)| (folder, name));
        let folder = if pattern.starts_with('/') && folder.is_empty() { "/" } else { folder };
        let is_plain = !folder.contains(['*', '?', '[', '{']) && !is_packed(name);
        Names::new(case.folder.join(folder), name).filter(|_| is_plain).map(|names| (names, name))
    });
    let Some(directory) = &args.directory else {
        let what = "notifications.files names no files that listen could write";
        let hint =
            format!("give it a pattern with one *, such as [\"../var/{PATTERN}\"], or name a folder with --directory");
        return of_job.map(|(names, _)| names).ok_or_else(|| at_job(case, what, &hint));
    };
    let (there, pattern) = of_job.map_or((None, PATTERN), |(names, name)| (Some(names), name));
    let names = Names::new(directory.clone(), pattern).expect("a pattern that was taken before");
    let full = |folder: &Path| -> PathBuf { std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()) };
    if there.is_none_or(|there| full(there.folder()) != full(directory)) {
        let files = printable(&shown(&directory.join(pattern)));
        screen.warn(&both(
            format!("the job does not read {files}; if it is to, name it under notifications.files"),
            format!("job ini tidak membaca {files}; bila harus, sebutkan di notifications.files"),
        ));
    }
    Ok(names)
}

fn is_packed(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "gz" || extension == "zst")
}

fn at_job(case: &Case, what: &str, hint: &str) -> Failure {
    Failure::Faults(vec![Fault::new(Place::file(&case.file), what).hint(hint)])
}

fn unable(error: &StartError) -> Failure {
    match error {
        StartError::Log(LogError::Held { .. }) => Failure::Held(error.to_string()),
        StartError::Log(LogError::Disk { .. }) | StartError::Listen { .. } => Failure::Refused(error.to_string()),
    }
}
