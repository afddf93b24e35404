"""Scores from a model server elsewhere, with OpenAI's interface."""

from watchpost.inference.remote.scorer import RemoteScorer

__all__ = ["RemoteScorer"]
