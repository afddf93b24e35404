"""How many GPUs the driver gives, asked of a library with the driver's name that a test compiles."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.requirements import require

_NVML = """
static int begun;
int nvmlInit_v2(void) { begun = 1; return %(init)d; }
int nvmlShutdown(void) { begun = 0; return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = %(seen)d; return begun ? 0 : 1; }
int nvmlDeviceGetHandleByIndex_v2(unsigned number, void **handle)
{ *handle = 0; return number == %(forbidden)d ? 4 : 0; }
"""


def counted(folder: Path, source: str, **environment: str) -> str:
    """What a process of its own sees where this is the driver's library."""
    require("gcc", "apt-get install -y gcc libc6-dev")
    (folder / "nvml.c").write_text(source)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / "libnvidia-ml.so.1", folder / "nvml.c"], check=True)
    bare = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    done = subprocess.run(
        [sys.executable, "-c", "from watchpost.site.gpus import visible_gpus; print(*visible_gpus())"],
        env={**bare, "LD_LIBRARY_PATH": str(folder), **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("seen", "forbidden", "gpus"),
    [(0, -1, ""), (1, -1, "0"), (4, -1, "0 1 2 3"), (4, 3, "0 1 2")],
)
def test_gpus_are_those_that_the_driver_lets_a_process_use(
    tmp_path: Path, seen: int, forbidden: int, gpus: str
) -> None:
    assert counted(tmp_path, _NVML % {"init": 0, "seen": seen, "forbidden": forbidden}) == gpus


def test_variable_of_cuda_beats_what_the_driver_has(tmp_path: Path) -> None:
    source = _NVML % {"init": 0, "seen": 4, "forbidden": -1}

    assert counted(tmp_path, source, CUDA_VISIBLE_DEVICES="2") == "2"


@pytest.mark.parametrize("source", [_NVML % {"init": 9, "seen": 4, "forbidden": -1}, "int another_library;"])
def test_driver_that_does_not_answer_has_no_gpu(tmp_path: Path, source: str) -> None:
    assert counted(tmp_path, source) == ""
