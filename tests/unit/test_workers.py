"""How many inference workers a site runs, each with a GPU and a port of its own."""

from typing import Any

import pytest

from watchpost.errors import ConfigError
from watchpost.settings import SiteSettings, settings_from
from watchpost.site.gpus import visible_gpus
from watchpost.site.processes import SiteProcess, processes_of
from watchpost.site.workers import check_workers, worker_ports

GPU_MODEL = {"model": "qwen3-vl-4b-int8"}
PORT = "WATCHPOST_TELEMETRY__PORTS__INFERENCE"


def site(workers: int | str, model_params: dict[str, str] | None = None, **more: Any) -> SiteSettings:
    return settings_from({"inference": {"workers": workers}, "model_params": model_params or {}, **more})


def workers_of(settings: SiteSettings) -> list[SiteProcess]:
    check_workers(settings)
    return [process for process in processes_of(settings) if process.service == "inference"]


def cards(settings: SiteSettings) -> list[str | None]:
    return [worker.environment.get("CUDA_VISIBLE_DEVICES") for worker in workers_of(settings)]


@pytest.fixture
def _two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-5d1f")


@pytest.fixture
def _no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


@pytest.mark.parametrize(
    ("variable", "gpus"),
    [
        ("", ()),
        ("-1", ()),
        ("0", ("0",)),
        ("2, 0", ("2", "0")),
        ("0,-1,1", ("0",)),
        ("MIG-a,MIG-b", ("MIG-a", "MIG-b")),
    ],
)
def test_visible_gpus_are_those_that_cuda_would_take(
    variable: str, gpus: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)

    assert visible_gpus() == gpus


@pytest.mark.usefixtures("_two_gpus")
@pytest.mark.parametrize("workers", [2, "auto"])
def test_each_worker_has_a_gpu_a_name_and_a_port_of_its_own(workers: int | str) -> None:
    first, second = workers_of(site(workers, GPU_MODEL))

    assert (first.name, dict(first.environment)) == ("inference", {"CUDA_VISIBLE_DEVICES": "3"})
    assert (second.name, dict(second.environment)) == (
        "inference-2",
        {"CUDA_VISIBLE_DEVICES": "GPU-5d1f", PORT: "9112"},
    )


@pytest.mark.usefixtures("_two_gpus")
@pytest.mark.parametrize("model_params", [{}, {**GPU_MODEL, "device": "cpu"}, {**GPU_MODEL, "device": "cuda:1"}])
def test_auto_is_one_worker_where_no_gpu_is_dealt_out(model_params: dict[str, str]) -> None:
    assert cards(site("auto", model_params)) == [None]


@pytest.mark.usefixtures("_no_gpu")
def test_workers_without_any_gpu_are_as_many_as_asked_for() -> None:
    assert cards(site("auto", GPU_MODEL)) == [None]
    assert cards(site(3, GPU_MODEL)) == [None, None, None]


@pytest.mark.usefixtures("_two_gpus")
def test_more_workers_than_gpus_are_refused_with_both_numbers() -> None:
    assert cards(site(1, GPU_MODEL)) == ["3"]
    with pytest.raises(ConfigError, match=r"^inference\.workers: 3 workers need as many GPUs, and 2 can be used here"):
        workers_of(site(3, GPU_MODEL))


@pytest.mark.usefixtures("_two_gpus")
def test_several_workers_on_one_named_device_are_a_contradiction() -> None:
    with pytest.raises(
        ConfigError, match=r"^inference\.workers: 2 workers would share cuda:1, which model_params\.device"
    ):
        workers_of(site(2, {**GPU_MODEL, "device": "cuda:1"}))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (
            {"telemetry": {"ports": {"events": 9122}}},
            "worker 3 of 3 would answer on 9122, which is telemetry.ports.events",
        ),
        ({"telemetry": {"ports": {"inference": 7850}}}, "worker 2 of 3 would answer on 7860, which is api.port"),
        ({"telemetry": {"ports": {"inference": 9082}}}, "9092, which is kafka.embedded.port"),
        ({"telemetry": {"ports": {"inference": 65530}}}, "65540, which is no port at all"),
    ],
)
def test_port_that_is_taken_is_refused_with_the_remedy(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_workers(site(3, **more))

    assert caught.value.key == "telemetry.ports.inference"
    assert says in caught.value.problem
    assert "0 for free ones" in caught.value.remedy


def test_ports_that_are_not_used_clash_with_nothing() -> None:
    other_kafka: dict[str, Any] = {"kafka": {"bootstrap": "kafka:9092"}, "telemetry": {"ports": {"inference": 9082}}}

    check_workers(site(2, **other_kafka))
    check_workers(site(1, telemetry={"ports": {"events": 9112}}))

    assert worker_ports(site(3, telemetry={"ports": {"inference": 0}})) == (0, 0, 0)


@pytest.mark.parametrize("workers", [0, 25, -1, "many", 1.5, None])
def test_number_of_workers_that_cannot_be_is_refused_by_its_key(workers: Any) -> None:
    with pytest.raises(
        ConfigError, match=r"^inference\.workers: .* is no number of workers .*; write 1 to 24, or auto"
    ):
        settings_from({"inference": {"workers": workers}})


def test_number_of_workers_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHPOST_INFERENCE__WORKERS", "2")

    assert settings_from({}).inference.workers == 2
