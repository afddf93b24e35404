"""Where the api listens: at once answered, and told in one line where it cannot be."""

import socket

import pytest

from watchpost.api.pipeline import _listening
from watchpost.errors import ConfigError
from watchpost.settings import ApiSettings


def test_answers_do_not_wait_for_the_callers_acknowledgement() -> None:
    with (
        _listening(ApiSettings(port=0)) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_taken_port_is_an_error_that_names_the_setting() -> None:
    with _listening(ApiSettings(port=0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"api\.port: 127\.0\.0\.1:{port} cannot be listened on"):
            _listening(ApiSettings(port=port))
