"""The real model files, pulled once for a run and kept where `WATCHPOST_MODELS` says, so that tests use what users use.

Imported by the `conftest.py` of the folders whose tests need it:

    from tests.fakes.model_files import fresh_analyzer, models_dir
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from watchpost.inference.yolox import YoloxAnalyzer, load_yolox
from watchpost.models import default_models_dir, pull

__all__ = ["fresh_analyzer", "models_dir"]


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The folder that holds the default models, verified."""
    folder = default_models_dir()
    for name in ("yolox-nano", "movenet-multipose"):
        pull(name, folder)
    return folder


@pytest.fixture
def fresh_analyzer(models_dir: Path) -> Callable[[], YoloxAnalyzer]:
    """Makes analyzers without any memory."""
    return lambda: load_yolox("yolox-nano", models_dir, "test")
