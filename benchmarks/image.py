"""What the image of the CPU services weighs, and what weighs in it: an edge box fetches all of it over a thin link."""

import argparse
import json
import subprocess
import sys
import tarfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO

__all__ = ["LIMIT_BYTES", "compressed_bytes", "weigh"]

LIMIT_BYTES = 350_000_000
_LEVEL = 6  # what gzip does unless told otherwise
_CHUNK_BYTES = 1 << 20
_SHOWN = 20
_PACKAGES = "site-packages"
_PLACES = {
    "usr/share/watchpost/maven": "Kafka's jars",
    "usr/share/watchpost/models": "models",
    "usr/lib/python3": "Python",
    "usr/local/lib/python3": "Python",
}


class _Packer:
    """Counts what bytes come to once gzip has packed them."""

    def __init__(self) -> None:
        self._packer = zlib.compressobj(_LEVEL, wbits=31)
        self._bytes = 0

    def feed(self, content: bytes) -> None:
        self._bytes += len(self._packer.compress(content))

    def total_bytes(self) -> int:
        self._bytes += len(self._packer.flush())
        return self._bytes


def compressed_bytes(image: str) -> int:
    """`docker save IMAGE | gzip -6 | wc -c`; takes 40 s of a processor."""
    packer = _Packer()
    with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saving:
        for chunk in _chunks(_pipe_of(saving)):
            packer.feed(chunk)
    if saving.returncode != 0:
        raise subprocess.CalledProcessError(saving.returncode, saving.args)
    return packer.total_bytes()


def weigh(image: str) -> dict[str, int]:
    """Compressed bytes of each part of the image, the heaviest first: Python packages by name, the rest by place."""
    packers: defaultdict[str, _Packer] = defaultdict(_Packer)
    with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saving:
        for path, content in _files(_pipe_of(saving)):
            packer = packers[_part_of(path)]
            for chunk in _chunks(content):
                packer.feed(chunk)
    sizes = {part: packer.total_bytes() for part, packer in packers.items()}
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def _pipe_of(process: "subprocess.Popen[bytes]") -> IO[bytes]:
    if process.stdout is None:
        raise ValueError("the process was started without a pipe")
    return process.stdout


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK_BYTES):
        yield chunk


def _files(saved: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    """Each regular file of each layer, with its path in the image."""
    with tarfile.open(fileobj=saved, mode="r|") as image:
        for member in image:
            layer = image.extractfile(member)
            # "…/layer.tar" from older engines, "blobs/sha256/…" (beside JSON) from newer ones
            if layer is not None and (member.name.endswith("layer.tar") or member.name.startswith("blobs/")):
                yield from _files_of_layer(layer)


def _files_of_layer(layer: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    try:
        with tarfile.open(fileobj=layer, mode="r|") as files:
            for file in files:
                content = files.extractfile(file) if file.isreg() else None
                if content is not None:
                    yield file.name, content
    except tarfile.ReadError:
        return  # a blob of JSON


def _part_of(path: str) -> str:
    parts = PurePosixPath(path).parts
    if _PACKAGES in parts[:-1]:
        return parts[parts.index(_PACKAGES) + 1].removesuffix(".libs").partition("-")[0]
    return next((name for place, name in _PLACES.items() if path.startswith(place)), "Debian and the rest")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image")
    image = parser.parse_args().image
    total = compressed_bytes(image)
    heaviest = dict(list(weigh(image).items())[:_SHOWN])
    print(json.dumps({"image": image, "bytes": total, "limit_bytes": LIMIT_BYTES, "heaviest_bytes": heaviest}))
    sys.exit(total > LIMIT_BYTES)


if __name__ == "__main__":
    main()
