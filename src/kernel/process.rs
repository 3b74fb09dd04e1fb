//! [`disable_dumps`]: keeps the memory of the process, which contains ids and texts, from files and
//! other processes.

/// Forbids core dumps, and on Linux also access by other processes of the same user, such as
/// debuggers. A failure is ignored, because the server works without it.
///
/// To debug the program, start it under the debugger, or attach as root.
pub fn disable_dumps() {
    let _ = rlimit::setrlimit(rlimit::Resource::CORE, 0, 0);
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_dumpable(false);
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn process_is_not_dumpable() {
        disable_dumps();
        assert_eq!(nix::sys::prctl::get_dumpable(), Ok(false));
        assert_eq!(rlimit::getrlimit(rlimit::Resource::CORE).expect("a limit"), (0, 0));
    }
}
