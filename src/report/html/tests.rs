//! The page as text: what it says, that nothing from outside becomes markup, and that it says it in both languages.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::journal::cause::Cause;
use crate::journal::history::Overridden;
use crate::model::money::{Rupiah, Tally};
use crate::model::time::parse_instant;
use crate::model::verdict::Verdict;
use crate::plan::Dispositions;
use crate::reconcile::evidence::DoneState;
use crate::reconcile::reason::Reason;
use crate::reconcile::total::{DayTotal, Identity};
use crate::report::highlights::Break;
use crate::report::pictures::{End, Start};
use crate::report::summary::Revealed;

fn tally(count: u64, rupiah: u64) -> Tally {
    Tally { count, rupiah: Rupiah::new(rupiah) }
}

/// A refund of three rows: one done, one refused, one in doubt.
fn summary() -> Summary {
    let rows = tally(3, 1_250_000);
    let files = ["reconciliation.csv", "results.csv", "report.html", "summary.json"];
    Summary {
        version: 1,
        job: "refund-nightly".into(),
        operation: "refund".into(),
        environment: "production".into(),
        run: "20261122-010203-0001".into(),
        started_at: "2026-11-21T11:02:00Z".into(),
        finished_at: "2026-11-21T11:03:00Z".into(),
        exit_code: 3,
        stopped: None,
        rows,
        states: BTreeMap::from([
            (DoneState::Succeeded.word(), tally(1, 1_000_000)),
            (DoneState::Refused.word(), tally(1, 150_000)),
            (DoneState::Unknown.word(), tally(1, 100_000)),
        ]),
        dispositions: Dispositions::default(),
        verdicts: BTreeMap::from([
            (Verdict::Matched.word(), tally(1, 1_000_000)),
            (Verdict::Failed.word(), tally(1, 150_000)),
            (Verdict::InDoubt.word(), tally(1, 100_000)),
        ]),
        severity: BTreeMap::new(),
        reasons: BTreeMap::from([("failed", BTreeMap::from([(Reason::Refused.to_string(), tally(1, 150_000))]))]),
        waiting: BTreeMap::from([("3d to 7d", tally(2, 5))]),
        period: None,
        log: None,
        inputs: None,
        in_doubt: tally(1, 100_000),
        in_doubt_earlier: Tally::default(),
        done_elsewhere: BTreeMap::default(),
        unmatched: BTreeMap::new(),
        days: vec![DayTotal {
            date: Some("2026-05-20".into()),
            of: "verdict",
            word: "matched",
            tally: tally(1, 1_000_000),
        }],
        identity: Identity { holds: true, rows, states: rows, verdicts: rows, repeated: Tally::default() },
        guards: Vec::new(),
        limits: None,
        overrides: Vec::new(),
        revealed: None,
        hosts: Vec::new(),
        plan: None,
        journal: None,
        files: files.into_iter().map(|name| (name.to_owned(), format!("out/{name}"))).collect(),
    }
}

fn highlights() -> Highlights {
    let breaks = vec![
        Break::of("INV-2", Verdict::InDoubt, Reason::NoProof, 100_000),
        Break::of("INV-3", Verdict::Failed, Reason::Refused, 150_000),
    ];
    Highlights::of(breaks, tally(2, 250_000))
}

/// The page of these values, with whatever else is known.
fn told(summary: &Summary, highlights: &Highlights, language: Language) -> String {
    let mut flow = Flow::default();
    flow.add(Start::Send, End::State(DoneState::Succeeded), tally(1, 1_000_000));
    flow.add(Start::Send, End::State(DoneState::Unknown), tally(1, 100_000));
    let mut timing = Timing::default();
    let sent = parse_instant("2026-11-21T11:02:00Z").unwrap();
    timing.take(sent, Some(sent + chrono::Duration::milliseconds(1_500)));
    let cell = |header: &str, text: &str| Cell { header: header.into(), text: text.into() };
    let cells = BTreeMap::from([(1, vec![cell("Nama<", "<b>\"B***\" & 'S***'")])]);
    let page = Page { summary, highlights, flow: &flow, timing: Some(&timing), cells: &cells, language };
    String::from_utf8(super::page(&page)).unwrap()
}

#[test]
fn money_in_doubt_comes_first() {
    let page = told(&summary(), &highlights(), Language::English);
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is not there:\n{page}"));
    let doubt = place("Money in doubt: <a href=\"#verdict=in_doubt\">Rp\u{a0}100.000</a>");
    assert!(place("<main>") < doubt && doubt < place("What happened"));
    assert!(place("Run the same job again.") < place("What happened"));
}

