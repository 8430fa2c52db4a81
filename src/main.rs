//! Parse, run, outcome to exit code; nothing else.

fn main() -> std::process::ExitCode {
    plimsoll::cli::main()
}
