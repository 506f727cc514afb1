"""From method and path to an operation: one dictionary look-up for fixed paths, one by length for the others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from urllib.parse import unquote

from soundstage.core.provider import Operation, Provider

_NO_PARAMS: Mapping[str, str] = {}


@dataclass(slots=True)
class Endpoint:
    """One path of a provider and the operations it answers, by method."""

    provider: Provider
    path: str
    prefix: str
    operations: dict[str, Operation] = field(default_factory=dict)

    @property
    def methods(self) -> str:
        """The methods this path answers, as the Allow header lists them."""
        head = ["HEAD"] if "GET" in self.operations and self.operations["GET"].keyless else []
        return ", ".join(sorted([*self.operations, *head]))


class Router:
    """The endpoints of the providers loaded so far, each under its prefix."""

    def __init__(self) -> None:
        self.fixed: dict[str, Endpoint] = {}
        self._patterns: dict[int, list[tuple[tuple[str, ...], Endpoint]]] = {}
        self._paths: dict[str, list[str]] = {}

    def mount(self, provider: Provider, prefix: str) -> None:
        """Add a provider's operations under `prefix`, which is empty or begins with a slash."""
        for operation in provider.operations:
            path = f"{prefix}{operation.path}"
            endpoint = self.fixed.get(path) if "{" not in path else None
            if endpoint is None:
                endpoint = Endpoint(provider, operation.path, prefix)
                self._add(path, endpoint)
            endpoint.operations[operation.method] = operation
            self._paths.setdefault(prefix, []).append(operation.path)

    def _add(self, path: str, endpoint: Endpoint) -> None:
        if "{" not in path:
            self.fixed[path] = endpoint
            return
        segments = tuple(path.split("/"))
        self._patterns.setdefault(len(segments), []).append((segments, endpoint))

    def match(self, path: str) -> tuple[Endpoint, Mapping[str, str]] | None:
        """Return the endpoint of a raw path and its parameters, percent-decoded."""
        endpoint = self.fixed.get(path)
        if endpoint is not None:
            return endpoint, _NO_PARAMS
        given = path.split("/")
        for segments, found in self._patterns.get(len(given), ()):
            params = _params(segments, given)
            if params is not None:
                return found, params
        return None

    def nearest(self, prefix: str, path: str) -> str | None:
        """Return the documented path most like a wrong one."""
        close = get_close_matches(path, self._paths.get(prefix, []), 1, cutoff=0.7)
        return close[0] if close else None


def _params(segments: Iterable[str], given: list[str]) -> dict[str, str] | None:
    params = {}
    for expected, came in zip(segments, given, strict=True):
        if expected.startswith("{"):
            if not came:
                return None
            params[expected[1:-1]] = unquote(came, errors="replace") if "%" in came else came
        elif expected != came:
            return None
    return params
