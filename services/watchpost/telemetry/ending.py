"""Ends a process in which threads are left that cannot be interrupted."""

import logging
import os
import sys
import threading

__all__ = ["end_with_threads"]


def end_with_threads() -> None:
    """Return where no thread is left; else end the process here, with exit code 0.

    CPython before 3.14 ends a daemon thread that comes back from C code at the interpreter's own end by unwinding its
    stack. Frames of C++ (OpenCV's) do not let themselves be unwound: the process aborts (SIGABRT), and whoever runs it
    takes an orderly stop for a crash. Call it after everything is written and closed.
    """
    here = threading.current_thread()
    if any(thread.daemon and thread is not here for thread in threading.enumerate()):
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
