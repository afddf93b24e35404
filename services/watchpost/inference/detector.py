"""Finds objects in a picture with an ONNX detector of the YOLOX kind (Ge et al., "YOLOX", 2021)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from watchpost.errors import ModelError
from watchpost.models import Catalogue, DetectorSpec, load_catalogue, verified_bytes
from watchpost.vision.geometry import PixelBox

__all__ = ["Found", "OnnxDetector", "load_detector"]

_PADDING = 114
_STRIDES = (8, 16, 32)
_NMS_OVERLAP = 0.5
_SAME_TOP = 0.1
_INSIDE = 0.6
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Found:
    """An object in a picture, in pixels of that picture."""

    label: str
    box: PixelBox
    score: float


class OnnxDetector:
    """A loaded detector. Each call looks at one picture: on one thread a batch of pictures costs as much as its parts.

    Args:
        graph: the verified bytes of the ONNX file.
        spec: how the model is fed and read.
        labels: only these are reported.
        threads: onnxruntime's own threads per call.

    Raises ModelError for a graph that is none, or lacks a wanted label.

    """

    def __init__(self, graph: bytes, spec: DetectorSpec, labels: Sequence[str], threads: int = 1) -> None:
        missing = sorted(set(labels) - set(spec.labels))
        if missing:
            raise ModelError(f"the detector knows no {', '.join(missing)}; it knows: {', '.join(spec.labels)}")
        self._spec = spec
        self._labels = tuple(labels)
        self._columns = [5 + spec.labels.index(label) for label in labels]
        self._session = _session(graph, threads)
        self._input = self._session.get_inputs()[0].name

    def find(self, picture: Pixels, width_px: int, height_px: int, least_score: float) -> list[Found]:
        """What a picture (height x width x 3, BGR) shows, best first, looked at in about `width_px` x `height_px`.

        The picture is scaled with its aspect kept and padded at the right and the bottom to the model's multiple.
        """
        scale = min(width_px / picture.shape[1], height_px / picture.shape[0])
        rows = self._run(picture, scale)
        scores = rows[:, 4:5] * rows[:, self._columns]
        which = scores.argmax(axis=1)
        best = scores[np.arange(len(rows)), which]
        keep = best >= least_score
        corners, scores, which = rows[keep, :4] / scale, best[keep], which[keep]
        sizes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
        alone = cv2.dnn.NMSBoxesBatched(sizes.tolist(), scores.tolist(), which.tolist(), least_score, _NMS_OVERLAP)
        return _whole_bodies(
            [
                Found(
                    self._labels[which[index]],
                    PixelBox(*corners[index].tolist()).clipped(picture.shape[1], picture.shape[0]),
                    float(scores[index]),
                )
                for index in alone
            ]
        )

    def _run(self, picture: Pixels, scale: float) -> npt.NDArray[np.float32]:
        width, height = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
        multiple = self._spec.multiple_px
        canvas = np.full((_rounded_up(height, multiple), _rounded_up(width, multiple), 3), _PADDING, np.uint8)
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        canvas[:height, :width] = cv2.resize(np.ascontiguousarray(picture), (width, height), interpolation=way)
        if self._spec.colours == "rgb":
            canvas = canvas[..., ::-1]
        planes = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], np.float32)
        if self._spec.scale != 1:
            planes *= np.float32(self._spec.scale)
        rows = cast("npt.NDArray[np.float32]", self._session.run(None, {self._input: planes})[0][0])
        return _decoded(rows, canvas.shape[1], canvas.shape[0])


def load_detector(
    name: str, models_dir: Path, labels: Sequence[str], threads: int = 1, catalogue: Catalogue | None = None
) -> OnnxDetector:
    """The detector of this name in the catalogue. Raises ModelError when it is missing, unverified or no detector."""
    known = catalogue or load_catalogue()
    spec = known.model(name).detector
    if spec is None:
        raise ModelError(f"model {name!r} is no detector: its catalogue entry has no `detector`")
    return OnnxDetector(verified_bytes(name, spec.file, models_dir, known), spec, labels, threads)


def _session(graph: bytes, threads: int) -> onnxruntime.InferenceSession:
    # some builds of onnxruntime report to their maker: nothing leaves a site but what its operator sends
    onnxruntime.disable_telemetry_events()
    try:
        model = onnx.load_from_string(graph)
        _free_sizes(model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # a spinning pool would take a core from the other services while it waits for the next frame
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as problem:
        raise ModelError(f"the detector's graph cannot be used: {problem}") from problem


def _free_sizes(model: onnx.ModelProto) -> None:
    """Let a fully convolutional graph take any height and width: only its declared shapes were fixed."""
    sides = model.graph.input[0].type.tensor_type.shape.dim
    sides[2].dim_param, sides[3].dim_param = "height", "width"
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "anchors"
    del model.graph.value_info[:]


def _decoded(rows: npt.NDArray[np.float32], width_px: int, height_px: int) -> npt.NDArray[np.float32]:
    """Turn grid offsets and log sizes into corners x0, y0, x1, y1 in pixels of the model's input."""
    grids, strides = [], []
    for stride in _STRIDES:
        across, down = width_px // stride, height_px // stride
        grids.append(np.stack(np.meshgrid(np.arange(across), np.arange(down)), axis=-1).reshape(-1, 2))
        strides.append(np.full((across * down, 1), stride))
    grid, step = np.concatenate(grids), np.concatenate(strides)
    if len(grid) != len(rows):
        raise ModelError(f"the detector gave {len(rows)} rows for {width_px}x{height_px}, not {len(grid)}")
    centre, half = (rows[:, :2] + grid) * step, np.exp(rows[:, 2:4]) * step / 2
    return np.concatenate([centre - half, centre + half, rows[:, 4:]], axis=1, dtype=np.float32)


def _whole_bodies(found: list[Found]) -> list[Found]:
    """Without the upper halves of what was found whole: boxes inside of a larger one that begin at the same height."""
    return [one for one in found if not any(_upper_half_of(one.box, whole.box) for whole in found if whole is not one)]


def _upper_half_of(part: PixelBox, whole: PixelBox) -> bool:
    if part.height >= whole.height or abs(part.y0 - whole.y0) > _SAME_TOP * whole.height:
        return False
    shared = max(0.0, min(part.x1, whole.x1) - max(part.x0, whole.x0)) * max(0.0, min(part.y1, whole.y1) - part.y0)
    return shared > _INSIDE * part.width * part.height


def _rounded_up(length_px: int, multiple: int) -> int:
    return -(-length_px // multiple) * multiple
