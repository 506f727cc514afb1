"""The /v2 gateway's books: its replies name no price, so the catalogue's counts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from fuzz.books import Books, Open, WrongError, agree
from fuzz.compose import UNREAD, Made
from fuzz.costs import MICROS
from fuzz.talk import Came
from soundstage.resources import read_yaml, schema_root

_SCOPES: Mapping[str, Any] = read_yaml(schema_root() / "v2gateway" / "catalogue.yaml")["scopes"]
_PLAIN_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


class SubmitBooks(Books):
    """The accounts of one universe of the /v2 gateway."""

    def note(self, made: Made, came: Came) -> None:
        """Enter one successful submit."""
        if came.status != 200 or made.operation != "submitTask":
            return
        if made.value is UNREAD:
            raise WrongError("a body that cannot be read was answered 200")
        scope, model = unquote(made.path.split("/")[2]), made.value["model"]
        terms = {**_SCOPES[scope]}
        terms |= next((rule for rule in terms["rules"] if model.lower().startswith(rule["prefix"])), {})
        task_id = json.loads(came.raw)["task_id"]
        agree("whether the id has the model", task_id.startswith(f"{model}:"), _is_in_id(terms, model))
        cost = terms["credits"] * MICROS
        self.tasks[task_id] = Open(made.account or "?", {"veo": "extras" in terms}, cost, cost, place=scope)

    def polled(self, task_id: str, body: Mapping[str, Any]) -> None:
        """Enter where a task is now."""
        task = self.tasks[task_id]
        agree("id", body["task_id"], task_id)
        agree("whether it has the keys of veo", "platform" in body, task.fields["veo"])
        task.charged = 0 if body["status"] == "FAILURE" else task.reserved


def _is_in_id(terms: Mapping[str, Any], model: str) -> bool:
    return terms["id"] == "model" and set(model) <= _PLAIN_NAME
