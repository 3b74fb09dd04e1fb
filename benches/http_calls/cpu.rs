//! [`CpuSource`]: the CPU time of a server, read from `/proc`.

use std::fs;

use crate::{BenchResult, SERVER_THREAD};

/// The threads whose CPU time is counted.
#[derive(Clone, Copy)]
pub enum CpuSource {
    /// The threads of this process that are named [`SERVER_THREAD`].
    Threads,
    /// All threads of another process.
    Process(u32),
}

impl CpuSource {
    /// Returns the CPU time since the start, in nanoseconds.
    pub fn nanos(self) -> BenchResult<u64> {
        let folder = match self {
            Self::Threads => "/proc/self/task".to_owned(),
            Self::Process(id) => format!("/proc/{id}/task"),
        };
        let mut nanos = 0;
        for thread in fs::read_dir(folder)? {
            let thread = thread?.path();
            let is_counted = match self {
                Self::Threads => {
                    fs::read_to_string(thread.join("comm"))?.trim_end() == SERVER_THREAD
                }
                Self::Process(_) => true,
            };
            if is_counted {
                let stat = fs::read_to_string(thread.join("schedstat"))?;
                let on_cpu = stat.split(' ').next().ok_or("an empty schedstat")?;
                nanos += on_cpu.parse::<u64>()?;
            }
        }
        Ok(nanos)
    }
}
