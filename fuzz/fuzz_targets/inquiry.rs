//! The fuzzer's way into `inquiry`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rekon_fuzz::inquiry(bytes));
