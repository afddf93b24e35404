"""Reads cameras and publishes frames of them: more of them while something moves."""

from watchpost.ingest.pipeline import run

__all__ = ["run"]
