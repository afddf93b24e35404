"""Without a GPU, Triton's kernels run in its interpreter: it must be told before Triton is imported."""

import os
from pathlib import Path

if not Path("/dev/nvidiactl").exists():
    os.environ.setdefault("TRITON_INTERPRET", "1")
