//! What is planted: so many orders of each kind per million, with the verdict that each must get, and so many lines of the
//! log that belong to no order.

use rekon::model::time::{Timestamp, parse_instant};

use super::{AS_OF, Month};

/// What the log says about an order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Told {
    Nothing,
    Once(&'static str),
    /// SUCCESS, signed over path and query.
    WithQuery,
    /// SUCCESS, although the order's amount is that much more (or less).
    OtherAmount(i64),
    /// SUCCESS twice, once with the order's amount and once with that much more.
    TwoAmounts(i64),
    /// SUCCESS, and a FAILED that happens and arrives later.
    LateFailure,
    /// FAILED, then SUCCESS: the customer tried again.
    SecondTry,
    /// FAILED, then SUCCESS, and the SUCCESS arrives first.
    Overtaken,
    /// SUCCESS, and so many of DOKU's own repetitions.
    Repeated(usize),
    /// SUCCESS, and the same event again, sent by hand under a new Request-Id.
    Resent,
    /// SUCCESS, and the very same message again after more than a day.
    Replayed,
    /// A SUCCESS that somebody else has signed.
    ForgedKey,
    /// A SUCCESS whose amount was changed under its signature.
    ForgedBody,
    /// An honest SUCCESS and a forged REFUNDED.
    ForgedRefund,
    /// SUCCESS with the Request-Id of our creation, of an invoice that is not in the books.
    ByRequestId,
    /// SUCCESS with our payment reference, of an invoice that is not in the books, created by somebody else.
    ByReference,
    /// The same, and all orders of this kind have one payment reference.
    BySharedReference,
    /// A SUCCESS whose body was kept as an object, its keys in another order: what was signed is lost.
    BodyAsObject,
    /// A SUCCESS that was kept without its headers, as the body alone, or in another form than JSON.
    WithoutHeaders,
    BodyAlone,
    Garbled,
}

/// The results.csv of one earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    Create,
    /// The create run again, for what the first one had left in doubt.
    Resumed,
    Refund,
    Cancel,
}

/// How a row of an earlier run ended: `rekon_state`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done(pub(super) Run, pub(super) &'static str);

/// When in the month an order was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// In its first 28 days: whatever follows within a day is in the log before the month ends.
    Early,
    /// In its last 17 hours: what is not proved yet is within the grace.
    Late,
}

/// Orders of one kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    per_million: u64,
    made: Made,
    /// The book's word.
    pub(super) book: &'static str,
    pub(super) told: Told,
    pub(super) done: &'static [Done],
    pub(super) verdict: &'static str,
    /// The verdict of somebody who does not verify signatures, and knows orders by their invoice alone.
    pub(super) believed: &'static str,
    /// Whether the export has the order twice.
    pub(super) twice: bool,
}

const CREATED: &[Done] = &[Done(Run::Create, "succeeded")];
const REFUNDED: &[Done] = &[Done(Run::Create, "succeeded"), Done(Run::Refund, "succeeded")];
const ALREADY_REFUNDED: &[Done] = &[Done(Run::Create, "succeeded"), Done(Run::Refund, "already_done")];
const REFUND_REFUSED: &[Done] = &[Done(Run::Create, "succeeded"), Done(Run::Refund, "refused")];
const REFUND_HELD: &[Done] = &[Done(Run::Create, "succeeded"), Done(Run::Refund, "held")];
const CANCELLED: &[Done] = &[Done(Run::Create, "succeeded"), Done(Run::Cancel, "succeeded")];
const RESUMED: &[Done] = &[Done(Run::Create, "unknown"), Done(Run::Resumed, "succeeded")];
const UNKNOWN: &[Done] = &[Done(Run::Create, "unknown")];
const REVIEW: &[Done] = &[Done(Run::Create, "review")];
const CONFLICT: &[Done] = &[Done(Run::Create, "conflict")];
const REFUSED: &[Done] = &[Done(Run::Create, "refused")];
const HELD: &[Done] = &[Done(Run::Create, "held")];
const NOT_ATTEMPTED: &[Done] = &[Done(Run::Create, "not_attempted")];

