//! The fuzzer's way into `notification_log`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rekon_fuzz::notification_log(bytes));
