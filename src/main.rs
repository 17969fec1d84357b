//! The `rekon` program; everything is in the library.

fn main() -> std::process::ExitCode {
    rekon::cli::main()
}
