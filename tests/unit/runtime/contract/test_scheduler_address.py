"""Addresses of a scheduler: valid and invalid ones side by side."""

from __future__ import annotations

import pytest

from aifactory_runtime.contract import scheduler_address


@pytest.mark.parametrize(
    ("address", "certificates"),
    [
        ("tcp://127.0.0.1:8786", False),
        ("tcp://localhost:8786", False),
        ("tcp://[::1]:8786", False),
        ("tls://10.0.0.5:8786", True),
        ("tls://scheduler.example.org:8786", True),
    ],
)
def test_given_loopback_or_certificates_when_checked_then_it_may_be_spoken_to(address: str, certificates: bool) -> None:
    assert scheduler_address.check(address, certificates=certificates) == address


@pytest.mark.parametrize(
    ("address", "certificates", "said"),
    [
        ("tcp://10.0.0.5:8786", False, "lets in whoever reaches it"),
        ("tcp://10.0.0.5:8786", True, "lets in whoever reaches it"),
        ("tcp://0.0.0.0:8786", False, "lets in whoever reaches it"),
        ("tls://10.0.0.5:8786", False, "asks for certificates"),
        ("10.0.0.5:8786", True, "is no address of a scheduler"),
        ("tls://10.0.0.5", True, "is no address of a scheduler"),
        ("tls://10.0.0.5:port", True, "is no address of a scheduler"),
        ("ws://10.0.0.5:8786", True, "is no address of a scheduler"),
        ("", True, "is no address of a scheduler"),
    ],
)
def test_given_any_other_address_when_checked_then_it_is_refused(address: str, certificates: bool, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        scheduler_address.check(address, certificates=certificates)
