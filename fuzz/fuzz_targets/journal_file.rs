//! The fuzzer's way into `journal_file`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rekon_fuzz::journal_file(bytes));
