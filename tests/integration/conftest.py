"""What the integration tests share."""

from tests.fakes.model_files import fresh_analyzer, models_dir

__all__ = ["fresh_analyzer", "models_dir"]
