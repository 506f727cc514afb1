"""Values that mostly fit a schema of an OpenAPI document; what its conditions ask is left to a validator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fuzz import schemas
from fuzz.dice import Dice

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Known:
    """What requests may name: tasks with the scope of each, uploads, sounds, addresses of files, and where to put one
    of a kind.
    """

    tasks: Sequence[tuple[str, str]] = ()
    uploads: Sequence[str] = ()
    sounds: Sequence[str] = ()
    urls: Sequence[str] = ()
    puts: Sequence[tuple[str, str]] = ()


# What a pattern or a format wants; keys are parts of either.
_TEXTS: Mapping[str, tuple[str, ...]] = {
    "[4-9]|1[0-5]": ("4", "6", "10", "15"),
    "x[1-9]": ("1280x720", "1024x1024", "10x99999", "720x1280"),
    r"[0-9]+(\.": ("0", "250", "71.999999", "1000000"),
    "tiktok": (
        "https://tiktok.com/@ada/video/7",
        "http://www.youtube.com/watch?v=a",
        "https://x.com",
        "https://youtu.be/a",
    ),
    "[pP][nN][gG]": (
        "a.png",
        "b.JPEG",
        "c.mp4",
        "../../etc/passwd.png",
        "/a/b.webm",
        "C:\\a\\b.mov",
        "a\x00b.gif",
        ".webp",
    ),
    "[0-9]{1,6}": ("10", "", "5", "000007"),
    "[0-9]{1,3}s?": ("5", "10s", "6", "8"),
    "[A-Za-z0-9+/]+={0,2}": ("iVBORw0KGgo=", "data:image/png;base64,iVBORw0KGgo=", "https://203.0.113.7/a.png", ""),
    "a-zA-Z0-9_-": ("get_weather", "f", "a-b_C-9" * 9, "lookup"),
    "data:image": ("data:image/png;base64,iVBORw0KGgo=", "https://203.0.113.7/a.png"),
    "date-time": ("2026-01-01T00:00:00Z", "2025-06-30T23:59:59.999+02:00"),
    "date": ("2026-01-01", "2024-02-29"),
}
# Callbacks are really sent: these lead to ports of this machine where nobody listens. All other links name an address
# that belongs to nobody, so that no name is ever looked up.
HOOKS = ("http://127.0.0.1:9/hook", "https://127.0.0.1:9/", "http://[::1]:9/x?y=z", "http://localhost:9/")
PICTURES = ("https://203.0.113.7/a.png", "http://203.0.113.7/b", "data:image/png;base64,iVBORw0KGgo=")
# A public name is given too, of which a server without leave makes a sample of its own.
FILMS = (
    *("https://203.0.113.7/a.mp4", "http://203.0.113.7/b", "http://127.0.0.1:9/a.png", "http://localhost:9/"),
    *("https://media.example.com/a.mp4", "https://media.example.com/ineligible.png"),
)
_LONGEST_MODEL = 200
_MODELS = ("veo3", "VEO3.1-fast", "veo 3 ☃", "sora-2", "wan3.0-video", "veo", "x" * 200, "../veo", "grok")
_WORDS = ("a fox runs", "what is the weather in Oslo?", "x", "Ünïcödé ☃ 🦊 text", 'with "quotes" \\ and \n lines', "0")


# Fields that lead furthest are given more often than others, in percent.
_LIKELY = {"tools": 40, "tool_choice": 45, "response_format": 45, "parameters": 80, "schema": 90}


class Maker:
    """Makes values for the schemas of one document."""

    def __init__(self, components: Mapping[str, Any]) -> None:
        self.known = Known()
        self._schemas: Mapping[str, Schema] = components["schemas"]
        self._by_type: Mapping[str, Callable[[Schema, Dice, int], Any]] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "integer": _integer,
            "number": _number,
            "boolean": lambda schema, dice, depth: dice.chance(50),
            "null": lambda schema, dice, depth: None,
        }

    def fields(self, schema: Schema, dice: Dice) -> Mapping[str, Schema]:
        """Return the fields an object of this schema may have."""
        found: Mapping[str, Schema] = self._whole(schema, dice).get("properties", {})
        return found

    def make(self, schema: Schema, dice: Dice, depth: int = 0) -> Any:
        """Return a value for a schema."""
        schema = self._whole(schema, dice)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return dice.pick(schema["enum"])
        kinds = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kinds, list):
            kinds = dice.pick(kinds)
        return self._by_type[kinds](schema, dice, depth)

    def _whole(self, schema: Schema, dice: Dice) -> Schema:
        """Follow references and choices until a type stands there; of allOf the plain parts are joined."""
        while True:
            if "$ref" in schema:
                schema = {**self._schemas[schema["$ref"].rsplit("/", 1)[1]], **_without(schema, "$ref")}
            elif "oneOf" in schema or "anyOf" in schema:
                name = "oneOf" if "oneOf" in schema else "anyOf"
                schema = {**_without(schema, name), **dice.pick(schema[name])}
            elif "allOf" in schema:
                schema = self._joined(schema, dice)
            else:
                return schema

    def _joined(self, schema: Schema, dice: Dice) -> Schema:
        joined = _without(schema, "allOf")
        rules = list(joined.get("rules", ()))
        for part in schema["allOf"]:
            known = self._whole(part, dice) if "$ref" in part else part
            rules += [known] if "if" in known else known.get("rules", ())
            if "if" in known or "not" in known:
                continue
            properties = {**known.get("properties", {}), **joined.get("properties", {})}
            required = [*joined.get("required", ()), *known.get("required", ())]
            joined = {**known, **joined, "properties": properties, "required": required}
        joined["rules"] = rules
        return joined if joined.get("properties") or "type" not in joined else _without(joined, "properties")

    def _object(self, schema: Schema, dice: Dice, depth: int) -> Any:
        needed = set(schema.get("required", ()))
        made: dict[str, Any] = {}
        parts = dict(schema.get("properties", {}))
        for name in sorted(parts, key=lambda name: name != "model"):
            part = {**parts[name], **_by_model(schema, made.get("model"), name)}
            if name in needed or dice.chance(_LIKELY.get(name, 30 if depth < 4 else 10)):
                made[name] = self._field(name, part, dice, depth)
        extra = schema.get("additionalProperties")
        if isinstance(extra, Mapping) and dice.chance(60):
            made[dice.letters(3, "abc")] = self.make(extra, dice, depth + 1)
        return made

    def _field(self, name: str, part: Schema, dice: Dice, depth: int) -> Any:
        if name in {"callback_url", "callbackUrl", "notify_hook"}:
            return dice.pick(HOOKS)
        named = {"upload_id": self.known.uploads, "audio_id": self.known.sounds}.get(name, ())
        if named and dice.chance(85):
            return dice.pick(named)
        if name == "model" and part.get("maxLength") == _LONGEST_MODEL:
            return dice.pick(_MODELS)
        if name == "parameters":
            return schemas.parameters(dice)
        if name == "schema":
            return schemas.schema(dice)
        if name == "input" and dice.chance(70):
            return dice.pick(_WORDS)
        return self.make(part, dice, depth + 1)

    def _array(self, schema: Schema, dice: Dice, depth: int) -> Any:
        least, most = schema.get("minItems", 0), schema.get("maxItems", 8)
        size = dice.between(least, min(most, least + 2))
        return [self.make(schema.get("items", {"type": "string"}), dice, depth + 1) for _ in range(size)]

    def _string(self, schema: Schema, dice: Dice, depth: int) -> str:
        hint = f"{schema.get('pattern', '')} {schema.get('format', '')}"
        for part, texts in _TEXTS.items():
            if part in hint:
                return dice.pick(texts)
        if "uri" in hint or "http" in hint:
            return dice.pick(PICTURES if "data:" in hint else (*FILMS, *self.known.urls))
        most = schema.get("maxLength", 10_000)
        if dice.chance(4):
            return dice.letters(min(most, dice.pick([most, 60, 2000])))
        return dice.pick(_WORDS)[:most]


def paired(body: dict[str, Any]) -> dict[str, Any]:
    """Return a chat whose parts know each other, which no schema can ask for; other bodies as they are.

    A tool message answers a call made before, and a tool that must be called is one of the tools.
    """
    if isinstance(body.get("tool_choice"), dict) and body.get("tools"):
        body = {**body, "tool_choice": {"type": "function", "function": {"name": body["tools"][0]["function"]["name"]}}}
    messages: list[Any] = []
    for message in body.get("messages", ()):
        if isinstance(message, dict) and message.get("role") == "tool":
            call = {"id": message["tool_call_id"], "type": "function", "function": {"name": "f", "arguments": "{}"}}
            messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append(message)
    return {**body, "messages": messages} if messages else body


def _by_model(schema: Schema, model: Any, name: str) -> Schema:
    """Return what a schema's conditions ask of a field once the model is chosen."""
    for rule in schema.get("rules", ()):
        if model is not None and rule["if"].get("properties", {}).get("model", {}).get("const") == model:
            found: Schema = rule["then"]["properties"].get(name, {})
            return found
    return {}


def _without(schema: Schema, name: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != name}


def _integer(schema: Schema, dice: Dice, depth: int) -> int:
    low = int(schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1))
    high = int(schema.get("maximum", low + 1000))
    return dice.weighted([(low, 1), (high, 1), (dice.between(low, high), 4)])


def _number(schema: Schema, dice: Dice, depth: int) -> Any:
    low, high = schema.get("minimum", 0), schema.get("maximum", 300)
    return dice.pick([low, high, low + (high - low) * dice.below(1000) / 1000, float(low), 1.25])
