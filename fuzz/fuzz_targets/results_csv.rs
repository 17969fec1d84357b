//! The fuzzer's way into `results_csv`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rekon_fuzz::results_csv(bytes));
