"""What the demo's shop sells. Drawings are in `static/products`; their sources in `web/products`."""

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


DEMO_PRODUCTS: Final = tuple(
    DemoProduct(
        sku=sku,
        name=name,
        unit_price_minor=unit_price_minor,
        currency="INR",
        image_path=f"/static/products/{image}.svg",
    )
    for sku, name, unit_price_minor, image in (
        ("TEA-ASSAM", "Assam breakfast tea, 250 g", 44_900, "assam"),
        ("TEA-MASALA", "Masala chai blend, 200 g", 34_900, "masala"),
        ("CUP-KULHAD", "Kulhad clay cups, set of six", 59_900, "kulhad"),
        ("KETTLE-ENAMEL", "Enamel kettle, 1 litre", 149_900, "kettle"),
        ("SPICE-ELAICHI", "Green cardamom, 50 g", 27_500, "elaichi"),
        ("SWEET-JAGGERY", "Jaggery cubes, 500 g", 18_900, "jaggery"),
    )
)
