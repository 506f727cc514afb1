"""Callbacks that come late, twice, forged, wrong or never."""
