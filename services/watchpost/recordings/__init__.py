"""Recordings and clips: the cameras' own packets, kept for a time. Ingest writes them, the api shows them."""

from watchpost.recordings.bounds import RingBounds, bounds_of
from watchpost.recordings.camera_recording import CameraRecording
from watchpost.recordings.recorder import Recorder
from watchpost.recordings.storage_watch import StorageTurn

__all__ = ["CameraRecording", "Recorder", "RingBounds", "StorageTurn", "bounds_of"]
