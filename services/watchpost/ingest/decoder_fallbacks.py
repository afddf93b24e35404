"""Shows, while it lasts, which cameras are decoded in software though hardware was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass

from watchpost.contracts.camera_parts import SOFTWARE
from watchpost.contracts.records import CameraId
from watchpost.telemetry import Health, metrics

__all__ = ["DecoderFallbacks", "Fallback"]

_TOPIC = "decoders"


@dataclass(frozen=True, slots=True)
class Fallback:
    """The hardware that a camera asks for, and why it does not decode."""

    decoder: str
    why: str


class DecoderFallbacks:
    """A process's. For its loop.

    fallbacks.show({spec.camera: Fallback("cuda", "Operation not permitted")})
    """

    def __init__(self, health: Health) -> None:
        self._health = health
        self._shown: dict[CameraId, Fallback] = {}

    def show(self, now: Mapping[CameraId, Fallback]) -> None:
        """These are all there are; to be told as often as one likes."""
        if now == self._shown:
            return
        for camera, was in self._shown.items():
            if camera not in now or now[camera].decoder != was.decoder:
                metrics.DECODER_FALLEN_BACK.remove(camera, was.decoder)
        for camera, fallback in now.items():
            metrics.DECODER_FALLEN_BACK.labels(camera, fallback.decoder).set(1)
        self._shown = dict(now)
        said = [f"{camera} asks for {it.decoder}, but {it.why}: {SOFTWARE} decodes it" for camera, it in now.items()]
        self._health.note(_TOPIC, "; ".join(sorted(said)) or None)
