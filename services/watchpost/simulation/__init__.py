"""A camera that is not there: a rendered place with people whose truth is known, for tests, demos and evaluation."""

from watchpost.simulation.encoding import EncodedScene, Encoding, open_encoded, write_video
from watchpost.simulation.scenario import TrueFall
from watchpost.simulation.scene import FrameTruth, Scene, SimFrame, TruePerson
from watchpost.simulation.spec import Place, SceneSpec, parse_uri

__all__ = [
    "EncodedScene",
    "Encoding",
    "FrameTruth",
    "Place",
    "Scene",
    "SceneSpec",
    "SimFrame",
    "TrueFall",
    "TruePerson",
    "open_encoded",
    "parse_uri",
    "write_video",
]
