"""Counts the GPUs that this machine lets a process use, without torch: who supervises the workers does not load it."""

import ctypes
import os
from functools import cache

__all__ = ["VISIBLE_VARIABLE", "visible_gpus"]

VISIBLE_VARIABLE = "CUDA_VISIBLE_DEVICES"


def visible_gpus() -> tuple[str, ...]:
    """The GPUs as `CUDA_VISIBLE_DEVICES` names them: those that it lists where it is set, else all of the driver's."""
    named = os.environ.get(VISIBLE_VARIABLE)
    if named is None:
        return tuple(str(number) for number in range(_gpus_of_the_driver()))
    found: list[str] = []
    for name in (part.strip() for part in named.split(",")):
        if name in {"", "-1"}:  # CUDA takes none from here on
            break
        found.append(name)
    return tuple(found)


@cache
def _gpus_of_the_driver() -> int:
    """How many NVML, a part of the driver, gives a handle for: a container may see others that it may not use."""
    try:
        library = ctypes.CDLL("libnvidia-ml.so.1")
        if library.nvmlInit_v2() != 0:
            return 0
    except (OSError, AttributeError):
        return 0
    try:
        count, handle = ctypes.c_uint(0), ctypes.c_void_p()
        if library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
            return 0
        given = [library.nvmlDeviceGetHandleByIndex_v2(number, ctypes.byref(handle)) for number in range(count.value)]
        return given.count(0)
    finally:
        library.nvmlShutdown()
