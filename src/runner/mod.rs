//! Executes a plan: paces the calls, makes each intent durable, sends, classifies, and settles what stayed unknown.
//!
//! [`dispatch`] is the one loop that decides what is sent next; [`fresh`] is what it has to send; [`attempt`] is one request from intent to outcome;
//! [`settle`] says what follows for an item that is not at its end; [`pace`] and [`breaker`] say when not to send.
//! [`gateway`] and [`clock`] are the seams to network and time.

pub mod attempt;
pub mod breaker;
pub mod clock;
pub mod dispatch;
mod fresh;
pub mod gateway;
pub mod pace;
pub mod probe;
pub mod progress;
pub mod settle;
mod stop;
#[cfg(test)]
mod tests;
pub mod window;
