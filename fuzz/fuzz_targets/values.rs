//! The fuzzer's way into `values`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rekon_fuzz::values(bytes));
