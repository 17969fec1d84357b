//! rekon: a batch reconciler for merchants who take Akulaku PayLater through DOKU.
//!
//! A job file says what to do to which orders within which limits. The program decides about every order first, makes
//! each intent durable before its request leaves, takes only signed answers for proof, and at the end holds what it did
//! and what the merchant's book says against what DOKU notified.
//!
//! # The map
//!
//! | room | what is there |
//! |---|---|
//! | [`model`] | the words: money, ids, times, orders, outcomes, faults |
//! | [`job`] | a job file as written becomes a job, or everything that is wrong with it |
//! | [`doku`] | the provider's language: requests, answers, notifications, signatures; what an answer *proves* |
//! | [`journal`] | what is known about every item: the state machine, the derived keys, the store |
//! | [`plan`] | rows become orders, orders get dispositions, guards are compared; **where a refund is decided** |
//! | [`runner`] | executes a plan: pace, attempts, settling, breaker |
//! | [`reconcile`] | evidence becomes verdicts, and the totals that prove nothing was lost |
//! | [`report`] | CSV, tables, JSON and HTML, returned as values |
//! | [`edge`] | disk, network, clock, environment |
//! | [`simulator`] | DOKU's Akulaku API on loopback, with faults on request |
//! | [`listener`] | receives DOKU's notifications, verifies them, and keeps them before it answers |
//! | [`cli`] | arguments, screens, exit codes; `cli::run` tells the story of `rekon run` |
//!
//! Dependencies point down: `model`, then `doku` and `job`, then `journal`, then `plan`, then `reconcile`, then `report`
//! and `runner`, then `edge`, then `simulator` and `listener`, then `cli`. A test holds this.
//!
//! # What always holds
//!
//! - Nothing is sent before its intent is durable: only a commit of the journal makes a
//!   [`DurableIntent`](journal::record::DurableIntent), and one request uses it up.
//! - One item has one Request-Id and one body for ever; both are derived from or stored with its identity.
//! - Only a signed answer that echoes our order proves anything. Everything else is *unknown*, never "failed".
//! - Every input row ends in exactly one state, and the states add up to the file.

pub mod cli;
pub mod doku;
pub mod edge;
pub mod job;
pub mod journal;
pub mod listener;
pub mod model;
pub mod plan;
pub mod reconcile;
pub mod report;
pub mod runner;
pub mod simulator;
