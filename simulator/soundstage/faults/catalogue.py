"""The catalogue of faults, as admin API, command line and README show it: made from the faults themselves."""

from inspect import getdoc
from typing import Any

from soundstage.faults import Faults


def entries(faults: Faults) -> list[dict[str, Any]]:
    """Return each fault's name, sentence, place and parameters (as JSON Schema), by name."""
    return [
        {
            "name": name,
            "says": (getdoc(kind) or "").split("\n\n")[0].replace("\n", " "),
            "place": kind.place,
            "parameters": kind.model_json_schema().get("properties", {}),
        }
        for name, kind in faults.items()
    ]
