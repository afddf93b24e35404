"""Takes what is secret out of an address, or could be, before it is shown or logged."""

import re

__all__ = ["without_login", "without_secrets"]

_LOGIN = re.compile(r"//[^/@\s]*@")
_SECRET_PARAMETER = re.compile(
    r"((?:^|[?&;])[^=&;]*(?:pass|pwd|psw|token|key|secret|auth)[^=&;]*=)[^&;]*", re.IGNORECASE
)


def without_login(text: str) -> str:
    """The text with stars for the user and password of each address in it."""
    return _LOGIN.sub("//***@", text)


def without_secrets(address: str) -> str:
    """One address without them, and with stars for query parameters that are named like secrets."""
    return _SECRET_PARAMETER.sub(r"\1***", without_login(address))