const PAID: &str = "LUNAS";
const PENDING: &str = "BELUM BAYAR";
const FAILED: &str = "GAGAL";
const EXPIRED: &str = "KEDALUWARSA";
const CANCEL: &str = "BATAL";
const REFUND: &str = "DIKEMBALIKAN";

const SUCCESS: Told = Told::Once("SUCCESS");
const FAILURE: Told = Told::Once("FAILED");

const fn case(per_million: u64, book: &'static str, told: Told, done: &'static [Done], verdict: &'static str) -> Case {
    Case { per_million, made: Made::Early, book, told, done, verdict, believed: verdict, twice: false }
}

const fn late(per_million: u64, book: &'static str, told: Told, verdict: &'static str) -> Case {
    Case { made: Made::Late, ..case(per_million, book, told, CREATED, verdict) }
}

impl Case {
    const fn believed(self, believed: &'static str) -> Self {
        Self { believed, ..self }
    }

    const fn twice(self) -> Self {
        Self { twice: true, ..self }
    }
}

/// All other orders.
const PLAIN: Case = case(0, PAID, SUCCESS, CREATED, "matched");

const CASES: [Case; 66] = [
    // As it should be.
    case(9_000, PAID, SUCCESS, &[], "matched"),
    case(8_000, PAID, Told::WithQuery, CREATED, "matched"),
    case(5_000, PAID, Told::Repeated(1), CREATED, "matched"),
    case(1_500, PAID, Told::Repeated(2), CREATED, "matched"),
    case(500, PAID, Told::Repeated(3), CREATED, "matched"),
    case(1_000, PAID, Told::Resent, CREATED, "matched"),
    case(400, PAID, Told::Replayed, CREATED, "matched"),
    case(1_500, PAID, Told::LateFailure, CREATED, "matched"),
    case(2_000, PAID, Told::SecondTry, CREATED, "matched"),
    case(1_000, PAID, Told::Overtaken, CREATED, "matched"),
    case(300, PAID, SUCCESS, CREATED, "matched").twice(),
    case(40, PAID, SUCCESS, RESUMED, "matched"),
    case(50, PAID, SUCCESS, REFUND_HELD, "matched"),
    case(6_000, REFUND, SUCCESS, REFUNDED, "matched"),
    case(100, REFUND, SUCCESS, ALREADY_REFUNDED, "matched"),
    case(12_000, FAILED, FAILURE, CREATED, "matched"),
    case(8_900, EXPIRED, Told::Nothing, CREATED, "matched"),
    case(600, EXPIRED, Told::Nothing, &[], "matched"),
    case(5_000, CANCEL, Told::Nothing, CREATED, "matched"),
    case(500, CANCEL, Told::Nothing, CANCELLED, "matched"),
    case(500, CANCEL, FAILURE, CREATED, "matched"),
    case(3_840, PENDING, Told::Nothing, CREATED, "matched"),
    // A forgery changes nothing.
    case(200, PENDING, Told::ForgedKey, CREATED, "matched").believed("status_mismatch"),
    case(150, PENDING, Told::ForgedBody, CREATED, "matched").believed("amount_mismatch"),
    case(100, PAID, Told::ForgedRefund, CREATED, "matched").believed("status_mismatch"),
    // Too young to judge.
    late(1_200, PAID, Told::Nothing, "pending"),
    late(50, FAILED, Told::Nothing, "pending"),
    late(60, REFUND, SUCCESS, "pending"),
    late(40, PAID, Told::WithoutHeaders, "pending"),
    // Old, and nothing that counts was heard.
    case(1_100, PAID, Told::Nothing, CREATED, "missing"),
    case(400, PAID, Told::Nothing, &[], "missing"),
    case(100, FAILED, Told::Nothing, CREATED, "missing"),
    case(150, REFUND, SUCCESS, CREATED, "missing"),
    case(100, PAID, Told::ForgedKey, CREATED, "missing").believed("matched"),
    case(100, PAID, Told::WithoutHeaders, CREATED, "missing"),
    case(100, PAID, Told::BodyAsObject, CREATED, "missing").believed("matched"),
    case(60, PAID, Told::BodyAlone, CREATED, "missing"),
    case(50, PAID, Told::Garbled, CREATED, "missing"),
    // Another amount.
    case(500, PAID, Told::OtherAmount(-1_000), CREATED, "amount_mismatch"),
    case(200, PAID, Told::OtherAmount(-9), CREATED, "amount_mismatch"),
    case(300, PAID, Told::OtherAmount(25_000), CREATED, "amount_mismatch"),
    case(50, PAID, Told::TwoAmounts(1_500), CREATED, "amount_mismatch"),
    case(30, PENDING, Told::OtherAmount(5_000), CREATED, "amount_mismatch"),
    // Another status.
    case(800, PENDING, SUCCESS, CREATED, "status_mismatch"),
    case(100, PENDING, FAILURE, CREATED, "status_mismatch"),
    case(150, FAILED, SUCCESS, CREATED, "status_mismatch"),
    case(250, EXPIRED, SUCCESS, CREATED, "status_mismatch"),
    case(40, EXPIRED, FAILURE, CREATED, "status_mismatch"),
    case(200, PAID, FAILURE, CREATED, "status_mismatch"),
    case(100, PAID, SUCCESS, REFUNDED, "status_mismatch"),
    late(30, PENDING, SUCCESS, "status_mismatch"),
    case(20, PAID, Told::Once("EXPIRED"), CREATED, "status_mismatch"),
    // Money that came after the cancellation, and money that went back without having come.
    case(300, CANCEL, SUCCESS, CREATED, "paid_after_cancel"),
    case(150, CANCEL, SUCCESS, CANCELLED, "paid_after_cancel"),
    case(50, PAID, SUCCESS, CANCELLED, "paid_after_cancel"),
    case(20, CANCEL, Told::OtherAmount(7_000), CREATED, "paid_after_cancel"),
    case(100, REFUND, FAILURE, CREATED, "refunded_unpaid"),
    case(60, REFUND, FAILURE, REFUNDED, "refunded_unpaid"),
    // Nobody knows.
    case(120, PAID, SUCCESS, UNKNOWN, "in_doubt"),
    case(80, PENDING, Told::Nothing, UNKNOWN, "in_doubt"),
    case(30, PENDING, Told::Nothing, REVIEW, "in_doubt"),
    case(20, PAID, SUCCESS, CONFLICT, "in_doubt"),
    // What the earlier runs did not do.
    case(300, FAILED, Told::Nothing, REFUSED, "failed"),
    case(40, PAID, SUCCESS, REFUND_REFUSED, "failed"),
    case(100, PENDING, Told::Nothing, NOT_ATTEMPTED, "not_sent"),
    case(50, PENDING, Told::Nothing, HELD, "not_sent"),
];

