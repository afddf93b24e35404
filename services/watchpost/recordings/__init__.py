"""Recordings and clips: the cameras' own packets, kept for a time. Ingest writes them, the api shows them."""

from watchpost.recordings.bounds import RingBounds, bounds_of
from watchpost.recordings.camera_recording import CameraRecording
from watchpost.recordings.clip_marks import ClipMarks
from watchpost.recordings.clip_rules import ClipTimes, clip_times
from watchpost.recordings.clips import Clips, is_event_id
from watchpost.recordings.cutting import Cut, cut_of, recorded_until_us
from watchpost.recordings.folder import has_recordings
from watchpost.recordings.folder_id import folder_id
from watchpost.recordings.nal_units import parameter_sets, units_of
from watchpost.recordings.recorder import Recorder
from watchpost.recordings.ring import Ring, Room
from watchpost.recordings.storage_watch import StorageTurn

__all__ = [
    "CameraRecording",
    "ClipMarks",
    "ClipTimes",
    "Clips",
    "Cut",
    "Recorder",
    "Ring",
    "RingBounds",
    "Room",
    "StorageTurn",
    "bounds_of",
    "clip_times",
    "cut_of",
    "folder_id",
    "has_recordings",
    "is_event_id",
    "parameter_sets",
    "recorded_until_us",
    "units_of",
]
