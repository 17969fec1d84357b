//! `rekon schema`: the JSON Schema of job files, by which an editor completes and checks them.

use super::exit::{DONE, Failure};
use super::screen::Screen;

/// The name that jobs have for it in their first line.
pub(super) const NAME: &str = "rekon.schema.json";

/// The schema. Its keys and words are those of the reader of jobs, and its descriptions stand in `jobs/template.yaml`; tests hold
/// all of them equal.
pub(super) const TEXT: &str = include_str!("../../jobs/rekon.schema.json");

/// `rekon schema`: the same with and without `--json`, for it is JSON.
#[expect(clippy::unnecessary_wraps, reason = "commands have one shape")]
pub(super) fn schema(screen: Screen) -> Result<u8, Failure> {
    screen.verbatim(TEXT.trim_end());
    screen.document(TEXT.as_bytes());
    Ok(DONE)
}
