"""What the settings say of how frames are shown to a model that is asked questions."""

from typing import Any

import pytest

from watchpost.inference.analyzers import look_rules
from watchpost.inference.question_analyzer import LookRules
from watchpost.models import choose_model, load_catalogue
from watchpost.settings import InferenceSettings, ModelParams


def rules(model: str, **asked: Any) -> LookRules:
    return look_rules(choose_model(ModelParams(model=model), load_catalogue()), InferenceSettings(**asked))


@pytest.mark.parametrize(("model", "pairs"), [("qwen3-vl-4b", True), ("remote", False)])
def test_pairs_are_looked_at_where_the_model_takes_them(model: str, *, pairs: bool) -> None:
    assert rules(model, pair_frames=True).pair_frames is pairs
    assert not rules(model).pair_frames


def test_pictures_are_whole_unless_the_site_wants_them_cut_to_what_moved() -> None:
    assert rules("qwen3-vl-4b").canvases == ()
    assert (640, 352) in rules("qwen3-vl-4b", crop_to_motion=True).canvases


def test_mass_below_which_an_answer_is_unsure_is_the_sites() -> None:
    assert (rules("qwen3-vl-4b").least_mass, rules("remote", unsure_below=0.2).least_mass) == (0.5, 0.2)
