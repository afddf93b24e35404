"""Keeps a calibration as a file that is whole at any moment."""

import json
import math
import os
from pathlib import Path
from typing import Any

from watchpost.contracts.records import CameraId
from watchpost.errors import ConfigError
from watchpost.inference.calibration import Calibration, CalibrationEntry, CalibrationKey
from watchpost.inference.scaling import Scaling

__all__ = ["calibration_path", "read_calibration", "write_calibration"]

_VERSION = 1
_REMEDY = "make it anew with watchpost calibrate, or delete it to go without"


def calibration_path(state_dir: Path) -> Path:
    """Where a site keeps it: in the folder that inference workers in containers have too."""
    return state_dir / "inference" / "calibration.json"


def read_calibration(path: Path) -> Calibration:
    """What the file holds; an empty calibration where there is no file. Raises ConfigError for any other content."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Calibration()
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read ({error.strerror})", "let the service read it") from error
    except ValueError as error:
        raise ConfigError(str(path), f"is no JSON: {error}", _REMEDY) from error
    try:
        if content["version"] != _VERSION:
            raise ConfigError(str(path), f"is of version {content['version']}, and {_VERSION} is known", _REMEDY)
        return Calibration(dict(_entry(one) for one in content["entries"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(str(path), f"is no calibration: {error!r}", _REMEDY) from error


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Replace the file at once: a reader, and a power cut, find the old one or the new one."""
    entries = [_as_plain(key, entry) for key, entry in calibration.entries.items()]
    text = json.dumps({"version": _VERSION, "entries": entries}, indent=2) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise ConfigError(str(path), f"cannot be written ({error.strerror})", "name another file with --out") from error


def _as_plain(key: CalibrationKey, entry: CalibrationEntry) -> dict[str, Any]:
    return {
        "task": key.task,
        "camera": key.camera,
        "temperature": entry.scaling.temperature,
        "bias": entry.scaling.bias,
        "samples": entry.samples,
        "prompt_digest": key.prompt_digest,
        "model_digest": key.model_digest,
    }


def _entry(plain: dict[str, Any]) -> tuple[CalibrationKey, CalibrationEntry]:
    camera = plain["camera"]
    key = CalibrationKey(
        str(plain["prompt_digest"]),
        str(plain["model_digest"]),
        str(plain["task"]),
        None if camera is None else CameraId(str(camera)),
    )
    scaling = Scaling(float(plain["temperature"]), float(plain["bias"]))
    if not (math.isfinite(scaling.temperature) and scaling.temperature > 0 and math.isfinite(scaling.bias)):
        raise ValueError(f"{key.task}: a temperature is more than 0 and a bias a number")
    return key, CalibrationEntry(scaling, int(plain["samples"]))
