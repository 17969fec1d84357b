//! The fuzzer's way into `retry_after`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rekon_fuzz::retry_after(bytes));
