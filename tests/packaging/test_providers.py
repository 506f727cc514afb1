"""Every provider is complete: contract data, documented exchanges, listed assumptions, nothing left to fill in."""

from __future__ import annotations

from pathlib import Path

import pytest

from soundstage.providers import Providers, provider_ids
from support.provider_rules import faults

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("provider_id", provider_ids())
def test_a_provider_is_complete(provider_id: str) -> None:
    provider = Providers()[provider_id]
    assert provider.id == provider_id, "the id in provider.py must be the name of its folder"
    assert provider.base_url_variable == f"{provider_id.upper()}_BASE_URL"
    found = faults(ROOT, provider)
    if found:
        pytest.fail("\n".join([f"{provider_id} is not complete:", *found]), pytrace=False)
