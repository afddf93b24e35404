"""Fetches the jars that a lock file names, so that a broker runs from pip alone and from verified bytes only."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from jgo.maven import MavenContext
from jgo.parse import Coordinate

from watchpost.errors import ConfigError, RetryableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jgo.maven import Artifact

__all__ = ["JarPin", "default_cache_dir", "fetch_jars", "pin_jars", "read_jar_lock"]

_FETCH_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class JarPin:
    """One artifact of Maven Central: `group:artifact:version[:classifier[:packaging]]` and the sha256 of its bytes."""

    coordinate: str
    sha256: str


def default_cache_dir() -> Path:
    """Where downloaded jars are kept: $WATCHPOST_CACHE, else ~/.cache/watchpost."""
    return Path(os.environ.get("WATCHPOST_CACHE") or Path.home() / ".cache" / "watchpost")


def read_jar_lock(path: Path) -> tuple[JarPin, ...]:
    """The pins of a lock file: lines of `coordinate sha256`, comments after #."""
    lines = (line.split("#", 1)[0].split() for line in path.read_text().splitlines())
    return tuple(JarPin(coordinate, sha256) for coordinate, sha256 in (line for line in lines if line))


def fetch_jars(pins: Sequence[JarPin], cache_dir: Path) -> tuple[Path, ...]:
    """The verified files of `pins`, in their order; what the cache lacks comes from Maven Central.

    Each file is hashed at every call (45 MB take 0.1 s): a download that was cut off, which jgo would take for
    complete for ever, is fetched again.

    Raises:
        ConfigError: the cache cannot be written.
        RetryableError: an artifact cannot be had, or is not what the lock promises.

    """
    context = _maven(cache_dir)
    wanted = [(pin, _artifact(context, pin)) for pin in pins]
    # without the lock first: an image may carry its cache where its user cannot write
    if all(_is_cached(artifact, pin) for pin, artifact in wanted):
        return tuple(artifact.resolve() for _, artifact in wanted)
    with _exclusive(cache_dir):
        return tuple(_fetch(artifact, pin) for pin, artifact in wanted)


def pin_jars(coordinates: Sequence[str], cache_dir: Path) -> tuple[JarPin, ...]:
    """Pin coordinates and all that they need at run time, as they come.

    For making a lock file, not for starts: walking the POMs takes 5 s of processor time, and trusts what it finds.

    Raises:
        ConfigError: the cache cannot be written.
        RetryableError: an artifact cannot be had.

    """
    context = _maven(cache_dir)
    with _exclusive(cache_dir):
        # raw, as Maven does: else jgo imports each coordinate's own POM as a list of versions, and log4j's brings
        # kafka-clients down to 3.9.1 (seen)
        wanted = [
            context.create_dependency(replace(Coordinate.parse(coordinate), scope="compile", raw=True))
            for coordinate in coordinates
        ]
        try:
            named, transitive = context.resolver.resolve(wanted)
            needed = [*named, *(dependency for dependency in transitive if dependency.scope in {"compile", "runtime"})]
            return tuple(
                sorted(
                    (JarPin(f"{d.groupId}:{d.artifactId}:{d.version}", _sha256(d.artifact.resolve())) for d in needed),
                    key=lambda pin: pin.coordinate,
                )
            )
        except (OSError, RuntimeError) as error:
            raise RetryableError(f"{', '.join(coordinates)} cannot be resolved: {error}") from error


def _maven(cache_dir: Path) -> MavenContext:
    # only jgo's resolver, not its environments: those sort jars into modules/ and jars/ with a JDK that they would
    # download from elsewhere, and a broker wants all of them on one class path
    return MavenContext(repo_cache=cache_dir / "maven", timeout=_FETCH_TIMEOUT_S)


def _artifact(context: MavenContext, pin: JarPin) -> Artifact:
    group, name, version, *rest = pin.coordinate.split(":")
    classifier, packaging = rest[0] if rest else "", rest[1] if len(rest) > 1 else "jar"
    return context.project(group, name).at_version(version).artifact(classifier, packaging)


def _is_cached(artifact: Artifact, pin: JarPin) -> bool:
    path = artifact.cached_path
    return path is not None and path.exists() and _sha256(path) == pin.sha256


def _fetch(artifact: Artifact, pin: JarPin) -> Path:
    if artifact.cached_path is not None and not _is_cached(artifact, pin):
        artifact.cached_path.unlink(missing_ok=True)
    try:
        path = artifact.resolve()
    except (OSError, RuntimeError) as error:
        raise RetryableError(
            f"{pin.coordinate} cannot be had from Maven Central and is not in {artifact.context.repo_cache}: {error}; "
            "connect this machine once, or copy that folder from one that has it and point WATCHPOST_CACHE at its "
            "parent"
        ) from error
    if (found := _sha256(path)) != pin.sha256:
        path.unlink()
        raise RetryableError(f"{pin.coordinate}: expected sha256 {pin.sha256}, got {found}; it was removed")
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _exclusive(cache_dir: Path) -> Iterator[None]:
    """One process at a time: jgo writes jars in place, and another would read half of one."""
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        lock = (cache_dir / "maven.lock").open("w")
    except OSError as error:
        raise ConfigError(
            "WATCHPOST_CACHE", f"{cache_dir} cannot be written ({error.strerror})", "name a folder that can"
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    # python -m watchpost.stream.maven_jars COORDINATE... > services/watchpost/stream/kafka_jars.lock
    sys.stdout.writelines(f"{pin.coordinate} {pin.sha256}\n" for pin in pin_jars(sys.argv[1:], default_cache_dir()))
