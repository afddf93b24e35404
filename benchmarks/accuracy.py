"""How exactly the site sees: people counted, falls found and false; the last line is one JSON object.

    python -m benchmarks.accuracy [counts] [simulated] [footage] [peer]     # all, where none is named

Footage is taken from `WATCHPOST_FOOTAGE` (default ../shared/data); what needs it is left out, and named, where it is
missing.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.accuracy_counts import count_errors
from benchmarks.accuracy_footage import footage_falls, labelled_clips
from benchmarks.accuracy_peer import peer_falls
from benchmarks.accuracy_simulated import simulated_falls
from benchmarks.looking import TimedAnalyzer
from watchpost.models import default_models_dir, pull

__all__ = ["main"]

_MODELS = ("yolox-nano", "movenet-multipose")


def main(wanted: list[str]) -> None:
    """Run the parts that are wanted and print their figures."""
    footage = Path(os.environ.get("WATCHPOST_FOOTAGE", "../shared/data"))
    for name in _MODELS:
        pull(name, default_models_dir())
    analyzer = TimedAnalyzer(default_models_dir())
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "counts": lambda: count_errors(footage, analyzer),
        "simulated": lambda: simulated_falls(analyzer),
        "footage": lambda: footage_falls(labelled_clips(footage), analyzer),
        "peer": lambda: peer_falls(labelled_clips(footage)),
    }
    unknown = sorted(set(wanted) - set(parts))
    if unknown:
        raise SystemExit(f"no part is called {', '.join(unknown)}; there are: {', '.join(parts)}")
    report: dict[str, Any] = {}
    for name in wanted or parts:
        if name != "simulated" and not footage.is_dir():
            print(f"{name}: left out, there is no {footage}; set WATCHPOST_FOOTAGE")
            report[name] = None
            continue
        report[name] = parts[name]()
        print(f"{name}: {json.dumps(report[name], indent=2)}", flush=True)
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1:])
