//! report.html: the summary for people who would rather look. One file, nothing from outside.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::overrides;
use super::summary::Summary;
use crate::model::money::Tally;
use crate::model::verdict::Verdict;
use crate::report::sheet::Break;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1b1f24;\
background:#fff}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.25rem .75rem;border-bottom:1px solid #8884}td.n,th.n{text-align:right;\
font-variant-numeric:tabular-nums}.doubt{background:#b00020;color:#fff;padding:.75rem 1rem;border-radius:.3rem}\
.fine{background:#1b6e3c;color:#fff;padding:.75rem 1rem;border-radius:.3rem}\
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#16181c}}@media print{body{margin:0}}";

/// Writes the report: money in doubt first, then the totals, then the orders that need a person.
#[must_use]
pub fn page(summary: &Summary, breaks: &[Break]) -> Vec<u8> {
    let mut page = String::new();
    let title = escape(&format!("{} · run {}", summary.job, summary.run));
    let _ = write!(
        page,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style><h1>{title}</h1>"
    );
    let _ = write!(
        page,
        "<p>{} in {}, {} to {}, exit code {}</p>",
        escape(&summary.operation),
        escape(&summary.environment),
        escape(&summary.started_at),
        escape(&summary.finished_at),
        summary.exit_code
    );
    if summary.in_doubt.count > 0 {
        let doubt = summary.in_doubt;
        let _ = write!(
            page,
            "<p class=\"doubt\">Money in doubt: {} rows, {}. Run the job again.</p>",
            doubt.count, doubt.rupiah
        );
    } else {
        page.push_str("<p class=\"fine\">No money is in doubt.</p>");
    }
    if let Some(stopped) = &summary.stopped {
        let _ = write!(page, "<p class=\"doubt\">Stopped part-way: {}</p>", escape(stopped));
    }
    for line in overrides::lines(&summary.overrides).lines() {
        let _ = write!(page, "<p class=\"doubt\">Guard {}</p>", escape(line));
    }
    tallies(&mut page, "Rows by state", &summary.states);
    tallies(&mut page, "Orders by verdict", &summary.verdicts);
    tallies(&mut page, "Log lines that prove nothing", &summary.unmatched);
    let holds = if summary.identity.holds { "Rows in = rows out." } else { "ROWS IN AND ROWS OUT DIFFER." };
    let _ = write!(page, "<p>{holds}</p>");
    let need_a_person = Verdict::ALL.into_iter().filter(|verdict| verdict.needs_a_person());
    let all = need_a_person.filter_map(|verdict| summary.verdicts.get(verdict.word())).map(|tally| tally.count).sum();
    orders(&mut page, breaks, all);
    page.push_str("</html>\n");
    page.into_bytes()
}

fn tallies(page: &mut String, title: &str, tallies: &BTreeMap<&'static str, Tally>) {
    let _ = write!(page, "<h2>{title}</h2><table><tr><th></th><th class=n>count</th><th class=n>rupiah</th></tr>");
    for (name, tally) in tallies.iter().filter(|(_, tally)| tally.count > 0) {
        let _ =
            write!(page, "<tr><td>{name}</td><td class=n>{}</td><td class=n>{}</td></tr>", tally.count, tally.rupiah);
    }
    page.push_str("</table>");
}

fn orders(page: &mut String, breaks: &[Break], all: u64) {
    if breaks.is_empty() {
        return;
    }
    page.push_str("<h2>Orders that need a person</h2><table><tr><th>invoice</th><th class=n>amount</th><th>verdict</th><th>reason</th></tr>");
    for order in breaks {
        let _ = write!(
            page,
            "<tr><td>{}</td><td class=n>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&order.invoice),
            order.amount,
            order.verdict,
            escape(&order.reason)
        );
    }
    page.push_str("</table>");
    let more = all.saturating_sub(breaks.len() as u64);
    if more > 0 {
        let _ = write!(page, "<p>{more} more are in reconciliation.csv.</p>");
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_cannot_become_markup() {
        assert_eq!(escape("<b>\"a\" & 'c'"), "&lt;b&gt;&quot;a&quot; &amp; &#39;c&#39;");
    }
}
