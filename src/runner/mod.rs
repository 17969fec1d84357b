//! Executes a plan: paces the calls, makes each intent durable, sends, classifies, and settles what stayed unknown.
//!
//! [`dispatch`] is the one loop that decides what is sent next, by its [`rules`]; [`fresh`] is what it has to send and [`line`] who waits for
//! a next step; [`attempt`] is one request from intent to outcome; [`settle`] says what follows for an item that is not at its end;
//! [`pace`], [`places`], [`probe`], [`window`] and [`health`], which the [`breaker`] watches over, say when not to send, and [`stop`] why a run ended.
//! [`gateway`] and [`clock`] are the seams to network and time.

pub mod attempt;
pub mod breaker;
pub mod clock;
pub mod dispatch;
mod fresh;
pub mod gateway;
pub mod health;
mod line;
pub mod pace;
pub mod places;
pub mod probe;
pub mod progress;
mod rules;
pub mod settle;
mod stop;
#[cfg(test)]
mod tests;
pub mod window;
