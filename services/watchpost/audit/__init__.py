"""Proves at the centre that nothing was lost on the way there, nothing came twice, and nothing out of order."""

from watchpost.audit.command_line import audit_command

__all__ = ["audit_command"]
