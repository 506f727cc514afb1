"""The providers: one folder each, found by looking, loaded when first used."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

from soundstage.core.provider import Provider


def provider_ids() -> tuple[str, ...]:
    """Return the ids of all providers there are, in alphabetical order."""
    here = Path(__file__).parent
    return tuple(sorted(found.parent.name for found in here.glob("*/provider.py")))


class Providers(Mapping[str, Provider]):
    """Providers by id; a provider's code and data load when it is first asked for."""

    def __init__(self, only: str | None = None) -> None:
        every = provider_ids()
        if only is not None and only not in every:
            raise ValueError(f"provider must be one of {', '.join(every)}, got {only!r}")
        self._ids = every if only is None else (only,)
        self._loaded: dict[str, Provider] = {}

    def __getitem__(self, provider_id: str) -> Provider:
        found = self._loaded.get(provider_id)
        if found is None:
            if provider_id not in self._ids:
                raise KeyError(provider_id)
            module = import_module(f"soundstage.providers.{provider_id}.provider")
            found = self._loaded[provider_id] = module.PROVIDER
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)
