//! What the surroundings of this program say: variables that are no secrets, its own arguments and path, and the zone of
//! the machine's clock.

use std::path::{Path, PathBuf};

/// A variable; `None` if it is not set, or empty.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this module and credentials read the environment")]
    let value = std::env::var(name).ok();
    value.filter(|value| !value.is_empty())
}

/// Whether a flag was typed with this value, by whoever's command line could not be read.
#[must_use]
pub fn was_typed(flag: &str, value: &str) -> bool {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let joined = format!("{flag}={value}");
    arguments.contains(&joined) || arguments.windows(2).any(|pair| pair[0] == flag && pair[1] == value)
}

/// Where this program is.
#[must_use]
pub fn program() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

/// The name of the zone that the machine's clock shows, such as `Etc/UTC`; `None` if it cannot be told.
#[must_use]
pub fn zone() -> Option<String> {
    let link = Path::new("/etc/localtime");
    if !link.exists() {
        // Without the file the C library takes UTC.
        return Some("UTC".to_owned());
    }
    let target = std::fs::read_link(link).ok()?.to_string_lossy().into_owned();
    target.split_once("zoneinfo/").map(|(_, name)| name.to_owned())
}
