"""Reads whom a rule is aimed at: the texts of API keys become the ids that these keys go by here."""

from collections.abc import Mapping, Sequence
from typing import Any

from soundstage.core.universe import DIRECTORY, directory_row, key_id_of
from soundstage.core.view import Tx
from soundstage.edge.admin.context import AdminCall


async def aimed(call: AdminCall, rules: Sequence[Any]) -> list[Any]:
    """Return rules as they were written, with the ids of registered keys in place of their texts.

    The key of a forked universe has the id that its first key has in the original, which does not follow from its text.
    What is no rule is returned as it came.
    """
    texts = {text for rule in rules for text in _texts(_key_of(rule))}
    if not texts:
        return list(rules)
    ids = await call.world.store.transact(
        DIRECTORY, lambda tx: {text: _ids(tx, call.world.providers, text) for text in texts}
    )
    return [_with_ids(rule, ids) for rule in rules]


def _key_of(rule: Any) -> Any:
    when = rule.get("when") if isinstance(rule, Mapping) else None
    return when.get("key") if isinstance(when, Mapping) else None


def _texts(key: Any) -> list[str]:
    return [one for one in (key if isinstance(key, list) else [key]) if isinstance(one, str)]


def _ids(tx: Tx, providers: Mapping[str, Any], text: str) -> list[str]:
    rows = {provider: tx.get("registered", directory_row(provider, text)) for provider in providers}
    if not any(rows.values()):
        return [text]
    return [key_id_of(provider, text) if row is None else row.id for provider, row in rows.items()]


def _with_ids(rule: Any, ids: Mapping[str, list[str]]) -> Any:
    key = _key_of(rule)
    given = key if isinstance(key, list) else [key]
    found = [known for one in given for known in (ids[one] if isinstance(one, str) else [one])]
    return rule if found == given else {**rule, "when": {**rule["when"], "key": found}}
