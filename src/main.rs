//! The `rekon` program; everything is in the library.

/// What a call leaves behind was made by one thread and is given back by another, which costs glibc's allocator a lock each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    rekon::cli::main()
}
