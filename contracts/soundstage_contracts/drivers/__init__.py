"""One small driver a provider: how its contract's common ideas are said in its own words."""

from importlib import import_module
from pkgutil import iter_modules

from soundstage_contracts.drivers.base import Driver


def driver_of(provider: str) -> Driver:
    """Return a provider's driver; raises KeyError when it has none."""
    if provider not in {module.name for module in iter_modules(__path__)}:
        raise KeyError(provider)
    # What drivers share has modules of its own beside theirs.
    driver: Driver | None = getattr(import_module(f"{__name__}.{provider}"), "DRIVER", None)
    if driver is None:
        raise KeyError(provider)
    return driver
