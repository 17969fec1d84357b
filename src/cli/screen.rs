//! What the program prints: data to stdout, everything else to stderr.

use std::io::{self, BufWriter, ErrorKind, IsTerminal as _, Write};
use std::sync::OnceLock;

use console::Term;
use serde_json::Value;

use super::args::{Color, Common, Paper, PaperArgs};
use super::exit::{self, Failure};
use super::log::{self, Level, Log, LogFormat};
use super::wrap::wrapped;
use crate::edge::clock::SystemClock;
use crate::edge::environment;
use crate::journal::cause::Cause;
use crate::model::fault::{Fault, printable};
use crate::model::language::Language;
use crate::report::words::both::{self, Both, Told, both};
use crate::report::words::speech::Speech;
use crate::runner::clock::Clock as _;

/// Where and how to print.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    format: Format,
    notes: Notes,
    colored: bool,
    language: Language,
    /// As long as the program: every copy of the screen writes to the same.
    log: &'static Log,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Text,
    Json,
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notes {
    Shown,
    Quiet,
}

/// How a piece of text is meant.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tone {
    Title,
    Good,
    Bad,
}

/// More faults than these are counted only: one slip in a column is as many faults as the file has rows.
const MOST_FAULTS: usize = 200;

impl Screen {
    pub(super) fn new(common: &Common) -> Self {
        let colored = match common.color {
            Color::Always => true,
            Color::Never => false,
            // https://no-color.org
            Color::Auto if environment::variable("NO_COLOR").is_some() => false,
            Color::Auto => std::io::stdout().is_terminal() && std::io::stderr().is_terminal(),
        };
        let named = environment::variable("REKON_LOG");
        let of_environment = named.as_deref().map(|word| <Level as clap::ValueEnum>::from_str(word, true));
        let quietly = if common.quiet { Level::Warn } else { Level::Info };
        let level = common.log_level.or(of_environment.clone().and_then(Result::ok)).unwrap_or(quietly);
        let screen = Self {
            format: if common.json { Format::Json } else { Format::Text },
            notes: if common.quiet { Notes::Quiet } else { Notes::Shown },
            colored,
            language: common.lang.unwrap_or_default(),
            log: Box::leak(Box::new(Log::new(common.log_format, level))),
        };
        if let (Some(Err(_)), None) = (of_environment, common.log_level) {
            screen.warn(&both(
                "REKON_LOG is none of error, warn, info, debug; it is left aside",
                "REKON_LOG bukan error, warn, info atau debug; diabaikan",
            ));
        }
        screen
    }

    /// The screen of a command that may write Markdown.
    ///
    /// # Errors
    /// Somebody wants JSON as well.
    pub(super) fn on(self, paper: PaperArgs) -> Result<Self, Failure> {
        match (paper.format, self.format) {
            (Paper::Text, _) => Ok(self),
            (Paper::Md, Format::Json) => {
                Err(Failure::Refused("--json and --format md both say what goes to stdout; choose one of them".into()))
            }
            (Paper::Md, Format::Text | Format::Markdown) => {
                Ok(Self { format: Format::Markdown, colored: false, ..self })
            }
        }
    }

    /// The screen of a command line that cannot be read, but for its wish for JSON.
    pub(super) fn for_machines() -> Self {
        let log = Box::leak(Box::new(Log::new(LogFormat::Json, Level::Info)));
        Self { format: Format::Text, notes: Notes::Shown, colored: false, language: Language::English, log }
    }

