"""The table of scalings: the nearest one that holds is taken, and what is on disk is whole or told."""

import json
import math
from pathlib import Path

import pytest

from watchpost.contracts.records import Answer, CameraId
from watchpost.errors import ConfigError
from watchpost.inference.answering import answer_of, person_count, probability_of_yes
from watchpost.inference.calibration import Calibration, CalibrationEntry, key_of
from watchpost.inference.calibration_file import calibration_path, read_calibration, write_calibration
from watchpost.inference.questions import COUNT_PEOPLE, AskedQuestion
from watchpost.inference.scaling import IDENTITY, Scaling
from watchpost.inference.scorer import LabelScores, ScorerIdentity

_MODEL = ScorerIdentity("fake", "bf16", "sha256:1")
_DOOR, _YARD = CameraId("door"), CameraId("yard")
_DOG = AskedQuestion("dog", "Is there a dog?")
_OWN, _ANY = CalibrationEntry(Scaling(2.0, 0.5), 40), CalibrationEntry(Scaling(3.0, -0.5), 90)
_TABLE = Calibration({key_of("p", _MODEL, "dog", _DOOR): _OWN, key_of("p", _MODEL, "dog", None): _ANY})


def logs(*shares: float) -> LabelScores:
    """The scores of these shares."""
    return LabelScores(tuple(math.log(share) if share else -math.inf for share in shares))


def test_camera_falls_back_to_any_camera_and_then_to_nothing() -> None:
    assert _TABLE.scaling("p", _MODEL, "dog", _DOOR) == _OWN.scaling
    assert _TABLE.scaling("p", _MODEL, "dog", _YARD) == _ANY.scaling
    assert _TABLE.scaling("p", _MODEL, "cat", _DOOR) == IDENTITY


@pytest.mark.parametrize(
    ("prompt", "model"),
    [
        ("other", _MODEL),
        ("p", ScorerIdentity("fake", "bf16", "sha256:2")),
        ("p", ScorerIdentity("fake", "nf4", "sha256:1")),
    ],
)
def test_scaling_of_other_words_or_another_model_is_not_used_and_is_known_as_outdated(
    prompt: str, model: ScorerIdentity
) -> None:
    assert _TABLE.scaling(prompt, model, "dog", _DOOR) == IDENTITY
    assert _TABLE.is_outdated(prompt, model, "dog")
    assert not _TABLE.is_outdated("p", _MODEL, "dog")
    assert not _TABLE.is_outdated("p", _MODEL, "cat")


def test_what_is_fitted_in_bf16_holds_in_fp16() -> None:
    assert _TABLE.scaling("p", ScorerIdentity("fake", "fp16", "sha256:1"), "dog", _DOOR) == _OWN.scaling


def test_table_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    path = calibration_path(tmp_path / "state")

    write_calibration(path, _TABLE)

    assert read_calibration(path) == _TABLE
    assert [file.name for file in path.parent.iterdir()] == ["calibration.json"]


def test_no_file_is_an_empty_table(tmp_path: Path) -> None:
    assert read_calibration(tmp_path / "none.json") == Calibration()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("[]", "is no calibration"),
        (json.dumps({"version": 2, "entries": []}), "is of version 2, and 1 is known"),
        (json.dumps({"version": 1, "entries": [{"task": "dog"}]}), "is no calibration: KeyError"),
    ],
)
def test_file_that_holds_something_else_is_told_with_what_to_do(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(text)

    with pytest.raises(ConfigError, match=said) as caught:
        read_calibration(path)

    assert str(path) in str(caught.value)
    assert "watchpost calibrate" in caught.value.remedy


def test_temperature_of_nothing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    write_calibration(path, _TABLE)
    path.write_text(path.read_text().replace("2.0", "0.0"))

    with pytest.raises(ConfigError, match="a temperature is more than 0"):
        read_calibration(path)


def test_answer_is_the_likeliest_label_after_calibration() -> None:
    answer = answer_of(_DOG, logs(0.6, 0.3))

    assert (answer.task, answer.label) == ("dog", "yes")
    assert answer.probability == pytest.approx(2 / 3)
    assert answer_of(_DOG, logs(0.6, 0.3), Scaling(1.0, -2.0)).label == "no"


def test_answer_is_unsure_with_its_mass_where_the_model_would_say_something_else() -> None:
    answer = answer_of(_DOG, logs(0.3, 0.1))

    assert answer.label == "unsure"
    assert answer.probability == pytest.approx(0.4)
    assert probability_of_yes(answer) is None
    assert answer_of(_DOG, logs(0.0, 0.0)) == Answer("dog", "unsure", 0.0)
    assert answer_of(_DOG, LabelScores((math.nan, 0.0))).label == "unsure"


def test_probability_of_yes_is_that_of_yes_whatever_the_label() -> None:
    assert probability_of_yes(Answer("dog", "yes", 0.8)) == pytest.approx(0.8)
    assert probability_of_yes(Answer("dog", "no", 0.8)) == pytest.approx(0.2)


def test_people_are_counted_by_the_count_answer_alone() -> None:
    four, many = [0.01] * 11, [0.01] * 11
    four[4], many[10] = 0.9, 0.9

    assert person_count([answer_of(_DOG, logs(1.0, 0.0)), answer_of(COUNT_PEOPLE, logs(*four))]) == 4
    assert person_count([answer_of(COUNT_PEOPLE, logs(*many))]) == 10
    assert person_count([answer_of(COUNT_PEOPLE, logs(*[0.01] * 11))]) is None
    assert person_count([]) is None
