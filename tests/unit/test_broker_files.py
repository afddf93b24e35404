"""A broker listens where it was asked to, and no further."""

from pathlib import Path

import pytest

from watchpost.stream.broker_files import BrokerFiles, Detour


def _listeners(files: BrokerFiles) -> str:
    lines = files.properties.read_text().splitlines()
    return next(line for line in lines if line.startswith("listeners="))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_broker_for_this_machine_listens_on_loopback_alone(tmp_path: Path, host: str) -> None:
    files = BrokerFiles(tmp_path)

    files.write_settings(host, 9092, 9093)

    assert _listeners(files) == "listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"


def test_a_broker_with_a_name_for_others_listens_for_them_but_its_controller_does_not(tmp_path: Path) -> None:
    files = BrokerFiles(tmp_path)

    files.write_settings("kafka", 9092, 9093)

    assert _listeners(files) == "listeners=PLAINTEXT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093"
    assert files.bootstrap() == "kafka:9092"


def test_a_folder_without_a_broker_knows_neither_address_nor_identity(tmp_path: Path) -> None:
    files = BrokerFiles(tmp_path)

    assert (files.bootstrap(), files.cluster_id()) == (None, None)


def test_clients_that_come_by_a_detour_are_sent_back_to_the_relay(tmp_path: Path) -> None:
    files = BrokerFiles(tmp_path)

    files.write_settings("127.0.0.1", 9092, 9093, Detour(port=9094, relay_port=7000))

    lines = files.properties.read_text().splitlines()
    assert _listeners(files).endswith(",DETOUR://127.0.0.1:9094")
    assert "advertised.listeners=PLAINTEXT://127.0.0.1:9092,DETOUR://127.0.0.1:7000" in lines
    assert files.bootstrap() == "127.0.0.1:9092"
