"""A network link that is not there: what a thin uplink does to connections, for tests, benchmarks and the demo."""

from watchpost.simulation.wan.line import Shape, StallRule
from watchpost.simulation.wan.link import WanLink
from watchpost.simulation.wan.meter import Meter
from watchpost.simulation.wan.process import WanProcess
from watchpost.simulation.wan.relay import LinkState

__all__ = ["LinkState", "Meter", "Shape", "StallRule", "WanLink", "WanProcess"]
