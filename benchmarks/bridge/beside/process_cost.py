"""What a process has cost by now: processor time and memory, as the kernel counts them."""

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ProcessCost", "cost_of"]

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class ProcessCost:
    """Processor seconds (user and system) and the most memory that was resident at once."""

    cpu_s: float
    peak_mb: float


def cost_of(pid: int) -> ProcessCost:
    """The cost of process `pid`, which runs."""
    folder = Path("/proc") / str(pid)
    # the name of the program, in brackets, may hold blanks
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    status = (folder / "status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in status if line.startswith("VmHWM:"))
    return ProcessCost((int(fields[11]) + int(fields[12])) / _TICKS_PER_S, int(peak) / 1024)
