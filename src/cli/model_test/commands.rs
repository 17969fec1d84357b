//! What can happen to the program and around it, as plain values: a case is a list of them, and a failing case is shown as
//! the shortest list that still fails.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::model::operation::Operation;
use crate::model::status::PaymentStatus;

/// So many orders are in the world.
pub(super) const ORDERS: u8 = 3;

/// One case: a world, and what happens in it.
#[derive(Debug, Clone)]
pub(super) struct Story {
    /// What the job does.
    pub(super) operation: Operation,
    /// How long the provider remembers a key.
    pub(super) memory: Memory,
    /// In this order.
    pub(super) commands: Vec<Command>,
}

/// How long the provider remembers a Request-Id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    /// For ever.
    Forever,
    /// Until an hour after the job's horizon; a request that comes later is carried out anew.
    Horizon,
}

/// One thing that happens.
#[derive(Debug, Clone)]
pub(super) enum Command {
    /// `rekon run` with the orders of these numbers in the file.
    Run { orders: Vec<u8>, hazard: Hazard },
    /// `rekon resolve`.
    Resolve { hazard: Hazard },
    /// Nobody does anything for so many seconds.
    Wait { seconds: u64 },
    /// The wall clock is set by so many seconds.
    SetClock { seconds: i64 },
    /// From now on the provider, or what lies before it, treats requests so, one after the other, and then again.
    Faults(Vec<Fault>),
    /// The provider is well again.
    Heal,
    /// DOKU notifies; a copy with the same id follows each time.
    Notify { order: u8, status: PaymentStatus, copies: u8 },
    /// A person looks into DOKU's Back Office and rules.
    Rule { order: u8 },
    /// A person has a refused order sent anew.
    Reopen { order: u8 },
    /// A person accepts that the journal is ahead of the clock.
    Accept,
    /// `rekon journal backup`.
    Backup,
    /// The last backup is put in the place of the journal.
    Restore,
    /// The journal is deleted.
    Delete,
}

/// What befalls a run, at a step: a step is just before or after a write of the journal, the arrival of a request, its
/// effect, and the arrival of its answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hazard {
    None,
    /// The program is killed.
    Kill {
        step: u32,
    },
    /// The wall clock is set, or the machine slept.
    Jump {
        step: u32,
        seconds: i64,
    },
    /// Ctrl-C.
    Interrupt {
        step: u32,
    },
}

/// How one request fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Fine,
    NotSent,
    TimeOut(When),
    Lost(When),
    Http {
        status: u16,
        when: When,
    },
    /// 429 or 503 with Retry-After.
    Wait {
        status: u16,
        seconds: u64,
        signed: bool,
    },
    /// Success without a signature, or with a wrong one. Before: nothing was done.
    Unsigned(When),
    WrongSignature(When),
    /// Signed success about another invoice, or another amount. Before: nothing was done.
    OtherInvoice(When),
    OtherAmount(When),
    /// Signed success beside an error.
    Contradiction,
    /// A signed refusal that the provider remembers under the key.
    Refuse,
    /// Turned away before the key is looked at.
    TurnAway {
        status: u16,
        signed: bool,
    },
    /// 409, still running, though nothing is.
    InProgress,
    /// No answer, and the effect comes later.
    Late {
        seconds: u64,
    },
}

/// Before or after the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Before,
    After,
}

/// All stories.
pub(super) fn stories() -> impl Strategy<Value = Story> {
    let operation =
        prop_oneof![3 => Just(Operation::Refund), 1 => Just(Operation::Cancel), 1 => Just(Operation::Create)];
    let memory = prop_oneof![Just(Memory::Forever), Just(Memory::Horizon)];
    (operation, memory, vec(command(), 1..18)).prop_map(|(operation, memory, commands)| Story {
        operation,
        memory,
        commands,
    })
}

fn command() -> impl Strategy<Value = Command> {
    let order = || 0..ORDERS;
    let status = prop_oneof![
        2 => Just(PaymentStatus::Success),
        1 => Just(PaymentStatus::Failed),
        2 => Just(PaymentStatus::Refunded),
        2 => Just(PaymentStatus::Cancelled),
        1 => Just(PaymentStatus::Expired),
    ];
    prop_oneof![
        12 => (vec(order(), 1..5), hazard()).prop_map(|(orders, hazard)| Command::Run { orders, hazard }),
        3 => hazard().prop_map(|hazard| Command::Resolve { hazard }),
        5 => wait().prop_map(|seconds| Command::Wait { seconds }),
        1 => jump().prop_map(|seconds| Command::SetClock { seconds }),
        8 => vec(fault(), 1..5).prop_map(Command::Faults),
        2 => Just(Command::Heal),
        3 => (order(), status, 1..4_u8).prop_map(|(order, status, copies)| Command::Notify { order, status, copies }),
        3 => order().prop_map(|order| Command::Rule { order }),
        5 => order().prop_map(|order| Command::Reopen { order }),
        1 => Just(Command::Accept),
        1 => Just(Command::Backup),
        1 => Just(Command::Restore),
        1 => Just(Command::Delete),
    ]
}

fn wait() -> impl Strategy<Value = u64> {
    prop_oneof![1..90_u64, Just(3_600), Just(23 * 3_600 + 3_500), Just(25 * 3_600), Just(7 * 86_400)]
}

fn jump() -> impl Strategy<Value = i64> {
    prop_oneof![3 => -240..240_i64, 1 => Just(-3_600), 1 => Just(3_600), 1 => Just(-86_400), 1 => Just(86_400)]
}

fn hazard() -> impl Strategy<Value = Hazard> {
    let step = || prop_oneof![3 => 1..12_u32, 2 => 1..60_u32];
    prop_oneof![
        4 => Just(Hazard::None),
        5 => step().prop_map(|step| Hazard::Kill { step }),
        1 => (step(), jump()).prop_map(|(step, seconds)| Hazard::Jump { step, seconds }),
        1 => step().prop_map(|step| Hazard::Interrupt { step }),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    let when = || prop_oneof![Just(When::Before), Just(When::After)];
    let wait = (prop_oneof![Just(429), Just(503)], prop_oneof![1..60_u64, Just(900), Just(86_400)], any::<bool>());
    let turned_away = prop_oneof![Just(400), Just(401), Just(403), Just(404), Just(422), Just(307)];
    prop_oneof![
        4 => Just(Fault::Fine),
        1 => Just(Fault::NotSent),
        3 => when().prop_map(Fault::TimeOut),
        2 => when().prop_map(Fault::Lost),
        2 => (prop_oneof![Just(500), Just(502), Just(504)], when()).prop_map(|(status, when)| Fault::Http { status, when }),
        2 => wait.prop_map(|(status, seconds, signed)| Fault::Wait { status, seconds, signed }),
        1 => when().prop_map(Fault::Unsigned),
        1 => when().prop_map(Fault::WrongSignature),
        1 => when().prop_map(Fault::OtherInvoice),
        1 => when().prop_map(Fault::OtherAmount),
        1 => Just(Fault::Contradiction),
        3 => Just(Fault::Refuse),
        2 => (turned_away, any::<bool>()).prop_map(|(status, signed)| Fault::TurnAway { status, signed }),
        1 => Just(Fault::InProgress),
        3 => (1..300_u64).prop_map(|seconds| Fault::Late { seconds }),
    ]
}
