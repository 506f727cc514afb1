"""The answer is elsewhere."""

from ipaddress import ip_address
from typing import Final, Literal
from urllib.parse import quote, urlencode, urlsplit

from pydantic import Field, field_validator

from soundstage.core.call import Call, Reply
from soundstage.core.faults import CallScene
from soundstage.faults import ExchangeFault

# Says that a call was sent on once already, so that it is answered and not sent round for ever.
_MARK: Final = "soundstage_redirected"


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
    """Return the call's own path and query, marked."""
    path = call.path
    for name, value in call.params.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    # Under the public address there may be a path of its own in front.
    return f"{urlsplit(call.base_url).path}{call.prefix}{path}?{urlencode({**call.query, _MARK: '1'})}"


def _is_here(given: str) -> bool:
    if given.startswith("/"):
        return given[1:2] not in {"/", "\\"}
    try:
        parts = urlsplit(given)
        host = parts.hostname or ""
        return parts.scheme in {"http", "https"} and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False
