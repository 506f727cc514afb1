"""Reads a scenario written in YAML 1.2: plain values only, with the line of each.

Nothing is built from what the text says but texts, numbers, true, false, null, lists and mappings.
"""

from typing import Any, Final

from soundstage.scenarios.flaws import MOST_DEPTH, Flaws
from soundstage.validation import Path, shown

_TEXT: Final = "tag:yaml.org,2002:str"
_WRITE_OUT: Final = "anchors and aliases are not allowed here; write the value out at each place"


def read(text: str, flaws: Flaws) -> Any:
    """Return what a text says and note each place's line; raises ScenarioError when it cannot be read to its end."""
    # The two imports cost 20 ms; who starts without a scenario does not pay them.
    import yaml  # noqa: PLC0415
    from yamlcore import CCoreLoader  # noqa: PLC0415

    flaws.lines[()] = 1
    try:
        return _Reading(yaml, CCoreLoader(text), flaws).document()
    except yaml.MarkedYAMLError as error:
        line = None if error.problem_mark is None else error.problem_mark.line + 1
        flaws.stop((), f"this is no YAML: {error.problem or error.context}", line)
    except yaml.reader.ReaderError as error:
        before = text.encode()[: error.position]
        flaws.stop((), f"this is no YAML: {error.reason}", before.count(b"\n") + 1)
    except yaml.YAMLError as error:
        flaws.stop((), f"this is no YAML: {error}")


class _Reading:
    """One pass over a text's events, without ever holding more than `MOST_DEPTH` levels of it open."""

    def __init__(self, yaml: Any, loader: Any, flaws: Flaws) -> None:
        self._yaml = yaml
        self._loader = loader
        self._flaws = flaws

    def document(self) -> Any:
        yaml, loader = self._yaml, self._loader
        loader.get_event()
        if loader.check_event(yaml.StreamEndEvent):
            self._flaws.stop((), "there is nothing in it; a scenario has name, description and faults")
        begin = loader.get_event()
        if begin.version is not None or begin.tags:
            line = begin.start_mark.line + 1
            self._flaws.add((), "directives are not allowed here; leave the line out", line)
        found = self._value(())
        loader.get_event()
        if not loader.check_event(yaml.StreamEndEvent):
            line = loader.get_event().start_mark.line + 1
            self._flaws.add((), "a second document begins; a file holds one, so make it a file of its own", line)
        return found

    def _value(self, path: Path) -> Any:
        yaml, event = self._yaml, self._loader.get_event()
        line = event.start_mark.line + 1
        if len(path) > MOST_DEPTH:
            self._flaws.stop(path[:MOST_DEPTH], f"nested deeper than the {MOST_DEPTH} levels a scenario may have", line)
        if event.anchor is not None:
            self._flaws.refuse(path, _WRITE_OUT, line)
        if isinstance(event, yaml.AliasEvent):
            return None
        if event.tag is not None:
            self._flaws.refuse(path, f"tags are not allowed here, got {shown(event.tag)}; leave it out", line)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        return self._list(path) if isinstance(event, yaml.SequenceStartEvent) else self._scalar(event, path)

    def _list(self, path: Path) -> list[Any]:
        found: list[Any] = []
        while not self._loader.check_event(self._yaml.SequenceEndEvent):
            here = (*path, len(found))
            self._flaws.lines[here] = self._loader.peek_event().start_mark.line + 1
            found.append(self._value(here))
        self._loader.get_event()
        return found

    def _mapping(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not self._loader.check_event(self._yaml.MappingEndEvent):
            event = self._loader.peek_event()
            line = event.start_mark.line + 1
            name = self._key(path, line)
            here = (*path, name)
            if name in found:
                first = self._flaws.lines[here]
                self._flaws.add(here, f"given twice, first on line {first}; keep one of them", line)
            self._flaws.lines.setdefault(here, line)
            found[name] = self._value(here)
        self._loader.get_event()
        return found

    def _key(self, path: Path, line: int) -> str:
        event = self._loader.peek_event()
        if not isinstance(event, self._yaml.ScalarEvent):
            if isinstance(event, self._yaml.AliasEvent):
                self._flaws.stop(path, _WRITE_OUT, line)
            self._flaws.stop(path, "a key must be a plain text, got a list or a mapping", line)
        plain = event.value == "<<" and event.implicit[0]
        name = self._value((*path, event.value))
        if plain:
            self._flaws.refuse((*path, "<<"), "merge keys are not allowed here; write the keys out", line)
        elif not isinstance(name, str):
            self._flaws.refuse(
                (*path, event.value), f"a key must be a text; put it in quotes: {shown(event.value)}", line
            )
        return str(event.value)

    def _scalar(self, event: Any, path: Path) -> Any:
        node, tag = self._yaml.ScalarNode, _TEXT
        if event.tag is None:
            tag = self._loader.resolve(node, event.value, event.implicit)
        try:
            return self._loader.construct_object(node(tag, event.value, event.start_mark, event.end_mark))
        except ValueError:
            self._flaws.refuse(path, "a number of ordinary size is needed here, or quotes around it", None)
            return None