#[test]
fn both_languages_write_numbers_dates_and_words_as_their_readers_do() {
    let page = told(&summary(), &highlights(), Language::Indonesian);
    for text in [
        "<html lang=\"id\">",
        "Uang yang belum pasti",
        "Rp\u{a0}1.250.000",
        "21 Nov 2026 18.02.00 WIB",
        "20 Mei 2026",
        "Pengembalian dana · production",
        "belum ada bukti hasil permintaan kita",
        "≤ 2\u{a0}dtk",
        "3 sampai 7 hari",
    ] {
        assert!(page.contains(text), "{text}");
    }
    let page = told(&summary(), &highlights(), Language::English);
    for text in ["<html lang=\"en\">", "Rp\u{a0}1.250.000", "21 Nov 2026 18:02:00 WIB", "20 May 2026", "≤ 2\u{a0}s"] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn no_english_word_is_left_in_the_indonesian_page() {
    let page = told(&summary(), &highlights(), Language::Indonesian);
    let body = &page[page.find("<body>").unwrap()..page.find("<script>").unwrap()];
    for word in ["Orders", "Matched", "Refused", "Unknown", "shown", "Search", "person", "Reason", "Verdict", "rows<"] {
        assert!(!body.contains(word), "{word}");
    }
}

#[test]
fn what_comes_from_outside_is_text_and_never_markup() {
    let hostile = "<script>alert(1)</script>\"'&\u{202e}\u{7}";
    let mut summary = summary();
    summary.stopped = Some(Cause::Journal { error: hostile.into() });
    summary.revealed = Some(Revealed { by: hostile.into(), at: "2026-11-21T11:03:00Z".into() });
    summary.overrides = vec![Overridden {
        guard: "max_total".into(),
        from: "75000000".into(),
        to: "90000000".into(),
        reason: hostile.into(),
        by: hostile.into(),
    }];
    let mut highlights = highlights();
    highlights.breaks[0].invoice = Some(format!("{hostile}{}", "x".repeat(5_000)));
    let page = told(&summary, &highlights, Language::English);
    assert_eq!(page.matches("<script>").count(), 1, "its own and no other");
    assert!(page.contains("&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;\u{fffd}\u{fffd}"), "{page}");
    assert!(!page.contains('\u{202e}') && !page.contains("<b>"));
    assert!(page.contains("Guard max_total was loosened from Rp\u{a0}75.000.000 to Rp\u{a0}90.000.000"));
}

#[test]
fn every_figure_of_the_totals_leads_to_its_rows() {
    let page = told(&summary(), &highlights(), Language::English);
    // In the page are the two that need a person; the one that is done is in the file beside it.
    for link in [
        "<a href=\"#verdict=failed\">1</a>",
        "<a href=\"#verdict=in_doubt\">1</a>",
        "<a href=\"reconciliation.csv\">1</a>",
        "<a href=\"results.csv\">1</a>",
    ] {
        assert!(page.contains(link), "{link}");
    }
    let targets: BTreeSet<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(targets.contains("verdict=failed") && targets.contains("verdict=in_doubt"), "{targets:?}");
    let mut without = summary();
    without.files.clear();
    let page = told(&without, &highlights(), Language::English);
    assert!(!page.contains(".csv\""), "a file that was not written is not linked to");
}

#[test]
fn orders_that_are_left_out_are_counted_and_named_with_their_file() {
    let mut highlights = highlights();
    highlights.broken = tally(120_000, 5);
    let page = told(&summary(), &highlights, Language::English);
    assert!(page.contains("Shown are 2 of 120,000, the worst and then the largest first. All of them are in <a href=\"reconciliation.csv\">"), "{page}");
}

#[test]
fn the_page_asks_for_nothing_and_allows_only_its_own_style_and_script() {
    let page = told(&summary(), &highlights(), Language::English);
    for asks in ["src=", "http://", "https://", "@import", "url(", "style=\"", " onclick", "<link", "<iframe"] {
        assert!(!page.contains(asks), "{asks}");
    }
    let policy = format!("default-src 'none'; style-src '{}'; script-src '{}'", hash(STYLE), hash(SCRIPT));
    assert!(page.contains(&policy), "{policy}");
    assert!(page.contains(&format!("<style>{STYLE}</style>")) && page.contains(&format!("<script>{SCRIPT}</script>")));
}

#[test]
fn an_audit_has_no_empty_charts_of_requests_that_it_never_made() {
    let (mut summary, cells) = (summary(), BTreeMap::new());
    summary.operation = "audit".into();
    let (flow, highlights) = (Flow::default(), highlights());
    let page = Page {
        summary: &summary,
        highlights: &highlights,
        flow: &flow,
        timing: None,
        cells: &cells,
        language: Language::English,
    };
    let page = String::from_utf8(super::page(&page)).unwrap();
    assert!(!page.contains("How long answers took") && !page.contains("Requests over time"));
    assert!(page.contains("This page has no customers&#39; data"), "{page}");
}