/// Orders whose notifications do not name them by their invoice.
const WEAK_TIES: [Case; 3] = [
    case(200, PAID, Told::ByRequestId, CREATED, "matched").believed("missing"),
    case(150, PAID, Told::ByReference, CREATED, "matched").believed("missing"),
    case(30, PAID, Told::BySharedReference, CREATED, "missing"),
];

/// A line of the log that belongs to no order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stray {
    /// Signed, of an order that the books do not have.
    Orphan,
    /// Another merchant's.
    OtherClient,
    /// A body alone, of an order that the books do not have.
    BodyAlone,
    /// A remark that somebody wrote into the log.
    Remark,
    /// Signed, and not a notification of a payment.
    NotAPayment,
    /// Signed, with a status that nobody knows yet.
    NewStatus,
}

const STRAYS: [(u64, Stray); 6] = [
    (400, Stray::Orphan),
    (200, Stray::OtherClient),
    (50, Stray::BodyAlone),
    (20, Stray::Remark),
    (30, Stray::NotAPayment),
    (30, Stray::NewStatus),
];

/// Which order is of which kind: the kinds are strewn over their part of the month, each as often as it should be.
pub(super) struct Calendar {
    orders: u64,
    early: Strewn<&'static Case>,
    late: Strewn<&'static Case>,
    late_from: u64,
    strays: Strewn<Stray>,
}

