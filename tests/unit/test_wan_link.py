"""A simulated link does to plain TCP connections what it is told, and counts what passed."""

import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from tests.fakes.far_end import Arrived, FarEnd
from tests.waiting import wait_for
from watchpost.simulation.wan import LinkState, StallRule, WanLink, WanProcess

_SMALL_BUFFER_BYTES = 32 * 1024


@pytest.fixture
def far() -> Iterator[FarEnd]:
    with FarEnd(echoes=True) as far:
        yield far


@pytest.fixture
def link(far: FarEnd) -> Iterator[WanLink]:
    with WanLink(far.port) as link:
        yield link


def connected(link: WanLink | WanProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port), timeout=20)


def arrived_of(far: FarEnd, number: int) -> Arrived:
    """What the server knows of the connection that came to it as this one."""
    wait_for(lambda: far.connections, lambda seen: len(seen) > number)
    return far.connections[number]


def exactly(client: socket.socket, size_bytes: int) -> bytes:
    came = b""
    while len(came) < size_bytes:
        part = client.recv(65536)
        assert part, f"ended after {len(came)} of {size_bytes} bytes"
        came += part
    return came


def say_all(client: socket.socket, data: bytes) -> None:
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)


def says_nothing(client: socket.socket) -> bool:
    """Whether there is neither a byte nor an end to read."""
    return not select.select([client], [], [], 0)[0]


def test_unshaped_link_carries_bytes_both_ways_in_order_and_their_end(far: FarEnd, link: WanLink) -> None:
    data = os.urandom(3_000_000)

    with connected(link) as client:
        sender = threading.Thread(target=say_all, args=(client, data))
        sender.start()
        came = exactly(client, len(data))
        sender.join()
        assert client.recv(1) == b""

    assert came == data
    assert far.connections[0].ended == "orderly"
    assert (link.meter.up_bytes, link.meter.down_bytes) == (len(data), len(data))


def test_rate_is_shared_by_the_connections_of_a_direction() -> None:
    with FarEnd() as far, WanLink(far.port) as link:
        link.shape(up_kbps=2000)
        began_s = time.monotonic()
        clients = [connected(link) for _ in range(2)]
        senders = [threading.Thread(target=client.sendall, args=(bytes(300_000),)) for client in clients]
        for sender in senders:
            sender.start()
        arrived = [arrived_of(far, number) for number in range(2)]
        wait_for(lambda: [len(one.data) for one in arrived], lambda seen: seen == [300_000] * 2)
        for client in clients:
            client.close()

    # 250 kB a second: 600 kB take 2.4 s of the line, the quarter of a second that the last wait in its buffer counted
    assert link.meter.most_bytes_in_any(1.0) == pytest.approx(250_000, rel=0.05)
    assert link.meter.most_bytes_in_any(2.0) == pytest.approx(500_000, rel=0.05)
    assert max(one.last_s for one in arrived) - began_s > 2.4 * 0.95
    # neither waited for the other's end
    assert max(one.first_s or 0.0 for one in arrived) < min(one.last_s for one in arrived)


def test_directions_have_rates_of_their_own(far: FarEnd, link: WanLink) -> None:
    link.shape(down_kbps=1000)

    with connected(link) as client:
        client.sendall(bytes(200_000))
        arrived = arrived_of(far, 0)
        exactly(client, 200_000)

    assert link.meter.down_bytes == link.meter.up_bytes == 200_000
    assert arrived.last_s > 0
    # of the 1.6 s that the answer takes on the line no second holds more than its rate and all that went up
    assert link.meter.most_bytes_in_any(0.5, since_s=link.meter.now_s() - 1.0) == pytest.approx(62_500, rel=0.05)


def test_delay_passes_once_in_each_direction(far: FarEnd, link: WanLink) -> None:
    link.shape(delay_ms=150)

    with connected(link) as client:
        sent_s = time.monotonic()
        client.sendall(b"ping")
        exactly(client, 4)
        back_s = time.monotonic()

    up_s = (far.connections[0].first_s or 0.0) - sent_s
    assert up_s >= 0.15
    assert back_s - sent_s - up_s >= 0.149  # what the echo's own clock reading cost


def test_jitter_keeps_the_order(link: WanLink) -> None:
    link.shape(delay_ms=20, jitter_ms=20, seed=5)
    data = b"".join(number.to_bytes(4, "big") for number in range(300))

    with connected(link) as client:
        for start in range(0, len(data), 4):
            client.sendall(data[start : start + 4])
        assert exactly(client, len(data)) == data


def test_lost_chunk_makes_the_line_stand_still(far: FarEnd, link: WanLink) -> None:
    link.shape(stall=StallRule(1.0, stall_ms=200))

    with connected(link) as client:
        sent_s = time.monotonic()
        client.sendall(b"x")
        exactly(client, 1)

    assert (far.connections[0].first_s or 0.0) - sent_s >= 0.2
    assert time.monotonic() - sent_s >= 0.4


def test_slow_line_holds_its_sender_back(link: WanLink) -> None:
    link.shape(up_kbps=100)
    sent_bytes = 0

    with connected(link) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SMALL_BUFFER_BYTES)
        client.setblocking(False)
        while select.select([], [client], [], 0.3)[1] and sent_bytes < 20_000_000:
            sent_bytes += client.send(bytes(_SMALL_BUFFER_BYTES))

    assert sent_bytes < 1_000_000


