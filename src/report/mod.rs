//! What comes out, as values: CSV, JSON, tables and HTML are returned here and written elsewhere.

pub mod action;
pub mod html;
pub mod limits;
pub mod markdown;
pub mod metrics;
pub mod overrides;
pub mod plan_use;
pub mod results;
pub mod rows;
pub mod safe;
pub mod schedule;
pub mod sheet;
pub mod summary;
pub mod table;
pub mod workbook;
