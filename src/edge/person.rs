//! Who is at the keyboard, as far as the system says.

/// The name of the person: of whoever called `sudo`, else of the user. A name for the record, not a proof of identity.
#[must_use]
pub fn who() -> String {
    #[expect(clippy::disallowed_methods, reason = "the environment is where the system says who it is")]
    let named = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let name: String = named.unwrap_or_default().chars().filter(|character| !character.is_control()).take(64).collect();
    if name.is_empty() { owner() } else { name }
}

/// The number of the user that this program runs as: under cron nothing else is known.
fn owner() -> String {
    #[cfg(target_os = "linux")]
    if let Ok(own) = std::fs::metadata("/proc/self") {
        return format!("uid {}", std::os::unix::fs::MetadataExt::uid(&own));
    }
    "unknown".to_owned()
}
