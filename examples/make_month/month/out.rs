//! The files that are written: in the order in which things are made, or shuffled.
//!
//! A shuffled file goes through buckets: each line falls into one of them, and each is shuffled by itself when all lines are
//! there. So it is shuffled as a whole, and no more than one bucket is in memory.

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::cases::Run;
use super::dice::Dice;
use super::rows;
use super::story::Part;

/// Lines that one bucket has, about.
const BUCKET: u64 = 50_000;

/// All files that grow.
pub(super) struct Out {
    orders: Lines,
    results: [Lines; 4],
    log: Lines,
}

/// A file of lines.
struct Lines {
    file: BufWriter<File>,
    shuffle: Option<Shuffle>,
}

struct Shuffle {
    dice: Dice,
    buckets: Vec<BufWriter<File>>,
}

impl Out {
    pub(super) fn create(folder: &Path, shuffle: Option<u64>, orders: u64) -> io::Result<Self> {
        let create = |name: &str, header: &str| {
            let file = BufWriter::with_capacity(1 << 18, File::create(folder.join(name))?);
            let shuffle = shuffle.map(|seed| Shuffle::new(folder, seed, orders)).transpose()?;
            let mut lines = Lines { file, shuffle };
            lines.file.write_all(header.as_bytes())?;
            Ok::<_, io::Error>(lines)
        };
        let header = rows::results_header();
        let results = |name: &str| create(name, &header);
        Ok(Self {
            orders: create("orders.csv", &rows::header())?,
            results: [
                results("results.csv")?,
                results("results-resumed.csv")?,
                results("results-refunds.csv")?,
                results("results-cancels.csv")?,
            ],
            log: create("notifications.jsonl", "")?,
        })
    }

    pub(super) fn rows(&mut self, part: &Part) -> io::Result<()> {
        self.orders.add(&part.orders)?;
        [Run::Create, Run::Resumed, Run::Refund, Run::Cancel]
            .into_iter()
            .try_for_each(|run| self.results[run as usize].add(&part.results[run as usize]))
    }

    pub(super) fn line(&mut self, line: &str) -> io::Result<()> {
        self.log.add(line)
    }

    /// Writes what is still in buckets; the log ends with this, and no line end.
    pub(super) fn finish(self, torn: &str) -> io::Result<()> {
        self.orders.finish("")?;
        self.results.into_iter().try_for_each(|results| results.finish(""))?;
        self.log.finish(torn)
    }
}

impl Lines {
    /// Adds whole lines.
    fn add(&mut self, lines: &str) -> io::Result<()> {
        match &mut self.shuffle {
            None => self.file.write_all(lines.as_bytes()),
            Some(shuffle) => lines.split_inclusive('\n').try_for_each(|line| shuffle.add(line)),
        }
    }

    fn finish(mut self, last: &str) -> io::Result<()> {
        if let Some(shuffle) = self.shuffle {
            shuffle.pour(&mut self.file)?;
        }
        self.file.write_all(last.as_bytes())?;
        self.file.flush()
    }
}

impl Shuffle {
    fn new(folder: &Path, seed: u64, lines: u64) -> io::Result<Self> {
        let bucket = |_| Ok(BufWriter::new(tempfile::tempfile_in(folder)?));
        Ok(Self { dice: Dice::new(seed), buckets: (0..lines.div_ceil(BUCKET)).map(bucket).collect::<io::Result<_>>()? })
    }

    fn add(&mut self, line: &str) -> io::Result<()> {
        let sides = u32::try_from(self.buckets.len()).expect("a few hundred buckets");
        let bucket = self.dice.roll(sides) as usize;
        self.buckets[bucket].write_all(line.as_bytes())
    }

    fn pour(mut self, file: &mut BufWriter<File>) -> io::Result<()> {
        for bucket in self.buckets {
            let mut bucket = bucket.into_inner()?;
            let mut text = String::new();
            bucket.seek(SeekFrom::Start(0))?;
            bucket.read_to_string(&mut text)?;
            let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
            for last in (1..lines.len()).rev() {
                let sides = u32::try_from(last + 1).expect("lines of one bucket");
                lines.swap(last, self.dice.roll(sides) as usize);
            }
            lines.iter().try_for_each(|line| file.write_all(line.as_bytes()))?;
        }
        Ok(())
    }
}
