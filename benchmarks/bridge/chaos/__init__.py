"""Everything that may break between a site and its centre, breaks, again and again: is every record there once?"""

from benchmarks.bridge.chaos.campaign import Outcome, run_chaos

__all__ = ["Outcome", "run_chaos"]
