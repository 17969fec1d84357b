//! The provider's language, pure: how a request is written and signed, how an answer and a notification are read.
//!
//! What is known about the API stands in the guide; each rule here says where it comes from. Nothing here touches the
//! network or the clock.

pub mod answer;
pub mod cancel;
pub mod create;
pub mod exchange;
mod json;
pub mod notification;
pub mod refund;
pub mod request;
pub(crate) mod scan;
pub mod self_test;
mod sha256;
pub mod sign;
pub mod status;
