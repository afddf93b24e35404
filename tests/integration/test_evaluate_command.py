"""`watchpost evaluate` with the real detector: its counts of a recording are those that the benchmark knows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.footage import street

# of the first 7.2 s the benchmark says: right, right, and two of seven missed under the stairs
_COUNTED_BY_EYE = {0.0: 3, 3.6: 5, 7.2: 7}


def _watchpost(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watchpost", *arguments], check=False, capture_output=True, text=True, timeout=120
    )


@pytest.mark.usefixtures("models_dir")
def test_street_is_counted_as_in_the_benchmark(tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    clip = str(street().absolute())
    lines = [
        {"clip": clip, "at_s": at_s, "camera": "street", "truth": {"person_detection": people}}
        for at_s, people in _COUNTED_BY_EYE.items()
    ]
    labels.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    done = _watchpost("evaluate", "--model", "yolox-nano", "--labels", str(labels), "--json")

    assert done.returncode == 0, done.stderr
    (run,) = json.loads(done.stdout.splitlines()[-1])["runs"]
    assert run["model"] == "yolox-nano"
    assert run["tasks"]["person_detection"]["n"] == 3
    assert run["tasks"]["person_detection"]["mean_absolute_error"] == pytest.approx(2 / 3, abs=1e-3)


def test_labels_that_are_wrong_end_the_command_with_one_line(tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text('{"image": "none.jpg", "truth": {"person_detection": 1}}\n')

    done = _watchpost("calibrate", "--model", "qwen3-vl-4b", "--labels", str(labels))

    assert done.returncode == 1
    assert f"watchpost: {labels}:1: there is no file" in done.stderr
    assert "Traceback" not in done.stderr
