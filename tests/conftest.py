"""The brokers that tests share. A test keeps to itself by names of its own (`tests.fakes.brokers.unique`)."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.fakes.brokers import Broker, ContainerKafka, require_container
from tests.fakes.tiny_qwen import write_tiny_qwen
from tests.requirements import require_inference
from watchpost.stream.embedded import EmbeddedKafka

# examples are not timed: on a busy machine one takes longer than hypothesis allows
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


class _ModuleOnTorch(pytest.Module):
    """Is not imported where torch is missing: one line then says so for all of its tests."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        require_inference()
        return super().collect()


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Modules in a folder named qwen3_vl may import torch at their top."""
    if "qwen3_vl" not in module_path.parts:
        return None
    module: pytest.Module = _ModuleOnTorch.from_parent(parent, path=module_path)
    return module


@pytest.fixture(scope="session")
def tiny_qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a tiny `qwen3-vl-4b`, in a models folder of its own. Read it, do not change it."""
    directory = tmp_path_factory.mktemp("tiny") / "qwen3-vl-4b"
    write_tiny_qwen(directory)
    return directory


@pytest.fixture(scope="session")
def embedded_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """The one embedded broker of this run. Do not stop it: take a `fresh_broker` for that."""
    with EmbeddedKafka(tmp_path_factory.mktemp("kafka")) as kafka:
        yield kafka


@pytest.fixture(scope="session")
def container_broker() -> Iterator[ContainerKafka]:
    """The one broker in a container of this run."""
    require_container()
    with ContainerKafka() as kafka:
        yield kafka


@pytest.fixture(scope="session", params=["embedded_broker", pytest.param("container_broker", marks=pytest.mark.docker)])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Both transports in turn: a test that takes this one runs twice."""
    shared: Broker = request.getfixturevalue(request.param)
    return shared


@pytest.fixture
def fresh_broker(tmp_path: Path) -> Iterator[Callable[[], EmbeddedKafka]]:
    """Starts embedded brokers that are this test's alone, so that it may kill them; they end with the test."""
    started: list[EmbeddedKafka] = []

    def start() -> EmbeddedKafka:
        kafka = EmbeddedKafka(tmp_path / f"kafka-{len(started)}")
        started.append(kafka)
        kafka.start()
        return kafka

    yield start
    for kafka in started:
        kafka.stop()
