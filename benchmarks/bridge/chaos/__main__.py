"""Chaos, seeded: `make chaos ARGS="--faults 200 --seed 1 --json"`.

The bridge is killed (more than a quarter of the faults: inside a transaction, surely), its link cut, silent or reset,
and both brokers are killed, while events and thumbnails flow. The last line is one JSON object: {"faults", "events",
"lost", "repeated", ...}; the exit code is 1 where a record is lost, repeated or unexplained.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.bridge.chaos import Outcome, run_chaos


def main() -> None:
    asked = _arguments()
    if asked.keep is not None:
        outcome = run_chaos(asked.keep, asked.faults, asked.seed, _say)
    else:
        with tempfile.TemporaryDirectory() as folder:
            outcome = run_chaos(Path(folder), asked.faults, asked.seed, _say)
    print(json.dumps(asdict(outcome)) if asked.json else _in_words(outcome))
    sys.exit(0 if outcome.is_whole else 1)


def _say(line: str) -> None:
    print(line, flush=True)


def _in_words(outcome: Outcome) -> str:
    return (
        f"{outcome.faults} faults, {outcome.inside_a_transaction} of them kills inside a transaction; {outcome.events} "
        f"events and {outcome.thumbnails} thumbnails; {outcome.lost} lost, {outcome.repeated} repeated; the audit "
        f"{'explains all' if outcome.audit['explained'] else 'does NOT explain all'}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="the last line for machines")
    parser.add_argument("--keep", type=Path, help="an empty folder for data and logs, to look into afterwards")
    return parser.parse_args()


if __name__ == "__main__":
    main()