    /// The log of the program.
    pub(super) fn log(self) -> &'static Log {
        self.log
    }

    /// Something that happened, for the log.
    pub(super) fn event(self, level: Level, event: &str, fields: &Value) {
        if let Some(line) = self.log.line(SystemClock.now(), level, event, fields) {
            self.err(&line);
        }
    }

    /// Whether stderr is for machines.
    fn logs_json(self) -> bool {
        self.log.format == LogFormat::Json
    }

    /// The same screen for readers of a language.
    pub(super) fn speaking(self, language: Language) -> Self {
        Self { language, ..self }
    }

    /// The language of the reader.
    pub(super) fn language(self) -> Language {
        self.language
    }

    /// A text in the language of the reader.
    pub(super) fn told(self, text: &(impl Told + ?Sized)) -> &str {
        text.told(self.language)
    }

    /// The words of the reader's language.
    pub(super) fn words(self) -> &'static Speech {
        Speech::of(self.language)
    }

    /// Words for people, which machines get as an event, in English.
    fn tell(self, level: Level, event: &str, text: &(impl Told + ?Sized)) {
        if self.logs_json() {
            self.event(level, event, &serde_json::json!({ "message": text.told(Language::English) }));
        } else if level <= self.log.level {
            self.lines(self.told(text));
        }
    }

    /// Text for people, on stderr.
    fn lines(self, text: &str) {
        let width = std::io::stderr().is_terminal().then(|| columns(&Term::stderr()));
        self.err(&width.map_or_else(|| text.to_owned(), |width| wrapped(text, width)));
    }

    fn err(self, text: &str) {
        self.log.unseen(&mut || {
            let _ = writeln!(std::io::stderr(), "{text}");
        });
    }

    /// Whether the user asked for a document.
    pub(super) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// Whether progress may be shown.
    pub(super) fn shows_progress(self) -> bool {
        self.notes == Notes::Shown
    }

    /// Whether somebody watches stderr, so that lines can move there.
    pub(super) fn is_watched(self) -> bool {
        self.shows_progress() && std::io::stderr().is_terminal() && !self.logs_json()
    }

    /// Whether the user asked for Markdown.
    pub(super) fn is_markdown(self) -> bool {
        self.format == Format::Markdown
    }

    /// Markdown, on stdout; only with `--format md`.
    pub(super) fn paper(self, markdown: impl FnOnce() -> String) {
        if self.is_markdown() {
            out(&markdown());
        }
    }

    /// Text for people, on stdout; nothing with `--json` or `--format md`.
    pub(super) fn say(self, text: &str) {
        if self.format == Format::Text {
            let width = std::io::stdout().is_terminal().then(|| columns(&Term::stdout()));
            out(&width.map_or_else(|| text.to_owned(), |width| wrapped(text, width)));
        }
    }

    /// Text that another program reads, on stdout: every line as it is, however wide the terminal; nothing with `--json`.
    pub(super) fn verbatim(self, text: &str) {
        if self.format == Format::Text {
            out(text);
        }
    }

    /// A document for machines, on stdout; only with `--json`.
    pub(super) fn document(self, json: &[u8]) {
        if self.format == Format::Json {
            out(String::from_utf8_lossy(json).trim_end());
        }
    }

    /// A long document for machines, on stdout, written piece by piece; only with `--json`.
    pub(super) fn written(self, write: impl FnOnce(&mut dyn Write) -> serde_json::Result<()>) {
        if self.format == Format::Json {
            let mut stdout = BufWriter::new(std::io::stdout().lock());
            let written = write(&mut stdout).map_err(io::Error::from);
            note_unwritten(written.and_then(|()| writeln!(stdout)).and_then(|()| stdout.flush()));
        }
    }

    /// A note on stderr, unless `--quiet`.
    pub(super) fn note(self, text: &(impl Told + ?Sized)) {
        if self.notes == Notes::Shown {
            self.tell(Level::Info, "note", text);
        }
    }

    /// Begins a new line where the terminal has just shown `^C`. Moving pictures take it away with them.
    pub(super) fn below_the_echo(self) {
        if std::io::stderr().is_terminal() && !self.log.is_behind() {
            self.err("");
        }
    }

    /// Something that must be seen, on stderr.
    pub(super) fn warn(self, text: &(impl Told + ?Sized)) {
        self.tell(Level::Warn, "warning", text);
    }

    /// Text in its tone, if colours are on.
    pub(super) fn tone(self, tone: Tone, text: &str) -> String {
        if !self.colored {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Title => "1",
            Tone::Good => "32",
            Tone::Bad => "1;31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A fault that keeps nothing from going on, on stderr.
    pub(super) fn fault(self, fault: &Fault) {
        if self.logs_json() {
            self.event(Level::Warn, "fault", &log::fault(fault));
        } else {
            self.warn(&fault.to_string());
        }
    }

    /// Faults of rows that are left out, on stderr: the first ones, and how many more there are.
    pub(super) fn left_out<'f>(self, mut faults: impl Iterator<Item = &'f Fault>) {
        faults.by_ref().take(MOST_FAULTS).for_each(|fault| self.fault(fault));
        let more = faults.count();
        if more > 0 {
            self.warn(&both(format!("and {more} more faults"), format!("dan {more} kesalahan lagi")));
        }
    }

    /// Faults, on stderr.
    pub(super) fn faults(self, faults: &[Fault]) {
        for fault in faults.iter().take(MOST_FAULTS) {
            if self.logs_json() {
                self.event(Level::Error, "fault", &log::fault(fault));
            } else {
                self.lines(&fault.to_string());
            }
        }
        let count = faults.len();
        if count > MOST_FAULTS {
            let more = count - MOST_FAULTS;
            let text = both(
                format!("and {more} more; --json lists them all"),
                format!("dan {more} lagi; --json menampilkan semua"),
            );
            self.tell(Level::Error, "faults", &text);
        }
        let faults = if count == 1 { "fault" } else { "faults" };
        let text =
            both(format!("{count} {faults}; nothing was sent"), format!("{count} kesalahan; tidak ada yang dikirim"));
        self.tell(Level::Error, "nothing_sent", &text);
    }

    /// Why a command ended without a result, on stderr.
    pub(super) fn failure(self, failure: &Failure) {
        // A fault of what was typed or found is told in English; what became of the money, in the reader's language.
        let tell = |message: &Both, [english, indonesian]: [&str; 2]| {
            let text = both(
                format!("{}\n{english}", printable_lines(&message.english)),
                format!("{}\n{indonesian}", printable_lines(&message.indonesian)),
            );
            self.tell(Level::Error, "failure", &text);
        };
        let nothing_sent = ["nothing was sent", "tidak ada yang dikirim"];
        match failure {
            Failure::Faults(faults) => self.faults(faults),
            Failure::Guards(message) => tell(message, nothing_sent),
            Failure::Refused(message) => tell(&Both::same(message), nothing_sent),
            Failure::Held(message) => tell(
                &Both::same(message),
                ["nothing was sent; try again later", "tidak ada yang dikirim; coba lagi nanti"],
            ),
            Failure::Interrupted => tell(
                &both::spoken(|words| (words.because)(&Cause::Interrupted)),
                [
                    "nothing was sent; run the same command again",
                    "tidak ada yang dikirim; jalankan lagi perintah yang sama",
                ],
            ),
            Failure::DoubtMeanwhile(doubt) => {
                let why = both::spoken(|words| (words.because)(&Cause::Interrupted));
                let doubt = both(printable_lines(&doubt.english), printable_lines(&doubt.indonesian));
                let english =
                    format!("nothing was sent now; run the same command again (exit code 3)\n{}", doubt.english);
                let indonesian = format!(
                    "sekarang tidak ada yang dikirim; jalankan lagi perintah yang sama (kode keluar 3)\n{}",
                    doubt.indonesian
                );
                tell(&why, [&english, &indonesian]);
            }
            // It says itself what became of the money.
            Failure::InDoubt(message) => self.tell(Level::Error, "failure", &*printable_lines(message)),
            Failure::Stopped(message) => tell(
                &Both::same(message),
                [
                    "what is known is in the journal; run the job again",
                    "yang sudah diketahui ada di jurnal; jalankan lagi job ini",
                ],
            ),
            Failure::Unwritten(message) => tell(
                &Both::same(message),
                [
                    "nothing was sent, and nothing is reported; make room or name another folder, and do it again",
                    "tidak ada yang dikirim, dan tidak ada laporan; sediakan ruang atau sebutkan folder lain, lalu ulangi",
                ],
            ),
            Failure::Journal(message) => tell(
                &Both::same(message),
                [
                    "run the job again: what the journal does not know is asked for with the same keys",
                    "jalankan lagi job ini: yang tidak diketahui jurnal ditanyakan lagi dengan kunci yang sama",
                ],
            ),
        }
    }

    /// The same for machines: the one document of a command that has no other.
    pub(super) fn failure_document(self, failure: &Failure) {
        let (faults, message) = match failure {
            Failure::Faults(faults) => (faults.as_slice(), None),
            Failure::Guards(message) => (&[][..], Some(message.english.to_string())),
            Failure::Interrupted | Failure::DoubtMeanwhile(_) => (&[][..], Some(failure.to_string())),
            Failure::Refused(message)
            | Failure::Held(message)
            | Failure::Stopped(message)
            | Failure::Journal(message)
            | Failure::Unwritten(message)
            | Failure::InDoubt(message) => (&[][..], Some(message.clone())),
        };
        let document = serde_json::json!({
            "version": 1, "exit_code": failure.code(), "error": message, "faults": faults_json(faults),
        });
        self.document(document.to_string().as_bytes());
    }

    /// What the program exits with, given whether all of its output could be written.
    pub(super) fn unless_unwritten(self, code: u8) -> u8 {
        let Some(error) = UNWRITTEN.get() else { return code };
        let text = both(
            format!("the output could not be written: {error}; what stands there is not whole"),
            format!("keluaran tidak dapat ditulis: {error}; isinya tidak lengkap"),
        );
        self.tell(Level::Error, "failure", &text);
        if matches!(code, exit::DONE | exit::LOOK) { exit::STOPPED } else { code }
    }
}

/// The columns of a terminal; where it does not say, as many as terminals have always had.
pub(super) fn columns(terminal: &Term) -> usize {
    terminal.size_checked().filter(|(_, columns)| *columns > 0).map_or(80, |(_, columns)| usize::from(columns))
}

/// Faults as a list for machines.
pub(super) fn faults_json(faults: &[Fault]) -> serde_json::Value {
    let json = |fault: &Fault| {
        serde_json::json!({
            "file": fault.place.file, "line": fault.place.line, "column": fault.place.column,
            "message": fault.message, "hint": fault.hint,
        })
    };
    faults.iter().map(json).collect()
}

pub(super) fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

/// Why something could not be written on stdout; there is only one of these.
static UNWRITTEN: OnceLock<String> = OnceLock::new();

/// A reader that has gone away, as `head` does, is no reason to fail: the results are in the files. A full disk is one: whoever
/// keeps the output would take a part for the whole.
fn out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    note_unwritten(writeln!(stdout, "{text}").and_then(|()| stdout.flush()));
}

fn note_unwritten(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        UNWRITTEN.get_or_init(|| error.to_string());
    }
}
