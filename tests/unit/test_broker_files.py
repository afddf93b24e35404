"""A broker listens where it was asked to, and no further."""

from pathlib import Path

import pytest

from watchpost.stream.broker_files import BrokerFiles


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
