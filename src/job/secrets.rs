//! Hiding what may be a key before a line of a job file, or a value from it, is shown.
//!
//! A key never belongs in a job file, so whoever writes one there sees a message, and the message goes to logs and tickets.

use crate::model::nearest::nearest;

/// Stands where something was hidden.
pub(super) const HIDDEN: &str = "***";

/// A line without the values of keys that are, or are meant to be, `secret_key`.
pub(super) fn masked_line(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    let mut open = 0_usize;
    while let Some(colon) = rest.find(':') {
        let (key, after) = rest.split_at(colon + 1);
        open = (open + key.matches(['{', '[']).count()).saturating_sub(key.matches(['}', ']']).count());
        out.push_str(key);
        rest = after;
        if is_secret(key.trim_end_matches(':')) || is_check(key.trim_end_matches(':'), after) {
            let value = after.trim_start();
            out.push_str(&after[..after.len() - value.len()]);
            let (value, more) = value.split_at(value_end(value, open > 0));
            out.push_str(if is_harmless(value) { value } else { HIDDEN });
            rest = more;
        }
    }
    masked_text(&(out + rest))
}

/// Whether the last word before a colon is a key that holds a secret, or a slip of the hand for one.
fn is_secret(before: &str) -> bool {
    let word = before.trim_end_matches(['"', '\'', ' ']);
    let word = word.rsplit(|character: char| !character.is_alphanumeric() && !matches!(character, '_' | '-'));
    let word = word.into_iter().next().unwrap_or_default();
    word.to_lowercase().contains("secret") || nearest(word, ["secret_key"]).is_some()
}

/// Whether the last word before a colon is the key of a health check's URL, or a slip for one: whoever knows the URL can
/// make silence look like health.
fn is_check(before: &str, after: &str) -> bool {
    let word = before.trim_end_matches(['"', '\'', ' ']);
    let word = word.rsplit(|character: char| !character.is_alphanumeric() && !matches!(character, '_' | '-'));
    let word = word.into_iter().next().unwrap_or_default();
    let is_url = ["url", "urls", "uri", "ulr", "ur"].contains(&word.to_lowercase().as_str());
    is_url
        || (nearest(word, ["healthcheck"]).is_some()
            && !after.trim_start().starts_with('{')
            && !after.trim().is_empty())
}

/// Where a value ends: a quoted one at its quote, a list at its bracket, one in a flow map at the delimiter, any other with the line.
fn value_end(value: &str, in_flow: bool) -> usize {
    let first = value.chars().next().filter(|first| matches!(first, '"' | '\'' | '['));
    let end = match first {
        // A key may itself hold a bracket: the last one of the line ends the list, if it can.
        Some('[') => value.rfind(']').map(|index| index + 1).filter(|end| is_end(&value[*end..])),
        Some(quote) => value[1..].rfind(quote).map(|index| index + 2),
        None if in_flow => value.find([',', '}']),
        None => value.find(" #"),
    };
    end.unwrap_or(value.len())
}

/// Whether a list may have ended before this.
fn is_end(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty() || rest.starts_with([',', '}', '#'])
}

fn is_harmless(value: &str) -> bool {
    if let Some(items) = value.trim().strip_prefix('[') {
        return items.strip_suffix(']').unwrap_or(items).split(',').all(is_harmless);
    }
    let value = value.trim().trim_matches(['"', '\'']);
    value.is_empty() || value.starts_with("env:") || value.starts_with("file:")
}

/// A text without DOKU's secret keys, which begin with `SK-` (`doku-api.md` 6.5), and without passwords in URLs.
pub(super) fn masked_text(text: &str) -> String {
    let no_key = |character: char| !character.is_ascii_alphanumeric() && !matches!(character, '-' | '_');
    let mut parts = text.split("SK-");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("SK-");
        out.push_str(HIDDEN);
        out.push_str(&part[part.find(no_key).unwrap_or(part.len())..]);
    }
    masked_user(&out)
}

/// `https://user:password@host` without user and password.
fn masked_user(text: &str) -> String {
    let Some((before, after)) = text.split_once("://") else { return text.to_owned() };
    let end = after.find(|character: char| character.is_whitespace() || matches!(character, '"' | '\'' | ','));
    let (url, rest) = after.split_at(end.unwrap_or(after.len()));
    let url = url.rsplit_once('@').map_or_else(|| url.to_owned(), |(_, host)| format!("{HIDDEN}@{host}"));
    format!("{before}://{url}{}", masked_user(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_written_inline_are_masked_in_the_line_shown() {
        let cases = [
            ("  secret_key: hunter2", "  secret_key: ***"),
            ("  secret_key: hunter,2 # not here", "  secret_key: *** # not here"),
            ("  secret_key: \"hunter,2\"", "  secret_key: ***"),
            ("  secret_key: \"hunter2", "  secret_key: ***"),
            ("  \"secret_key\" : hunter2", "  \"secret_key\" : ***"),
            ("  Secret-Key: hunter2", "  Secret-Key: ***"),
            ("  secert_key: hunter2", "  secert_key: ***"),
            ("  clientSecret: hunter2", "  clientSecret: ***"),
            ("{secret_key: env:A, secret_key: hunter2, x: 1}", "{secret_key: env:A, secret_key: ***, x: 1}"),
            (
                "merchant: {client_id: X, secret_key: hunter2, environment: sandbox}",
                "merchant: {client_id: X, secret_key: ***, environment: sandbox}",
            ),
            ("  client_id: SK-abc-123 # oops", "  client_id: SK-*** # oops"),
            ("  base_url: https://me:hunter2@doku.example", "  base_url: https://***@doku.example"),
            ("  secret_key: env:DOKU_SECRET_KEY", "  secret_key: env:DOKU_SECRET_KEY"),
            ("  secret_key: \"file:keys/secret\"", "  secret_key: \"file:keys/secret\""),
            ("  secret_key: [env:NEW, \"file:old\"]", "  secret_key: [env:NEW, \"file:old\"]"),
            ("  secret_key: [env:NEW, hunter2] # old", "  secret_key: *** # old"),
            ("  secret_key: [env:NEW, \"hun]ter2\"", "  secret_key: ***"),
            ("{secret_key: [env:A, hunter2], x: 1}", "{secret_key: ***, x: 1}"),
            ("{secret_key: [env:A,", "{secret_key: [env:A,"),
            ("job: refund", "job: refund"),
            ("healthcheck: {url: https://hc.example/abc, x: 1}", "healthcheck: {url: ***, x: 1}"),
            ("  url: https://hc.example/abc", "  url: ***"),
            ("healthcheck: https://hc.example/abc", "healthcheck: ***"),
            ("healtcheck: {url: env:HC_URL}", "healtcheck: {url: env:HC_URL}"),
            ("healthcheck:", "healthcheck:"),
            (
                "callback_url: {value: \"https://shop.example/return\"}",
                "callback_url: {value: \"https://shop.example/return\"}",
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(masked_line(line), expected);
        }
    }
}
