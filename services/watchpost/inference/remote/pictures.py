"""Makes a picture into text that a request can hold."""

from base64 import b64encode

import cv2
import numpy as np
import numpy.typing as npt

from watchpost.errors import ModelError

__all__ = ["data_url"]


def data_url(bgr: npt.NDArray[np.uint8], max_side_px: int, quality: int) -> str:
    """The picture (height x width x 3) as a JPEG in a data URL, scaled down to `max_side_px` where it is larger."""
    height_px, width_px = bgr.shape[:2]
    scale = max_side_px / max(height_px, width_px)
    if scale < 1:
        size = max(1, round(width_px * scale)), max(1, round(height_px * scale))
        bgr = np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    is_made, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not is_made:
        raise ModelError(f"a picture of {width_px}x{height_px} cannot be made a JPEG")
    return f"data:image/jpeg;base64,{b64encode(jpeg.tobytes()).decode()}"
