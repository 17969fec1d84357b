//! The fuzzer's way into `job_yaml`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rekon_fuzz::job_yaml(bytes));
