//! The four calls that the simulator answers, and how a request line names one of them.

use crate::model::operation::Operation;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// An operation that changes money.
    Change(Operation),
    /// A status inquiry; it changes nothing.
    Inquiry,
}

/// Where inquiries go; an invoice number or a `Request-Id` follows (`doku-api.md` 4).
const INQUIRY_PATH: &str = "/orders/v1/status/";

impl Call {
    /// All calls.
    pub const ALL: [Self; 4] = [
        Self::Change(Operation::Create),
        Self::Change(Operation::Cancel),
        Self::Change(Operation::Refund),
        Self::Inquiry,
    ];

    /// The word in a state file's `operation:`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Change(operation) => operation.word(),
            Self::Inquiry => "inquiry",
        }
    }

    /// The call of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|call| call.word() == word)
    }

    /// The path of an operation (`akulaku-guide.txt`, "API endpoint").
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Change(Operation::Create) => "/akulaku-peer-to-peer/v2/generate-order",
            Self::Change(Operation::Cancel) => "/akulaku-peer-to-peer/v2/cancel",
            Self::Change(Operation::Refund) => "/akulaku-peer-to-peer/v2/refund",
            Self::Inquiry => INQUIRY_PATH,
        }
    }
}

/// The call that a request line names, if there is one.
pub(super) fn route(method: &str, path: &str) -> Result<Call, NoRoute> {
    let call = if path.starts_with(INQUIRY_PATH) {
        Call::Inquiry
    } else {
        Call::ALL.into_iter().find(|call| call.path() == path).ok_or(NoRoute::Path)?
    };
    let expected = match call {
        Call::Change(_) => "POST",
        Call::Inquiry => "GET",
    };
    if method == expected { Ok(call) } else { Err(NoRoute::Method { expected }) }
}

/// Why a request line names no call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoRoute {
    /// Nothing lives at that path.
    #[error("no such endpoint")]
    Path,
    /// The endpoint wants another method.
    #[error("the method must be {expected}")]
    Method {
        /// The method that it wants.
        expected: &'static str,
    },
}

/// What an inquiry's path asks about, percent-decoded. `None` if the path is no inquiry's, or if the text does not decode.
///
/// The signature covers the raw path; only the look-up decodes it (how DOKU does this is unknown, `doku-api.md` 4).
pub(super) fn inquired(path: &str) -> Option<String> {
    percent_decoded(path.strip_prefix(INQUIRY_PATH)?)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        let code = after.get(..2).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        rest = &after[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_path_or_method_names_no_call() {
        let create = "/akulaku-peer-to-peer/v2/generate-order";
        assert_eq!(route("POST", "/akulaku-peer-to-peer/v2/generate-order/"), Err(NoRoute::Path));
        assert_eq!(route("POST", "/kredivo-peer-to-peer/v2/refund"), Err(NoRoute::Path));
        assert_eq!(route("GET", create), Err(NoRoute::Method { expected: "POST" }));
        assert_eq!(route("POST", "/orders/v1/status/INV-1"), Err(NoRoute::Method { expected: "GET" }));
        assert_eq!(route("POST", create), Ok(Call::Change(Operation::Create)));
        assert_eq!(route("GET", "/orders/v1/status/INV-1"), Ok(Call::Inquiry));
    }

    #[test]
    fn the_inquired_invoice_is_percent_decoded() {
        for bad in ["%", "%2", "%zz", "%+1", "%ff"] {
            assert_eq!(inquired(&format!("/orders/v1/status/{bad}")), None, "{bad}");
        }
        assert_eq!(inquired("/orders/v1/status/INV%2F2026%2f1").as_deref(), Some("INV/2026/1"));
        assert_eq!(inquired("/orders/v1/status/INV/2026/1").as_deref(), Some("INV/2026/1"));
    }

    #[test]
    fn every_word_finds_its_call() {
        for call in Call::ALL {
            assert_eq!(Call::from_word(call.word()), Some(call));
        }
        assert_eq!(Call::from_word("audit"), None);
    }
}
