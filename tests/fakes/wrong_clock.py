"""`python -m tests.fakes.wrong_clock SECONDS ...` is `watchpost ...` on a machine whose clock is so many seconds ahead.

What the process asks Python for the time by is set wrong, and nothing else: a broker's own clock a test acts by giving
records the timestamps that it would have given.
"""

import sys
import time
from datetime import UTC, datetime, timedelta

from watchpost.cli import main
from watchpost.clock import SystemClock

__all__ = ["run_ahead"]


def run_ahead(ahead_s: float) -> None:
    """Let this process believe that it is so many seconds later than it is."""
    right = time.time

    def wrong() -> float:
        return right() + ahead_s

    def now(_clock: SystemClock) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=ahead_s)

    time.time = wrong
    SystemClock.now = now  # type: ignore[assignment, method-assign]  # the seam, seen from outside the process


if __name__ == "__main__":
    run_ahead(float(sys.argv.pop(1)))
    main()
