//! A stream in blocks on all cores: each thread reads a block when it has nothing else to do, works on it, and the results
//! come back in the order of the stream.
//!
//! A *block* ends where a line or a CSV record ends, so that nobody has to put pieces together. There are only so many
//! buffers: one is free again when the result of its block has been taken, so that neither a slow block nor a slow taker
//! lets the others run ahead and fill the memory.

use std::io::{self, Read};

use super::parallel::work_off;
use memchr::{memchr_iter, memrchr, memrchr2_iter};

/// How large a block is, unless a single line or record is larger.
pub(crate) const BLOCK_BYTES: usize = 256 << 10;

/// Where a block may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// After a line feed.
    Lines,
    /// After a line feed that is not between quotes: the end of a CSV record. In a text with an odd quote somewhere this is
    /// not where a person sees the records end; the strict reading refuses such a text anyhow.
    Records,
}

/// Some whole lines or records of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    /// Their bytes, with their line ends; never empty.
    pub bytes: &'a [u8],
    /// Where they begin in the stream, in bytes.
    pub offset: u64,
    /// The line on which they begin, from 1.
    pub first_line: u64,
    /// Whether the stream ends with them. Only then the line end of the last one may be missing.
    pub is_last: bool,
}

/// Why a stream was not worked through to its end.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped<R, T> {
    /// It cannot be read.
    #[error("{0}")]
    Reading(R),
    /// Who takes the results wants no more.
    #[error("{0}")]
    Taking(T),
}

