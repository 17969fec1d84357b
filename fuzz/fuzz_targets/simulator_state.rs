//! The fuzzer's way into `simulator_state`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rekon_fuzz::simulator_state(bytes));
