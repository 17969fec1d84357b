//! The fuzzer's way into `answer`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rekon_fuzz::answer(bytes));
