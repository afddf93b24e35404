"""Watchpost watches many cameras where they stand, so that only what matters has to travel."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("watchpost")