def test_half_open_link_swallows_all_and_says_nothing(far: FarEnd, link: WanLink) -> None:
    with connected(link) as old, connected(link) as hung_up, WanLink(far.port) as witness:
        old_arrived, hung_up_arrived = arrived_of(far, 0), arrived_of(far, 1)
        old.sendall(b"before")
        assert exactly(old, 6) == b"before"

        link.half_open()
        old.sendall(b"vanishes")
        hung_up.shutdown(socket.SHUT_WR)
        old_arrived.connection.sendall(b"vanishes too")
        with connected(link) as new, connected(witness) as other:
            new.sendall(b"is not answered")
            # what went by another way since then came and went
            other.sendall(b"x" * 100_000)
            exactly(other, 100_000)
            assert says_nothing(old)
            assert says_nothing(new)
        assert link.state is LinkState.HALF_OPEN

    assert (bytes(old_arrived.data), bytes(hung_up_arrived.data)) == (b"before", b"")
    # the link's own end reset it: until then the server heard of no end
    assert {old_arrived.ended, hung_up_arrived.ended} <= {None, "reset"}
    assert len(far.connections) == 3


def test_what_is_under_way_vanishes_in_a_link_that_goes_half_open(far: FarEnd, link: WanLink) -> None:
    with WanLink(far.port) as witness, connected(link) as client:
        # waited for before the witness connects: two links' connections come in either order
        arrived = arrived_of(far, 0)
        with connected(witness) as other:
            for each in (link, witness):
                each.shape(delay_ms=300)
            client.sendall(b"under way")
            wait_for(lambda: link.meter.up_bytes, lambda seen: seen == len(b"under way"))

            link.half_open()

            other.sendall(b"set out later")
            exactly(other, len(b"set out later"))
            assert not arrived.data


def test_restored_link_carries_new_connections_while_half_open_ones_stay_silent(far: FarEnd, link: WanLink) -> None:
    with connected(link) as old:
        old_arrived = arrived_of(far, 0)
        link.half_open()
        link.restore()
        old.sendall(b"vanishes still")
        with connected(link) as new:
            new.sendall(b"passes")
            assert exactly(new, 6) == b"passes"
        assert says_nothing(old)
        assert old_arrived.ended is None

        link.reset()

        with pytest.raises(ConnectionResetError):
            old.recv(1)
    assert not old_arrived.data


def test_cut_link_resets_and_refuses_until_it_is_restored(far: FarEnd, link: WanLink) -> None:
    with connected(link) as client:
        client.sendall(b"x")
        exactly(client, 1)
        link.cut()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with pytest.raises(ConnectionRefusedError):
        connected(link)
    wait_for(lambda: far.connections[0].ended, lambda ended: ended == "reset")

    link.restore()

    with connected(link) as client:
        client.sendall(b"again")
        assert exactly(client, 5) == b"again"


def test_connection_is_reset_in_the_middle_of_what_it_sends() -> None:
    with FarEnd() as far, WanLink(far.port) as link:
        link.reset_after_bytes(1000)
        with connected(link) as client, connected(link) as bystander:
            client.sendall(bytes(700))
            arrived = arrived_of(far, 0)
            wait_for(lambda: len(arrived.data), lambda seen: seen == 700)
            assert link.awaits_reset
            client.sendall(bytes(50_000))
            wait_for(lambda: arrived.ended, lambda ended: ended == "reset")
            for end in (client, bystander):
                with pytest.raises(ConnectionResetError):
                    end.recv(1)

        assert len(arrived.data) in {700, 1000}  # a reset may overtake what was not read yet
        wait_for(lambda: link.awaits_reset, lambda awaits: not awaits)
        with connected(link) as client:
            client.sendall(bytes(5000))
            again = arrived_of(far, 2)
            wait_for(lambda: len(again.data), lambda seen: seen == 5000)


def test_client_of_a_target_that_is_not_there_is_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]

    # perhaps before it knows that it is connected
    with WanLink(port) as link, pytest.raises(ConnectionResetError), connected(link) as client:
        client.recv(1)


@pytest.mark.parametrize("kind", [WanLink, WanProcess])
def test_link_in_a_process_of_its_own_does_the_same(
    far: FarEnd, kind: Callable[[int], AbstractContextManager[WanLink | WanProcess]]
) -> None:
    with kind(far.port) as link:
        link.shape(up_kbps=4000, delay_ms=5, stall=StallRule(0.1, 1), seed=3)
        with connected(link) as client:
            client.sendall(bytes(100_000))
            exactly(client, 100_000)
        assert link.meter.up_bytes == link.meter.down_bytes == 100_000
        assert 0 < link.meter.most_bytes_in_any(0.1, since_s=0.0) <= 200_000
        assert link.meter.most_bytes_in_any(0.1, since_s=link.meter.now_s() + 10) == 0
        link.half_open()
        assert link.state is LinkState.HALF_OPEN
        link.reset_after_bytes(1)
        assert link.awaits_reset
        link.reset()
        link.cut()
        with pytest.raises(ConnectionRefusedError):
            connected(link)
        link.restore()
        connected(link).close()
