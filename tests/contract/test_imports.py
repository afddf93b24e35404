"""Services import the shared packages and never each other, and packages show only what they export."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "services" / "watchpost"
SERVICES = ("ingest", "inference", "events", "bridge", "api")
SHARED = (
    "clock",
    "contracts",
    "errors",
    "frames",
    "models",
    "recordings",
    "settings",
    "simulation",
    "stream",
    "telemetry",
    "vision",
)


def imports_of(path: Path) -> Iterator[str]:
    """Every `watchpost.…` module that the file names in an import, lazy ones included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("watchpost"):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("watchpost"))


def packages_that(package: str) -> set[str]:
    """The top-level parts of Watchpost that `package` imports."""
    path = ROOT / package
    files = path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]
    return {name.split(".")[1] for file in files for name in imports_of(file) if "." in name}


@pytest.mark.parametrize("service", SERVICES)
def test_service_imports_shared_packages_only(service: str) -> None:
    assert packages_that(service) <= {service, "__version__", *SHARED}


@pytest.mark.parametrize("package", SHARED)
def test_shared_package_imports_no_service(package: str) -> None:
    assert packages_that(package).isdisjoint({*SERVICES, "site", "cli", "analyze", "audit", "evaluation"})


def test_audit_imports_no_service() -> None:
    # it proves what the bridge did: it must not share the bridge's own idea of that
    assert packages_that("audit") <= {"audit", *SHARED}


def test_every_package_is_a_service_shared_or_composes() -> None:
    found = {path.stem for path in ROOT.iterdir() if path.is_dir() or path.suffix == ".py"}

    named = {name for name in found if not name.startswith("__")}
    assert named - {"schemas"} == {*SERVICES, *SHARED, "analyze", "audit", "cli", "evaluation", "site"}
