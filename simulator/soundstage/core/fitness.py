"""Tells whether a fault can mean anything for a provider, a call or the aim of a rule, and why not."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final

from soundstage.core.call import Call
from soundstage.core.faults import Fault, Need
from soundstage.core.outbox import Delivery
from soundstage.core.paths import at
from soundstage.core.provider import CallbackScheme, Operation, Provider
from soundstage.core.rules import Aim


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


def meets(kind: type[Fault], aim: Aim, operation: Operation) -> bool:
    """Tell whether a fault with this aim is for this kind of call."""
    if aim.operation is None or not kind.anywhere:
        fits = not kind.roles or operation.role in kind.roles
        return fits and aim.operation in {None, operation.id, operation.role}
    return aim.operation in {operation.id, operation.role}


def why_inert(kind: type[Fault], aim: Aim, providers: Iterable[Provider]) -> str | None:
    """Return why a rule with this fault and aim can never act, in the second half of a sentence; None where it can.

    `providers` are all there are. What depends on what clients will send is not judged.
    """
    if _never(aim):
        return "its time is over before it begins: from must lie before until"
    aimed = [provider for provider in providers if aim.provider in {None, provider.id}]
    # Of several reasons, that of a provider who has what is aimed at says most.
    aimed.sort(key=lambda provider: not _offered(aim, provider))
    reasons = [unfit_for_provider(kind, provider) or _unmet(kind, aim, provider) for provider in aimed]
    if None in reasons:
        return None
    return reasons[0] if reasons else f"there is no provider {aim.provider}"


def _never(aim: Aim) -> bool:
    """Tell whether there is no instant that an aim allows."""
    instants = aim.since is not None and aim.until is not None and aim.since >= aim.until
    return instants or (aim.before_ms is not None and (aim.after_ms or 0) >= aim.before_ms)


def _offered(aim: Aim, provider: Provider) -> list[Operation]:
    """Return the calls of a provider that an aim names."""
    return [one for one in provider.operations if aim.operation in {one.id, one.role}]


def _unmet(kind: type[Fault], aim: Aim, provider: Provider) -> str | None:
    """Return why no call of a provider is what a rule is aimed at, None where one is."""
    if any(meets(kind, aim, operation) for operation in provider.operations):
        return None
    offered = _offered(aim, provider)
    if offered:
        return unfit_for_role(kind, offered[0])
    wanted = " or ".join(sorted(kind.roles)) if aim.operation is None else aim.operation
    return f"{provider.title} has no {wanted} calls"


def _calls_back(call: Call, provider: Provider) -> bool:
    field = provider.shape.callback_url
    return bool(call.key.callback_url or (field and at(call.body, field)))
