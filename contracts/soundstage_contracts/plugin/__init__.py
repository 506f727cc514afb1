"""The suite as pytest items: `pytest --pyargs soundstage_contracts --provider …`."""
