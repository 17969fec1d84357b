//! Who has worked on a run of several hosts, and who of them was lost.

use serde::Serialize;

use super::words::both::{Both, both};
use crate::journal::joint::Host;

/// A program that has worked on a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkedOn {
    /// Its machine.
    pub host: String,
    /// Its process.
    pub pid: u32,
    /// Whether it was lost: not heard of for longer than its lease. What it had in hand was taken over.
    pub lost: bool,
}

impl From<Host> for WorkedOn {
    fn from(Host { host, pid, is_lost }: Host) -> Self {
        Self { host, pid, lost: is_lost }
    }
}

/// The programs as a line; `None` if there was one, which was not lost.
#[must_use]
pub fn line(hosts: &[WorkedOn]) -> Option<Both> {
    let named = |lost: bool| {
        let those = hosts.iter().filter(|worked| worked.lost == lost);
        those.map(|worked| format!("{} ({})", worked.host, worked.pid)).collect::<Vec<_>>().join(", ")
    };
    let (kept, lost) = (named(false), named(true));
    match (hosts.len(), lost.is_empty()) {
        (0 | 1, true) => None,
        (_, true) => Some(both(format!("hosts: {kept}"), format!("host: {kept}"))),
        (_, false) => Some(both(
            format!("hosts: {kept}; lost: {lost}, and the others have taken over what it had in hand"),
            format!("host: {kept}; hilang: {lost}, dan yang sedang dikerjakannya diambil alih host lain"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_is_no_news_and_the_loss_of_one_is() {
        let host = |host: &str, lost| WorkedOn { host: host.into(), pid: 7, lost };
        assert_eq!(line(&[]), None);
        assert_eq!(line(&[host("a", false)]), None);
        let told = |hosts: &[WorkedOn]| line(hosts).map(|line| line.english.into_owned());
        assert_eq!(told(&[host("a", false), host("b", false)]).as_deref(), Some("hosts: a (7), b (7)"));
        let lost = "hosts: b (7); lost: a (7), and the others have taken over what it had in hand";
        assert_eq!(told(&[host("a", true), host("b", false)]).as_deref(), Some(lost));
    }
}
