"""The embedded broker keeps its data, frees its port, says why it fails, and never outlives its owner."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.brokers import Broker, create_topic, produce, read_all, unique
from tests.waiting import wait_for
from watchpost.errors import ConfigError, RetryableError
from watchpost.stream.broker_files import BrokerFiles
from watchpost.stream.embedded import EmbeddedKafka
from watchpost.stream.free_ports import free_port
from watchpost.stream.guarded_process import read_guard
from watchpost.stream.kafka_commands import kafka_status, start_kafka, stop_kafka
from watchpost.stream.process_guard import has_ended

pytestmark = pytest.mark.kafka

FreshBroker = Callable[[], EmbeddedKafka]

_OWNER = """
import sys, threading
from pathlib import Path
from watchpost.stream.embedded import EmbeddedKafka

kafka = EmbeddedKafka(Path(sys.argv[1]))
thread = threading.Thread(target=kafka.start)  # a thread that ends long before the broker shall
thread.start()
thread.join()
print(kafka.pid, flush=True)
sys.stdin.read()
"""


def _owner(data_dir: Path) -> tuple[subprocess.Popen[str], int]:
    """A process that owns a broker, and the broker's pid."""
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    for line in owner.stdout:
        if line.strip().isdigit():
            return owner, int(line)
    raise AssertionError(f"the owner ended with status {owner.wait()}")


def test_what_is_produced_is_consumed(broker: Broker) -> None:
    topic = create_topic(broker.bootstrap, unique("hello"), partitions=3)

    produce(broker.bootstrap, topic, [b"a", b"b", b"c"], key=b"door")

    assert [message.value() for message in read_all(broker.bootstrap, topic, count=3)] == [b"a", b"b", b"c"]


def test_data_address_and_identity_are_kept_over_stop_kill_and_removal(
    fresh_broker: FreshBroker, tmp_path: Path
) -> None:
    kafka = fresh_broker()
    address, identity = kafka.bootstrap, kafka_status(kafka.data_dir).cluster_id
    topic = create_topic(address, "kept", settings={"flush.messages": "1"})
    produce(address, topic, [b"before the kill"])

    kafka.kill()
    kafka.start()
    produce(address, topic, [b"before the stop"])
    again_at = kafka.bootstrap
    kafka.stop()
    shutil.move(kafka.data_dir, tmp_path / "elsewhere")

    with EmbeddedKafka(tmp_path / "elsewhere") as moved:
        values = [message.value() for message in read_all(moved.bootstrap, topic, count=2)]
        assert values == [b"before the kill", b"before the stop"]
        assert identity == kafka_status(moved.data_dir).cluster_id
    assert again_at == address
    assert identity is not None


def test_a_broker_ends_with_its_owner_after_kill_9(tmp_path: Path) -> None:
    owner, jvm = _owner(tmp_path / "kafka")
    with owner:
        assert not has_ended(jvm), "it was started by a thread that has ended, and that ends nothing"

        owner.kill()

        wait_for(lambda: has_ended(jvm), within_s=15)
    assert (tmp_path / "kafka/kafka/.kafka_cleanshutdown").exists(), "it was stopped, not cut off"


def test_a_new_owner_takes_over_at_once_after_kill_9_of_the_old(tmp_path: Path) -> None:
    owner, jvm = _owner(tmp_path / "kafka")
    with owner:
        owner.kill()

    with EmbeddedKafka(tmp_path / "kafka") as kafka:
        assert kafka.pid not in {None, jvm}


def test_a_broker_ends_with_its_guard_after_kill_9_of_the_guard(fresh_broker: FreshBroker) -> None:
    kafka = fresh_broker()
    guard = read_guard(BrokerFiles(kafka.data_dir).pid_file)
    assert guard is not None

    os.kill(guard.guard_pid, signal.SIGKILL)

    wait_for(lambda: has_ended(guard.child_pid), within_s=5)
    assert kafka.pid is None
    kafka.start()
    assert kafka.pid not in {None, guard.child_pid}


def test_a_port_that_is_taken_is_an_error_that_names_it(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(ConfigError, match=rf"kafka\.port: port {port} is taken .*name another port"):
            EmbeddedKafka(tmp_path, port=port).start()


def test_a_folder_that_another_broker_uses_is_refused_and_the_other_left_alone(embedded_broker: EmbeddedKafka) -> None:
    holder = rf"in use by process {embedded_broker.pid}, which belongs to process {os.getpid()}"

    with pytest.raises(ConfigError, match=holder):
        EmbeddedKafka(embedded_broker.data_dir).start()

    assert kafka_status(embedded_broker.data_dir).bootstrap == embedded_broker.bootstrap
    create_topic(embedded_broker.bootstrap, unique("still-served"))


def test_records_without_the_file_that_says_whose_they_are_are_refused(tmp_path: Path) -> None:
    (tmp_path / "kafka/__cluster_metadata-0").mkdir(parents=True)

    with pytest.raises(ConfigError, match=r"holds records but not meta\.properties"):
        EmbeddedKafka(tmp_path).start()


def test_a_folder_that_cannot_be_made_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match=r"kafka\.data_dir: .*file/kafka cannot be used"):
        EmbeddedKafka(tmp_path / "file/kafka").start()


def test_jars_that_cannot_be_had_are_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")  # nobody listens: a machine without network

    with pytest.raises(RetryableError, match=r"cannot be had from Maven Central .*WATCHPOST_CACHE"):
        EmbeddedKafka(tmp_path / "kafka", cache_dir=tmp_path / "empty").start()


def test_a_broker_that_cannot_start_shows_its_last_log_lines(tmp_path: Path) -> None:
    meta = BrokerFiles(tmp_path).meta_properties
    meta.parent.mkdir()
    meta.write_text("version=1\ncluster.id=5L6g3nShT-eMCtK--X86sw\nnode.id=7\ndirectory.id=9hJOF-p8Rr2kKuYDyyZXqg\n")

    with pytest.raises(RetryableError, match=r"(?s)kafka ended while it started \(status 1\):.*Stored node id 7"):
        EmbeddedKafka(tmp_path).start()


def test_a_detached_broker_is_found_by_its_folder_and_stopped(tmp_path: Path) -> None:
    data_dir, port = tmp_path / "kafka", free_port()
    assert not kafka_status(data_dir).running
    assert not stop_kafka(data_dir)

    started = start_kafka(data_dir, port=port)
    try:
        assert (started.running, started.bootstrap, started.owner_pid) == (True, f"127.0.0.1:{port}", None)
        assert start_kafka(data_dir, port=port) == kafka_status(data_dir) == started
        create_topic(f"127.0.0.1:{port}", "detached")
    finally:
        stopped = stop_kafka(data_dir)

    assert stopped
    assert started.pid is not None
    assert has_ended(started.pid)
    assert kafka_status(data_dir).cluster_id == started.cluster_id
    assert not kafka_status(data_dir).running


def test_a_broker_that_belongs_to_a_process_is_not_stopped_from_outside(embedded_broker: EmbeddedKafka) -> None:
    with pytest.raises(ConfigError, match=f"belongs to process {os.getpid()}"):
        stop_kafka(embedded_broker.data_dir)

    assert embedded_broker.pid is not None


def test_a_stale_pid_file_deceives_nobody(tmp_path: Path) -> None:
    pid_file = BrokerFiles(tmp_path).pid_file
    pid_file.write_text(f'{{"guard": {os.getpid()}, "owner": 0, "child": {os.getpid()}}}')

    assert not kafka_status(tmp_path).running
    assert not stop_kafka(tmp_path)
