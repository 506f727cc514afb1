"""Tells whether a fault can mean anything for a provider, or for one call to it, and why not."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from soundstage.core.call import Call
from soundstage.core.faults import Fault, Need
from soundstage.core.outbox import Delivery
from soundstage.core.paths import at
from soundstage.core.provider import CallbackScheme, Operation, Provider


@lru_cache(maxsize=64)
def _signs(scheme: CallbackScheme | None) -> bool:
    if scheme is None:
        return False
    sample = Delivery("", "evt_0", "", "", "", "", "", b"{}", "pending", 0, None)
    return any("signature" in name for name in scheme.headers(sample, scheme.secret(bytes(16)), 0))


_NEEDS: Final[Mapping[Need, tuple[Callable[[Provider], bool], str]]] = {
    "callback": (lambda provider: provider.callback is not None, "has no callbacks"),
    "signature": (lambda provider: _signs(provider.callback), "does not sign its callbacks"),
    "price": (lambda one: (one.shape.price or one.shape.quote) is not None, "does not say what a task costs"),
    "progress": (lambda provider: provider.shape.progress is not None, "shows no progress"),
}


def unfit_for_provider(kind: type[Fault], provider: Provider) -> str | None:
    """Return why a fault can mean nothing for a provider, None where it can."""
    if not kind.needs:
        return None
    lacking = next((need for need in _NEEDS if need in kind.needs and not _NEEDS[need][0](provider)), None)
    return None if lacking is None else f"{provider.title} {_NEEDS[lacking][1]}"


def unfit_for_call(kind: type[Fault], call: Call, provider: Provider) -> str | None:
    """Return why a fault can mean nothing for a call, whatever its role, None where it can."""
    reason = unfit_for_provider(kind, provider)
    if reason is None and "callback" in kind.needs and not _calls_back(call, provider):
        return "neither the call nor its key names a receiver of callbacks"
    return reason


def unfit_for_role(kind: type[Fault], operation: Operation) -> str | None:
    """Return why a fault can mean nothing for this kind of call, None where it can."""
    if not kind.roles or operation.role in kind.roles:
        return None
    return f"it acts on {', '.join(sorted(kind.roles))} calls, not on {operation.role}"


def _calls_back(call: Call, provider: Provider) -> bool:
    field = provider.shape.callback_url
    return bool(call.key.callback_url or (field and at(call.body, field)))
