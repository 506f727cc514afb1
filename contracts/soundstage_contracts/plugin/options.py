"""The options of `pytest --pyargs soundstage_contracts`; in any other run of pytest this adds nothing.

A conftest.py in a package named by --pyargs is read too late to add options, and options of an installed plugin would
clash with other plugins' `--base-url` in everyone's projects; so they are added only where the suite is asked for.
"""

from __future__ import annotations

import os
from argparse import ArgumentTypeError
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from soundstage_contracts.command.spec import Spec

_PACKAGE = "soundstage_contracts"


def pytest_load_initial_conftests(early_config: pytest.Config, parser: pytest.Parser, args: list[str]) -> None:
    """Add the options and the items when the package is among the arguments."""
    if not any(given.partition("::")[0].partition(".")[0] == _PACKAGE for given in args):
        return
    group = parser.getgroup("soundstage contracts", "the contract of a provider")
    group.addoption("--provider", default=None, help="Whose contract to verify.")
    for spec in import_module(f"{_PACKAGE}.command.spec").SPECS:
        # pytest-base-url, which comes with Playwright's plugin, has the same option, and its value does here too.
        if spec.name != "base_url" or not early_config.pluginmanager.hasplugin("base_url"):
            _add(group, spec)
    early_config.pluginmanager.register(import_module(f"{_PACKAGE}.plugin.items"), f"{_PACKAGE}_items")


def _add(group: pytest.OptionGroup, spec: Spec) -> None:
    flag, default = spec.pytest_flag, spec.default
    if flag is None:
        return
    if spec.environment is not None:
        default = os.environ.get(spec.environment, default)
    more: dict[str, Any] = {"default": default, "help": spec.says}
    if spec.switch:
        group.addoption(flag, action="store_true", **more)
        group.addoption(spec.off, action="store_false", dest=spec.name, default=default, help="Leave that out.")
    else:
        action = "append" if spec.many else "store"
        group.addoption(flag, action=action, type=_reader(spec), metavar=spec.metavar, **more)


def _reader(spec: Spec) -> Callable[[str], Any]:
    def read(given: str) -> Any:
        try:
            return spec.read(given)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from None

    return read
