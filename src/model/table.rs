//! stub
/// f
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// d
    pub delimiter: Delimiter,
    /// e
    pub encoding: Encoding,
}
/// d
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// a
    Auto,
    /// b
    Is(u8),
}
/// e
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// a
    Utf8,
    /// a
    Windows1252,
    /// a
    Latin1,
    /// a
    Utf16Le,
    /// a
    Utf16Be,
}