/// Reads a stream block by block, works on the blocks on `threads` threads, and hands the results to `take` on the calling
/// thread, in the order of the stream.
///
/// # Errors
/// The stream cannot be read: all results before that place have been taken. Or what `take` says.
///
/// # Panics
/// If `work`, `take` or the stream does.
pub fn in_blocks<R: Send, E>(
    source: impl Read + Send,
    cut: Cut,
    threads: usize,
    work: impl Fn(Block<'_>) -> R + Sync,
    take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), Stopped<io::Error, E>> {
    in_blocks_of(BLOCK_BYTES, source, cut, threads, work, take)
}

/// [`in_blocks`] with blocks of another size.
pub(crate) fn in_blocks_of<R: Send, E>(
    size: usize,
    source: impl Read + Send,
    cut: Cut,
    threads: usize,
    work: impl Fn(Block<'_>) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), Stopped<io::Error, E>> {
    let mut cutter = Cutter { source, cut, size, offset: 0, line: 1, rest: Vec::new(), is_done: false };
    let work = |parcel: &mut Parcel| {
        let Parcel { buffer, length, offset, first_line, is_last, failed } = parcel;
        match failed.take() {
            Some(error) => Err(error),
            None => Ok(work(Block {
                bytes: &buffer[..*length],
                offset: *offset,
                first_line: *first_line,
                is_last: *is_last,
            })),
        }
    };
    let take = |result: io::Result<R>| take(result.map_err(Stopped::Reading)?).map_err(Stopped::Taking);
    work_off(threads, |used| cutter.next(used), work, take)
}

/// A block on its way: its bytes, and where it was.
#[derive(Default)]
struct Parcel {
    /// Longer than the block, so that a buffer need not be cleared and filled with zeros again.
    buffer: Vec<u8>,
    length: usize,
    offset: u64,
    first_line: u64,
    is_last: bool,
    /// Instead of a block: the stream cannot be read any further.
    failed: Option<io::Error>,
}

/// Reads a stream and cuts it.
struct Cutter<S> {
    source: S,
    cut: Cut,
    size: usize,
    offset: u64,
    line: u64,
    /// What was read beyond the last block; at least one byte, so that no block is there before it is known whether another
    /// one follows.
    rest: Vec<u8>,
    is_done: bool,
}

impl<S: Read> Cutter<S> {
    /// The next block, in a used buffer if there is one.
    fn next(&mut self, used: Option<Parcel>) -> Option<Parcel> {
        if self.is_done {
            return None;
        }
        let mut buffer = used.map(|parcel| parcel.buffer).unwrap_or_default();
        let rest = std::mem::take(&mut self.rest);
        let (read, length) = match self.fill(&mut buffer, &rest) {
            Ok(filled) => filled,
            Err(error) => {
                self.is_done = true;
                return Some(Parcel { failed: Some(error), ..Parcel::default() });
            }
        };
        self.is_done = length == read;
        if length == 0 {
            return None;
        }
        self.rest = rest;
        self.rest.clear();
        self.rest.extend_from_slice(&buffer[length..read]);
        let (offset, first_line) = (self.offset, self.line);
        self.offset += length as u64;
        self.line += memchr_iter(b'\n', &buffer[..length]).count() as u64;
        Some(Parcel { buffer, length, offset, first_line, is_last: self.is_done, failed: None })
    }

    /// Reads on after `rest` until there is a whole block. How much is in the buffer then, and how much of it the block is:
    /// all of it at the end of the stream, and less before.
    fn fill(&mut self, buffer: &mut Vec<u8>, rest: &[u8]) -> io::Result<(usize, usize)> {
        let mut wanted = self.size.max(rest.len() + 1);
        let mut read = rest.len();
        let mut seen = Seen::default();
        buffer.resize(wanted.max(buffer.len()), 0);
        buffer[..read].copy_from_slice(rest);
        loop {
            while read < wanted {
                match self.source.read(&mut buffer[read..wanted]) {
                    Ok(0) => return Ok((read, read)),
                    Ok(more) => read += more,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            if let Some(length) = seen.end(self.cut, &buffer[..read - 1]) {
                return Ok((read, length));
            }
            // A line or a record that is larger than a block.
            wanted = wanted.max(self.size / 2) * 2;
            buffer.resize(wanted.max(buffer.len()), 0);
        }
    }
}

/// How much of a growing text has been searched in vain, and how many quotes there were.
#[derive(Debug, Default)]
struct Seen {
    length: usize,
    quotes: usize,
}

impl Seen {
    /// Behind the last place where the text can be cut.
    fn end(&mut self, cut: Cut, text: &[u8]) -> Option<usize> {
        let fresh = &text[self.length..];
        let found = match cut {
            Cut::Lines => memrchr(b'\n', fresh),
            Cut::Records => self.end_of_record(fresh),
        };
        let end = found.map(|at| self.length + at + 1);
        self.length = text.len();
        end
    }

    /// The last line feed with an even number of quotes before it.
    fn end_of_record(&mut self, fresh: &[u8]) -> Option<usize> {
        self.quotes += memchr_iter(b'"', fresh).count();
        let mut before = self.quotes;
        for at in memrchr2_iter(b'"', b'\n', fresh) {
            match fresh[at] {
                b'"' => before -= 1,
                _ if before.is_multiple_of(2) => return Some(at),
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;

    /// A block as a test keeps it.
    type Kept = (Vec<u8>, u64, u64, bool);

    fn keep(block: Block<'_>) -> Kept {
        (block.bytes.to_vec(), block.offset, block.first_line, block.is_last)
    }

    fn blocks(size: usize, text: &[u8], cut: Cut, threads: usize) -> Vec<Kept> {
        let mut kept = Vec::new();
        let take = |block| {
            kept.push(block);
            Ok::<(), Infallible>(())
        };
        in_blocks_of(size, text, cut, threads, keep, take).unwrap();
        kept
    }

    #[track_caller]
    fn texts(text: &str, size: usize, cut: Cut, expected: &[&str]) {
        let found = blocks(size, text.as_bytes(), cut, 2);
        let found: Vec<&str> = found.iter().map(|(bytes, ..)| std::str::from_utf8(bytes).unwrap()).collect();
        assert_eq!(found, expected, "{text:?} in blocks of {size}");
    }

    #[test]
    fn a_block_ends_where_a_line_or_a_record_ends() {
        texts("", 4, Cut::Lines, &[]);
        texts("a\nb\nc", 1, Cut::Lines, &["a\n", "b\n", "c"]);
        texts("a\nb\nc\n", 4, Cut::Lines, &["a\n", "b\n", "c\n"]);
        texts("a\nb\nc\n", 5, Cut::Lines, &["a\nb\n", "c\n"]);
        texts("a,\"\n\"\nb\n", 1, Cut::Records, &["a,\"\n\"\n", "b\n"]);
        texts("a,\"\n\"\nb\n", 5, Cut::Lines, &["a,\"\n", "\"\nb\n"]);
        texts("a,\"\nb\nc\n", 1, Cut::Records, &["a,\"\nb\nc\n"]);
    }

    #[test]
    fn a_record_larger_than_a_block_is_one_block() {
        let long = "x".repeat(1000);
        texts(&format!("{long}\n{long}"), 64, Cut::Lines, &[&format!("{long}\n"), &long]);
    }

    #[test]
    fn results_come_in_the_order_of_the_stream_however_long_each_takes() {
        let text = (0..500).map(|number| number.to_string()).collect::<Vec<String>>().join("\n");
        // The first block is done last: it waits until another worker has worked ahead as far as the buffers go.
        let ahead = (Mutex::new(0), std::sync::Condvar::new());
        let work = |block: Block<'_>| {
            let (count, changed) = &ahead;
            let mut count = count.lock().unwrap();
            if block.offset == 0 {
                drop(changed.wait_while(count, |count| *count < 6).unwrap());
            } else {
                *count += 1;
                changed.notify_all();
            }
            block.bytes.to_vec()
        };
        let mut all = Vec::new();
        let take = |bytes: Vec<u8>| {
            all.extend(bytes);
            Ok::<(), Infallible>(())
        };
        in_blocks_of(16, text.as_bytes(), Cut::Lines, 3, work, take).unwrap();
        assert_eq!(String::from_utf8(all).unwrap(), text);
    }

    /// Lines for ever, until one read fails.
    struct Failing(usize);

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::Error::other("the disk is gone"));
            }
            self.0 -= 1;
            buffer.fill(b'\n');
            Ok(buffer.len())
        }
    }

    #[test]
    fn an_error_of_the_stream_comes_after_all_that_was_read_before() {
        let mut bytes = 0;
        let take = |length: usize| {
            bytes += length;
            Ok::<(), Infallible>(())
        };
        let error = in_blocks_of(8, Failing(100), Cut::Lines, 2, |block| block.bytes.len(), take).unwrap_err();
        assert_eq!(error.to_string(), "the disk is gone");
        assert!((700..800).contains(&bytes), "{bytes}");
    }

    #[test]
    fn who_wants_no_more_ends_everything() {
        let mut left = 5;
        let take = |()| {
            left -= 1;
            if left == 0 { Err("enough") } else { Ok(()) }
        };
        let ended = in_blocks_of(8, Failing(usize::MAX), Cut::Lines, 2, |_| (), take);
        assert!(matches!(ended, Err(Stopped::Taking("enough"))));
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("stream")
        }
    }

    #[test]
    fn a_panic_anywhere_reaches_the_caller() {
        let said = |source: &mut (dyn Read + Send), worker: bool, taker: bool| {
            let work = |block: Block<'_>| assert!(!worker || block.offset < 100, "worker");
            let take = |()| {
                assert!(!taker, "taker");
                Ok::<(), Infallible>(())
            };
            let run = || in_blocks_of(8, source, Cut::Lines, 2, work, take);
            let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
            *panic.downcast::<&str>().unwrap()
        };
        assert_eq!(said(&mut Failing(usize::MAX), true, false), "worker");
        assert_eq!(said(&mut Failing(usize::MAX), false, true), "taker");
        assert_eq!(said(&mut Broken, false, false), "stream");
    }

    proptest! {
        #[test]
        fn every_size_of_block_gives_the_same_stream(text in "([ab]|\n|\"){0,40}", size in 1..12_usize, threads in 1..4_usize) {
            for cut in [Cut::Lines, Cut::Records] {
                let found = blocks(size, text.as_bytes(), cut, threads);
                let mut before = String::new();
                for (index, (bytes, offset, first_line, is_last)) in found.iter().enumerate() {
                    prop_assert_eq!(*offset, before.len() as u64);
                    prop_assert_eq!(*first_line, before.matches('\n').count() as u64 + 1);
                    prop_assert_eq!(*is_last, index + 1 == found.len());
                    before += std::str::from_utf8(bytes).unwrap();
                    let quotes = if cut == Cut::Lines { 0 } else { before.matches('"').count() };
                    prop_assert!(*is_last || (before.ends_with('\n') && quotes % 2 == 0), "{:?}", before);
                }
                prop_assert_eq!(&before, &text);
            }
        }
    }
}