impl Calendar {
    pub(super) fn new(month: &Month) -> Self {
        let Month { orders, seed, .. } = *month;
        let scaled = |per_million: u64| (per_million * orders / 1_000_000).max(2);
        let weak_ties: &[Case] = if month.weak_ties { &WEAK_TIES } else { &[] };
        let of = |made: Made| {
            let cases = CASES.iter().chain(weak_ties).filter(move |case| case.made == made);
            cases.map(move |case| (scaled(case.per_million), case))
        };
        // 720 hours less the last one, in which nobody orders.
        let (early_until, late_from) = (orders * 28 * 24 / 719, (orders * (719 - 16)).div_ceil(719));
        Self {
            orders,
            early: Strewn::new(of(Made::Early), early_until, seed),
            late: Strewn::new(of(Made::Late), orders - late_from, seed),
            late_from,
            strays: Strewn::new(STRAYS.into_iter().map(|(count, stray)| (scaled(count), stray)), orders, seed + 1),
        }
    }

    /// The kind of an order.
    pub(super) fn case(&self, index: u64) -> &'static Case {
        let late = index.checked_sub(self.late_from).and_then(|index| self.late.at(index));
        self.early.at(index).or(late).unwrap_or(&PLAIN)
    }

    /// The stray line that arrives beside an order, if one does.
    pub(super) fn stray(&self, index: u64) -> Option<Stray> {
        self.strays.at(index)
    }

    /// When an order was made.
    pub(super) fn ordered(&self, index: u64) -> Timestamp {
        let seconds = index * 719 * 3_600 / self.orders;
        let seconds = i64::try_from(seconds).expect("a month of seconds");
        as_of() - chrono::TimeDelta::hours(720) + chrono::TimeDelta::seconds(seconds)
    }
}

/// [`AS_OF`].
pub(super) fn as_of() -> Timestamp {
    parse_instant(AS_OF).expect("a time written in this program")
}

/// So many of each thing, spread over a range by a walk that comes to every place once.
struct Strewn<T> {
    /// The end of each thing's share of the walk.
    shares: Vec<(u64, T)>,
    places: u64,
    step: u64,
    start: u64,
}

impl<T: Copy> Strewn<T> {
    fn new(counts: impl Iterator<Item = (u64, T)>, places: u64, seed: u64) -> Self {
        let mut end = 0;
        let shares: Vec<_> = counts
            .map(|(count, thing)| {
                end += count;
                (end, thing)
            })
            .collect();
        assert!(end <= places, "there are {places} places for {end} planted things");
        // About the golden ratio, so that neighbours come far apart.
        let mut step = places * 618 / 1_000 + 1;
        while gcd(step, places) != 1 {
            step += 1;
        }
        Self { shares, places, step, start: seed.wrapping_mul(0x9E37_79B9) % places }
    }

    fn at(&self, place: u64) -> Option<T> {
        let place = Some(place).filter(|place| *place < self.places)?;
        let walked = (place * self.step + self.start) % self.places;
        let share = self.shares.partition_point(|(end, _)| *end <= walked);
        self.shares.get(share).map(|(_, thing)| *thing)
    }
}

const fn gcd(left: u64, right: u64) -> u64 {
    if right == 0 { left } else { gcd(right, left % right) }
}
