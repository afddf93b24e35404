"""Finds the joints of people in a small picture with MoveNet MultiPose (Google), 8 ms at 192 x 192."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from watchpost.errors import ModelError
from watchpost.models import POSES, Catalogue, verified_bytes
from watchpost.vision.crops import Cut
from watchpost.vision.geometry import PixelBox
from watchpost.vision.posture import Keypoint, Pose

__all__ = ["MOVENET", "MoveNet"]

MOVENET = POSES
_FILE = "movenet-multipose.tflite"
_SIDE_PX = 192
_PEOPLE, _VALUES, _JOINTS = 6, 56, 17


class MoveNet:
    """The loaded pose model. Not for several threads at once.

    Raises ModelError when the file is missing, unverified or of another shape.
    """

    def __init__(self, models_dir: Path, catalogue: Catalogue | None = None, threads: int = 1) -> None:
        data = verified_bytes(MOVENET, _FILE, models_dir, catalogue)
        try:
            self._interpreter = Interpreter(model_content=data, num_threads=threads)
            self._input = self._interpreter.get_input_details()[0]["index"]
            self._interpreter.resize_tensor_input(self._input, [1, _SIDE_PX, _SIDE_PX, 3])
            self._interpreter.allocate_tensors()
            self._output = self._interpreter.get_output_details()[0]["index"]
        except (RuntimeError, ValueError) as problem:
            raise ModelError(f"the pose model cannot be used: {problem}") from problem

    def poses(self, cut: Cut, least_score: float) -> list[Pose]:
        """Up to six people of an upright or turned square cut, in pixels of the picture that it was cut from."""
        way = cv2.INTER_AREA if cut.side > _SIDE_PX else cv2.INTER_LINEAR
        small = cv2.resize(np.ascontiguousarray(cut.pixels), (_SIDE_PX, _SIDE_PX), interpolation=way)
        self._interpreter.set_tensor(self._input, small[None, ..., ::-1].astype(np.uint8))
        self._interpreter.invoke()
        rows = np.asarray(self._interpreter.get_tensor(self._output)).reshape(_PEOPLE, _VALUES)
        return [_pose(row, cut) for row in rows if row[55] >= least_score]


def _pose(row: npt.NDArray[np.float32], cut: Cut) -> Pose:
    joints = row[: 3 * _JOINTS].reshape(_JOINTS, 3).tolist()
    top, left, bottom, right, score = row[3 * _JOINTS :].tolist()
    side = cut.side
    return Pose(
        tuple(Keypoint(*cut.point_in_picture(x * side, y * side), sure) for y, x, sure in joints),
        cut.in_picture(PixelBox(left * side, top * side, right * side, bottom * side)),
        score,
    )
