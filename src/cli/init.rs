//! `rekon init`: a first job with sample orders, which runs as it is written. The files themselves are in `init/`.

use std::path::Path;

use super::args::{InitArgs, Kind};
use super::exit::{DONE, Failure};
use super::load::{for_a_shell, shown};
use super::schema;
use super::screen::Screen;
use crate::edge::files;
use crate::model::fault::printable;
use crate::report::words::both::{Both, both};

/// A file of a first job.
struct File {
    name: &'static str,
    text: &'static str,
}

/// The orders first and the job last: what a full disk leaves half done is no job.
const fn files_of(kind: Kind) -> &'static [File] {
    match kind {
        Kind::Refund => &[
            File { name: "refunds.csv", text: include_str!("init/refunds.csv") },
            File { name: "refund.yaml", text: include_str!("init/refund.yaml") },
        ],
        Kind::Cancel => &[
            File { name: "cancellations.csv", text: include_str!("init/cancellations.csv") },
            File { name: "cancel.yaml", text: include_str!("init/cancel.yaml") },
        ],
        Kind::Create => &[
            File { name: "invoices.csv", text: include_str!("init/invoices.csv") },
            File { name: "create.yaml", text: include_str!("init/create.yaml") },
        ],
        Kind::Audit => &[
            File { name: "notifications-sample.jsonl", text: include_str!("init/notifications-sample.jsonl") },
            File { name: "books.csv", text: include_str!("init/books.csv") },
            File { name: "audit.yaml", text: include_str!("init/audit.yaml") },
        ],
    }
}

/// The job file among them.
const fn job_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Refund => "refund.yaml",
        Kind::Cancel => "cancel.yaml",
        Kind::Create => "create.yaml",
        Kind::Audit => "audit.yaml",
    }
}

/// What to type next, and what for.
fn steps(kind: Kind) -> Vec<(&'static str, Both)> {
    let check = ("check", both("is every line as it must be", "apakah setiap baris sudah benar"));
    match kind {
        Kind::Refund | Kind::Cancel | Kind::Create => vec![
            check,
            ("plan", both("what would be sent; sends nothing", "apa yang akan dikirim; tidak mengirim apa pun")),
            ("run", both("send it, to the simulator inside rekon", "kirim, ke simulator di dalam rekon")),
        ],
        Kind::Audit => vec![
            check,
            (
                "reconcile",
                both(
                    "one verdict for each order; sends nothing",
                    "satu kesimpulan untuk tiap pesanan; tidak mengirim apa pun",
                ),
            ),
        ],
    }
}

/// `rekon init KIND [DIR]`.
pub(super) fn init(args: &InitArgs, screen: Screen) -> Result<u8, Failure> {
    let files = files_of(args.kind);
    refuse_to_replace(&args.folder, files)?;
    let mut written: Vec<String> = Vec::new();
    // One for all jobs of a folder: the first job brings it, and no later one touches it.
    let schema = File { name: schema::NAME, text: schema::TEXT };
    let schema = Some(&schema).filter(|schema| !is_taken(&args.folder.join(schema.name)));
    for file in schema.into_iter().chain(files) {
        let path = args.folder.join(file.name);
        files::write(&path, file.text.as_bytes()).map_err(|error| half_done(&error.to_string(), &written))?;
        written.push(shown(&path));
    }
    let job = shown(&args.folder.join(job_of(args.kind)));
    let next: Vec<(String, Both)> = steps(args.kind)
        .into_iter()
        .map(|(command, what)| (format!("rekon {command} {}", for_a_shell(&job)), what))
        .collect();
    screen.say(&told(&written, &next, screen));
    screen.note(&both(
        "\nit runs on the simulator as it is; what to change for sandbox and production stands in the job file",
        "\njob ini langsung berjalan di simulator; yang perlu diubah untuk sandbox dan produksi tertulis di berkas job",
    ));
    let next: Vec<&String> = next.iter().map(|(line, _)| line).collect();
    screen.document(serde_json::json!({ "version": 1, "written": written, "next": next }).to_string().as_bytes());
    Ok(DONE)
}

fn is_taken(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Whatever has one of the names stays as it is, be it only a link that leads nowhere.
fn refuse_to_replace(folder: &Path, files: &[File]) -> Result<(), Failure> {
    if folder.exists() && !folder.is_dir() {
        return Err(Failure::Refused(format!("{} is not a folder; nothing was written", shown(folder))));
    }
    let paths = files.iter().map(|file| folder.join(file.name));
    let taken: Vec<String> = paths.filter(|path| is_taken(path)).map(|path| shown(&path)).collect();
    if taken.is_empty() {
        return Ok(());
    }
    let names = taken.join(", ");
    let are = if taken.len() == 1 { "is" } else { "are" };
    Err(Failure::Refused(format!(
        "{names} {are} there already, so nothing was written; name another folder: rekon init KIND DIR"
    )))
}

/// A disk may fill up between two files.
fn half_done(error: &str, written: &[String]) -> Failure {
    Failure::Refused(match written {
        [] => format!("{error}; nothing was written"),
        some => format!("{error}; written before: {}, which the next init finds in its way", some.join(", ")),
    })
}

fn told(written: &[String], next: &[(String, Both)], screen: Screen) -> String {
    let width = next.iter().map(|(line, _)| line.chars().count()).max().unwrap_or_default();
    let (wrote, then) = (both("wrote", "ditulis:"), both("next:", "berikutnya:"));
    let files = written.iter().map(|path| format!("{} {}", screen.told(&wrote), printable(path)));
    let heading = [String::new(), screen.told(&then).to_owned()];
    let steps = next.iter().map(|(line, what)| format!("  {line:width$}   {}", screen.told(what)));
    files.chain(heading).chain(steps).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_the_path_as_it_is() {
        for (path, expected) in [
            ("shop/refund.yaml", "shop/refund.yaml"),
            ("my shop/refund.yaml", "'my shop/refund.yaml'"),
            ("o'hara/refund.yaml", r"'o'\''hara/refund.yaml'"),
            ("-shop/refund.yaml", "./-shop/refund.yaml"),
        ] {
            assert_eq!(for_a_shell(path), expected);
        }
    }
}
