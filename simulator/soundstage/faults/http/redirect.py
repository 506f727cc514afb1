"""The answer is elsewhere."""

import re
from ipaddress import ip_address
from typing import Final, Literal
from urllib.parse import quote, urlencode, urlsplit

from pydantic import Field, field_validator

from soundstage.core.call import Call, Reply
from soundstage.core.faults import CallScene
from soundstage.core.journal import SECRET_FIELDS
from soundstage.faults import ExchangeFault

# Says that a call was sent on once already, so that it is answered and not sent round for ever.
_MARK: Final = "soundstage_redirected"
# Read strictly, as clients differ in what they make of an address that is not quite one: no name and password, no
# backslash, a port there is, and a path before anything else.
_URL: Final = re.compile(r"https?://(\[[0-9a-f:]+\]|[a-z0-9.]+)(?::([1-9][0-9]{0,4}))?(?:/.*)?", re.IGNORECASE)
_MOST_PORT: Final = 65_535


class Redirect(ExchangeFault):
    """The call is sent on to another address, by default its own; nothing is done before it gets there."""

    status: Literal[301, 302, 307, 308] = Field(
        default=307, description="after 301 and 302 most clients turn a POST into a GET"
    )
    location: str | None = Field(
        default=None,
        max_length=2000,
        pattern=r"^[!-~]+$",
        description="a path, or a URL of this machine; where the call came to, marked in its query, when left out",
    )

    @field_validator("location")
    @classmethod
    def _on_this_machine(cls, given: str | None) -> str | None:
        if given is None or _is_here(given):
            return given
        raise ValueError(
            "it must be a path such as /elsewhere, or a URL of this machine such as http://127.0.0.1:9000/"
        )

    def before(self, scene: CallScene) -> Reply | None:
        """Send the call on in place of the provider."""
        call = scene.call
        if self.location is None and _MARK in call.query:
            return None
        location = _again(call) if self.location is None else self.location
        return Reply(b"", self.status, {"Location": location}, "text/html")


def _again(call: Call) -> str:
    """Return the call's own path and query, marked, and without a key: addresses end up in logs."""
    path = call.path
    for name, value in call.params.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    query = {name: value for name, value in call.query.items() if name.lower() not in SECRET_FIELDS}
    # Under the public address there may be a path of its own in front.
    return f"{urlsplit(call.base_url).path}{call.prefix}{path}?{urlencode({**query, _MARK: '1'})}"


def _is_here(given: str) -> bool:
    if "\\" in given:
        return False
    if given.startswith("/"):
        return not given.startswith("//")
    address = _URL.fullmatch(given)
    if address is None or int(address[2] or 1) > _MOST_PORT:
        return False
    host = address[1].lower()
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
