//! What comes out, as values: CSV, JSON, tables and HTML are returned here and written elsewhere.

pub mod action;
pub mod extent;
pub mod form;
pub mod highlights;
pub mod hosts;
pub mod html;
pub mod inputs;
pub mod limits;
pub mod markdown;
pub mod mask;
pub mod metrics;
pub mod overrides;
pub mod pictures;
pub mod results;
pub mod rows;
pub mod safe;
pub mod schedule;
pub mod sheet;
pub mod summary;
pub mod table;
pub mod words;
pub mod workbook;
