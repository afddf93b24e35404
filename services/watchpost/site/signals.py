"""Turns signals into events that a loop looks at."""

import os
import signal
import threading

__all__ = ["asked_to_end", "asked_to_reload"]


def asked_to_end() -> threading.Event:
    """Set by SIGTERM or Ctrl-C."""
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    return end


def asked_to_reload() -> threading.Event:
    """Set by SIGHUP. Where that says that our terminal is gone, the process is asked to end instead, as ever."""
    reload = threading.Event()
    # under nohup it is to outlive its terminal
    ends_with_terminal = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and _has_terminal()

    def hung_up(*_: object) -> None:
        if ends_with_terminal and not _has_terminal():
            signal.raise_signal(signal.SIGTERM)
        else:
            reload.set()

    signal.signal(signal.SIGHUP, hung_up)
    return reload


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
