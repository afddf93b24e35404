"""What the end-to-end tests share."""

from tests.fakes.model_files import models_dir

__all__ = ["models_dir"]
