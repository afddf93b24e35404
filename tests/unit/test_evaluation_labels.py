"""Bad labels are told with their line, and clips are read at the moments that are meant."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fakes.recordings import write_recording
from watchpost.contracts.records import CameraId
from watchpost.errors import ConfigError
from watchpost.evaluation.labels import LabelledFrame, read_labels
from watchpost.evaluation.measures import average_precision, precision_recall
from watchpost.evaluation.pictures import shots_of

_GOOD = {"image": "a.png", "camera": "door", "truth": {"person_detection": 3}}


def written(tmp_path: Path, *lines: Any) -> Path:
    """A file of these lines, beside a picture a.png that is none."""
    (tmp_path / "a.png").write_bytes(b"no picture")
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "is no JSON"),
        ("[1]", "is no JSON object"),
        ({**_GOOD, "image": "b.png"}, "there is no file .*b.png; write its path relative to the labels"),
        ({**_GOOD, "clip": "b.mp4"}, 'names not one picture; write either "image" or "clip"'),
        ({"truth": {"person_detection": 3}}, "names not one picture"),
        ({**_GOOD, "at_s": 1.0}, "at_s says when in a clip"),
        ({"clip": "a.png", "truth": {"person_detection": 3}}, 'write "clip" and "at_s" together'),
        ({**_GOOD, "camera": "Front Door"}, "camera: 'Front Door' is no name"),
        ({**_GOOD, "truths": {}}, "truths: Extra inputs are not permitted"),
        ({**_GOOD, "truth": {}}, "truth: "),
        ({**_GOOD, "truth": {"person_detection": True}}, "truth.person_detection is true; write how many"),
        ({**_GOOD, "truth": {"person_detection": -1}}, "truth.person_detection is -1"),
        ({**_GOOD, "truth": {"fall_detected": 1}}, "truth.fall_detected is 1; write true or false"),
        ({**_GOOD, "truth": {"abnormal_behavior": True}}, "label fall_detected"),
        ({**_GOOD, "truth": {"cat": True}}, "'cat' is no task; the known ones are person_detection, fall_detected"),
        ({"tasks": [{"name": "cat", "question": "Is there a cat?"}]}, "in the first line alone; move"),
    ],
)
def test_bad_line_is_named_with_what_to_do(tmp_path: Path, line: Any, said: str) -> None:
    path = written(tmp_path, _GOOD, "", line)

    with pytest.raises(ConfigError, match=said) as caught:
        read_labels(path)

    assert caught.value.key == f"{path}:3"
    assert caught.value.remedy


def test_first_line_defines_questions_and_a_bad_one_is_told(tmp_path: Path) -> None:
    cat = {"name": "cat", "question": "Is there a cat?"}

    labels = read_labels(written(tmp_path, {"tasks": [cat]}, {**_GOOD, "truth": {"cat": True}}))

    assert labels.questions["cat"].threshold == 0.5
    assert labels.tasks == ("cat",)
    with pytest.raises(ConfigError, match=r"labels.jsonl:1: tasks.0.question: Field required"):
        read_labels(written(tmp_path, {"tasks": [{"name": "cat"}]}, _GOOD))


def test_file_without_pictures_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no labelled picture"):
        read_labels(written(tmp_path))


def test_picture_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    labels = read_labels(written(tmp_path, _GOOD))

    with pytest.raises(ConfigError, match=r"labels.jsonl:1: .*a.png is no picture"):
        [list(shots) for _, shots in shots_of(labels.frames, None)]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two seconds at 10 frames a second, each brighter than the one before."""
    path = tmp_path / "clip.mp4"
    write_recording(path, (np.full((64, 64, 3), 10 * n, np.uint8) for n in range(20)), fps=Fraction(10))
    return path


def at(clip: Path, *times_s: float) -> list[LabelledFrame]:
    """Labels of the clip."""
    return [
        LabelledFrame(clip, time_s, CameraId("door"), {"person_detection": 1}, f"labels:{time_s}") for time_s in times_s
    ]


def test_clip_is_read_at_the_moments_that_are_labelled(clip: Path) -> None:
    ((_, shots),) = shots_of(at(clip, 1.3, 0.2, 0.333), None)

    read = list(shots)

    assert [shot.index for shot, _ in read] == [2, 4, 13]
    assert [label.at_s for _, label in read if label] == [0.2, 0.333, 1.3]


def test_memory_is_shown_what_lies_between(clip: Path) -> None:
    ((_, shots),) = shots_of(at(clip, 0.5, 0.8), 5.0)

    assert [(shot.index, label is not None) for shot, label in shots] == [
        (0, False),
        (2, False),
        (4, False),
        (5, True),
        (6, False),
        (8, True),
    ]


def test_moment_after_the_end_is_told_with_its_line(clip: Path) -> None:
    ((_, shots),) = shots_of(at(clip, 0.5, 7.0), None)

    with pytest.raises(ConfigError, match=r"labels:7.0: .* ends before 7.0 s"):
        list(shots)


def test_figures_of_a_known_ranking_are_right() -> None:
    truth = [True, False, True, False]

    assert average_precision([0.9, 0.8, 0.7, 0.1], truth) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([0.5, 0.5, 0.5, 0.5], truth) == pytest.approx(0.5)
    assert average_precision([0.5], [False]) is None
    assert precision_recall([True, True, False, False], truth).f1 == pytest.approx(0.5)
    assert precision_recall([False], [False]).f1 is None
