"""What most providers' keys look like and where they are sent; others have functions of their own."""

import re
from collections.abc import Mapping
from typing import Final

PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_.\-]{8,200}")


def bearer(headers: Mapping[str, str]) -> str | None:
    """Return the key of an `Authorization: Bearer` header, None without one or with another scheme."""
    scheme, _, key = headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


def plain_key_fault(key: str) -> str | None:
    """Return why a text is no key of the usual form, or None when it is one."""
    if PLAIN_KEY.fullmatch(key):
        return None
    return (
        "An API key here has 8 to 200 characters out of A-Z a-z 0-9 _ - . ; any such key works, for example sk_test_me."
    )
