"""The options of `pytest --pyargs soundstage_contracts`; in any other run of pytest this adds nothing.

A conftest.py in a package named by --pyargs is read too late to add options, and options of an installed plugin would
clash with other plugins' `--base-url` in everyone's projects; so they are added only where the suite is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

_PACKAGE = "soundstage_contracts"


def pytest_load_initial_conftests(early_config: pytest.Config, parser: pytest.Parser, args: list[str]) -> None:
    """Add the options and the items when the package is among the arguments."""
    if not any(given.partition("::")[0].partition(".")[0] == _PACKAGE for given in args):
        return
    group = parser.getgroup("soundstage contracts", "the contract of a provider")
    _add(group, "--provider", help="whose contract to verify")
    if not early_config.pluginmanager.hasplugin("base_url"):
        # pytest-base-url, which comes with Playwright's plugin, has the same option, and its value does here too.
        _add(group, "--base-url", help="what stands in for the provider's scheme and host; a simulator without")
    _add(group, "--api-key", help="the key to call with")
    _add(group, "--adapter", choices=("soundstage", "none"), help="what sets the target up")
    _add(group, "--admin-token", help="the token of the adapter's admin API")
    _add(group, "--max-credits", help="never spend more; 0, which only reads, without an adapter")
    _add(group, "--max-requests", type=int, help="never send more requests")
    _add(group, "--contract-layers", default="L0,L1,L2", help="such as L2; L0,L1,L2 without")
    _add(group, "--contract-seed", type=int, default=0, help="same seed, same requests")
    _add(group, "--assumptions", action="store_true", default=None, help="try what no document says")
    _add(group, "--no-assumptions", action="store_false", dest="assumptions", help="leave out what no document says")
    _add(group, "--callback-url", help="a tunnel to --callback-port")
    _add(group, "--callback-port", type=int, default=0, help="where callbacks are received")
    _add(group, "--webhook-secret", help="what callbacks are signed with")
    early_config.pluginmanager.register(import_module(f"{_PACKAGE}.plugin.items"), f"{_PACKAGE}_items")


def _add(group: pytest.OptionGroup, name: str, **how: Any) -> None:
    group.addoption(name, **{"default": None, **how})
