"""What people pay with is hidden, and nothing else."""

from __future__ import annotations

import pytest

from app.domain.masking import mask_addresses, mask_vpas


@pytest.mark.parametrize(
    ("text", "vpas_hidden", "all_hidden"),
    [
        ("rahul.sharma@okaxis", "ra****@okaxis", "ra****@okaxis"),
        ("9999999999@ybl", "99****@ybl", "99****@ybl"),
        ("Paid by a@upi.", "Paid by a****@upi.", "Paid by a****@upi."),
        ("x@example.com, y@paytm", "x@example.com, y****@paytm", "x****@example.com, y****@paytm"),
        ("@type and order_1", "@type and order_1", "@type and order_1"),
        ("rahul@example.co.in", "rahul@example.co.in", "ra****@example.co.in"),
        ("rahul@my-bank.in", "rahul@my-bank.in", "ra****@my-bank.in"),
    ],
)
def test_addresses_are_hidden(text: str, vpas_hidden: str, all_hidden: str) -> None:
    assert mask_vpas(text) == vpas_hidden
    assert mask_addresses(text) == all_hidden


def test_hiding_twice_hides_no_more() -> None:
    once = mask_vpas("rahul@okaxis")

    assert mask_vpas(once) == once
