//! How much of the processor a server took.

use std::fs;

use crate::{BenchResult, SERVER_THREAD};

/// Whose time is counted.
#[derive(Clone, Copy)]
pub enum CpuSource {
    /// The threads of this process that serve.
    Threads,
    /// Another process.
    Process(u32),
}

impl CpuSource {
    /// The nanoseconds on a processor so far.
    pub fn nanos(self) -> BenchResult<u64> {
        let folder = match self {
            Self::Threads => "/proc/self/task".to_owned(),
            Self::Process(id) => format!("/proc/{id}/task"),
        };
        let mut nanos = 0;
        for thread in fs::read_dir(folder)? {
            let thread = thread?.path();
            let counts = match self {
                Self::Threads => {
                    fs::read_to_string(thread.join("comm"))?.trim_end() == SERVER_THREAD
                }
                Self::Process(_) => true,
            };
            if counts {
                let figures = fs::read_to_string(thread.join("schedstat"))?;
                let on_cpu = figures.split(' ').next().ok_or("no figures of a thread")?;
                nanos += on_cpu.parse::<u64>()?;
            }
        }
        Ok(nanos)
    }
}
