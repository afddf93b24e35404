"""Says what is missing or broken in a model's directory, without reading its weights."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from watchpost.errors import ModelError
from watchpost.models.tensor_files import INDEX, SINGLE, header_of, weight_files, weight_map

__all__ = ["CONFIG", "TOKENIZER", "config_of", "faults_of"]

CONFIG, TOKENIZER = "config.json", "tokenizer.json"
_KINDS = ("qwen3_vl", "qwen3_vl_moe")


def faults_of(directory: Path) -> tuple[str, ...]:
    """Each thing that is wrong, () where nothing is. Weight files are held to their headers, sizes and the index."""
    return tuple(_faults(directory)) if directory.is_dir() else ("no such directory",)


def config_of(directory: Path) -> Mapping[str, Any]:
    """The config.json. Raises ModelError where it is none."""
    content = _json(directory / CONFIG)
    if not isinstance(content, dict):
        raise ModelError(f"{CONFIG} is no mapping")
    return content


def _faults(directory: Path) -> Iterator[str]:
    try:
        weights = weight_files(directory) or (f"{SINGLE} or {INDEX}",)
    except ModelError as fault:
        yield str(fault)
        weights = ()
    needed = (CONFIG, TOKENIZER, *weights)
    missing = [name for name in needed if not (directory / name).is_file()]
    if missing:
        yield f"missing: {', '.join(missing)}"
    for name in needed:
        try:
            if name not in missing:
                _check(directory, name)
        except ModelError as fault:
            yield str(fault)


def _check(directory: Path, name: str) -> None:
    if name == CONFIG:
        _check_config(config_of(directory))
    elif name == TOKENIZER:
        _json(directory / name)
    else:
        _check_weights(directory, name)


def _check_config(config: Mapping[str, Any]) -> None:
    if config.get("model_type") not in _KINDS:
        raise ModelError(f"{CONFIG}: model_type is {config.get('model_type')!r}, not {' or '.join(_KINDS)}")
    stored = config.get("quantization_config")
    if stored and (stored.get("quant_method"), stored.get("bnb_4bit_quant_type")) != ("bitsandbytes", "nf4"):
        raise ModelError(
            f"{CONFIG}: its weights were quantised by {stored.get('quant_method')}; "
            "what can be read are 16 bits and bitsandbytes' nf4"
        )


def _check_weights(directory: Path, name: str) -> None:
    there = header_of(directory / name).places
    for tensor, file in (weight_map(directory) or {}).items():
        if file == name and tensor not in there:
            raise ModelError(f"{name} lacks {tensor}, which {INDEX} looks for there")


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ModelError(f"{path.name} cannot be read ({' '.join(str(problem).split())})") from problem
