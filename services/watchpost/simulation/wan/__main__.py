"""Runs a simulated link: `python -m watchpost.simulation.wan TARGET_PORT`, told what to do by `WanProcess`."""

import sys

from watchpost.simulation.wan.process import serve

serve(int(sys.argv[1]), sys.stdin, sys.stdout)
