"""Run by file, never imported: takes limits upon itself, then becomes the given program.

    python -I -S jail.py PARENT_PID CPU_S MEMORY_BYTES FILE_BYTES PROGRAM ARGUMENT…

The kernel kills the program when its parent dies, so an ingest cannot outlive the process that asked for it.
Done here and not in `preexec_fn`, which may deadlock in a process with threads.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
OPEN_FILES = 128
STACK_BYTES = 2 * 1024 * 1024


def main(parent_pid: int, cpu_s: int, memory_bytes: int, file_bytes: int, command: list[str]) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        sys.exit("the process that asked is gone")
    os.nice(10)
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_STACK, STACK_BYTES),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_AS, memory_bytes),
    ):
        resource.setrlimit(what, (most, most))
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    pid, cpu, memory, file = map(int, sys.argv[1:5])
    main(pid, cpu, memory, file, sys.argv[5:])
