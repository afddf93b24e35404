"""Nobody asks in words what the model in force does not answer."""

from pathlib import Path

import pytest

from watchpost.errors import ConfigError
from watchpost.models import check_questions, unanswering_model
from watchpost.settings import load_settings, settings_from
from watchpost.site.config_report import report_config
from watchpost.site.flags import put_flags_in_force
from watchpost.site.reload_plan import read_config

ASKING = """
tasks: [{name: dog_loose, question: 'Is a dog without a leash in the picture?'}]
cameras: {door: {source: 'sim:street', tasks: [person_detection, dog_loose]}}
"""
SAID = (
    "cameras.door.tasks: 'dog_loose' is asked in words, and yolox-nano answers none; "
    "set model_params.model to qwen3-vl-4b or remote, or leave it out"
)


def test_detector_answers_no_question() -> None:
    assert unanswering_model(settings_from({})) == "yolox-nano"


def test_listed_question_that_no_camera_is_asked_needs_no_model() -> None:
    check_questions(
        settings_from({"tasks": [{"name": "dog", "question": "Is a dog there?"}], "cameras": {"a": "sim:"}})
    )


def test_check_reload_and_start_name_the_camera_and_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(ASKING)
    load_settings(path)  # sound, but not with this model

    for start in (report_config, read_config, lambda config: put_flags_in_force(config, None, None)):
        with pytest.raises(ConfigError) as caught:
            start(path)
        assert str(caught.value) == SAID
