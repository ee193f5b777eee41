"""What the demo's shop sells, and for how much where.

Drawings are in `static/products`; their sources in `web/products`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoProduct:
    """One thing to buy; `image_path` is an address on this server."""

    sku: str
    name: str
    unit_price_minor: int
    currency: str
    image_path: str


_MARKETS: Final = {"INR": "", "EUR": "-EU", "USD": "-US"}
"""What is added to a product's SKU where it is sold in that currency."""

_GOODS: Final = (
    ("TEA-ASSAM", "Assam breakfast tea, 250 g", "assam", (44_900, 9_50, 10_50)),
    ("TEA-MASALA", "Masala chai blend, 200 g", "masala", (34_900, 8_90, 9_50)),
    ("CUP-KULHAD", "Kulhad clay cups, set of six", "kulhad", (59_900, 24_00, 26_00)),
    ("KETTLE-ENAMEL", "Enamel kettle, 1 litre", "kettle", (149_900, 39_00, 42_00)),
    ("SPICE-ELAICHI", "Green cardamom, 50 g", "elaichi", (27_500, 6_50, 7_00)),
    ("SWEET-JAGGERY", "Jaggery cubes, 500 g", "jaggery", (18_900, 5_90, 6_50)),
)

DEMO_PRODUCTS: Final = tuple(
    DemoProduct(
        sku=sku + suffix,
        name=name,
        unit_price_minor=price,
        currency=currency,
        image_path=f"/static/products/{image}.svg",
    )
    for sku, name, image, prices in _GOODS
    for (currency, suffix), price in zip(_MARKETS.items(), prices, strict=True)
)
