"""One small driver a provider: how its contract's common ideas are said in its own words."""

from importlib import import_module
from pkgutil import iter_modules

from soundstage_contracts.drivers.base import Driver


def driver_of(provider: str) -> Driver:
    """Return a provider's driver; raises KeyError when it has none."""
    known = {module.name for module in iter_modules(__path__)} - {"base"}
    if provider not in known:
        raise KeyError(provider)
    driver: Driver = import_module(f"{__name__}.{provider}").DRIVER
    return driver
