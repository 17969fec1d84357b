//! Job files: YAML as written becomes a [`Job`] that is ready to run, or the list of everything wrong with it.
//!
//! [`yaml`] turns text into nodes that know their place, [`reader`] reads nodes and collects faults, [`secrets`] hides keys, [`settings`] is
//! the ready job with all defaults, and the other modules read one section each. `jobs/template.yaml` documents every
//! key.

pub mod approval;
pub mod flags;
pub mod growth;
mod guards;
pub mod hosts;
pub mod limits;
mod notifications;
mod orders;
pub mod overrides;
pub mod parse;
pub mod places;
mod reader;
mod reconcile;
mod secrets;
pub mod settings;
mod values;
mod yaml;

pub use parse::parse;
pub use settings::Job;
