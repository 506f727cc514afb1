"""The documented part of a schema: what is marked as an assumption, and every ban on more fields, is taken out."""

from __future__ import annotations

from typing import Any

_BANS = ("additionalProperties", "unevaluatedProperties", "minProperties", "maxProperties")


def relaxed(node: Any) -> Any:
    """Return a schema, or a document with schemas inside, that refuses only what contradicts a source.

    A node with `x-assumption` and no `x-source` allows everything; with both, only its type stays, because the note may
    be about any other word of it. A field stays required where it has a source and no assumption.
    """
    if isinstance(node, list):
        return [relaxed(one) for one in node]
    if not isinstance(node, dict):
        return node
    if "x-assumption" in node and not _is_container(node):
        return {"type": node["type"]} if "x-source" in node and "type" in node else {}
    kept = {name: relaxed(value) for name, value in node.items() if name not in _BANS and name != "x-assumption"}
    if isinstance(node.get("required"), list):
        known = node.get("properties", {})
        kept["required"] = [name for name in node["required"] if _documented(known.get(name))]
    if "oneOf" in kept:
        # Branches that differ only in what was assumed overlap once that is gone.
        kept["anyOf"] = kept.pop("oneOf")
    return kept


def _is_container(node: dict[str, Any]) -> bool:
    """Return whether a node's note may be about the whole, while its fields speak for themselves."""
    return "properties" in node and "x-source" in node


def _documented(field: Any) -> bool:
    return isinstance(field, dict) and "x-assumption" not in field and "x-source" in field
