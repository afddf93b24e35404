"""What `watchpost audit` says of a site that a bridge carried for."""

from tests.fakes.bridged_site import BridgedSite
from watchpost.audit.auditing import audit
from watchpost.audit.report import Report

__all__ = ["assert_explained", "audit_of"]


def audit_of(site: BridgedSite) -> Report:
    """An audit of this site alone."""
    return audit({"bootstrap.servers": site.central_admin or site.central_bootstrap}, [site.name])


def assert_explained(site: BridgedSite, *causes: str) -> None:
    """The audit accounts for every record (the command's exit code 0), with gaps of exactly these causes."""
    report = audit_of(site)
    assert report.is_explained, [line for found in report.topics for line in found.fault_lines()]
    assert sorted(cause for found in report.topics for cause, _ in found.announced) == sorted(causes)
