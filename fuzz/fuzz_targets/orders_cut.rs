//! The fuzzer's way into `orders_cut`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rekon_fuzz::orders_cut(bytes));
