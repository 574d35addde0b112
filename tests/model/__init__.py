"""The scripts and the ledger against a plain model of themselves, by rules drawn and by steps interleaved."""

import pytest

# What is asserted outside of test modules is to tell what it found, too.
pytest.register_assert_rewrite(
    *(f"tests.model.{name}" for name in ("play", "stage", "rules_of_shoppers", "rules_of_workers", "machine"))
)
