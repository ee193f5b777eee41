"""The catalogue: what the shop sells, and at what price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.checkout.access import require
from app.domain.errors import DomainError, ErrorCode
from app.identity import new_id
from app.scopes import Scope
from db import orders as store
from db.orders import Product

if TYPE_CHECKING:
    from app.auth import Caller
    from app.domain.money import Money
    from db.pool import Database

SKU_LENGTH_MAX: Final = 64
NAME_LENGTH_MAX: Final = 200
URL_LENGTH_MAX: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductInput:
    """A product as staff enter it."""

    sku: str
    name: str
    unit_price: Money
    image_url: str | None
    active: bool


class Catalog:
    """Writes products."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def upsert(self, caller: Caller, given: ProductInput) -> Product:
        """Write a product under its SKU.

        Raises:
            DomainError: FORBIDDEN unless staff, INVALID for an empty or overlong field or a negative price.
        """
        require(caller, Scope.CATALOG)
        check_text(given.sku, SKU_LENGTH_MAX, "sku")
        check_text(given.name, NAME_LENGTH_MAX, "name")
        if given.unit_price.minor < 0:
            raise DomainError(ErrorCode.INVALID, "A price is not negative.", ("unitPrice", "amount"))
        if given.image_url is not None:
            _check_image_url(given.image_url)
        product = Product(
            id=new_id(),
            sku=given.sku,
            name=given.name,
            unit_price=given.unit_price,
            image_url=given.image_url,
            active=given.active,
        )
        return await store.upsert_product(self._database, product)


def _check_image_url(url: str) -> None:
    check_text(url, URL_LENGTH_MAX, "imageUrl")
    if not url.startswith(("https://", "http://", "/")):
        raise DomainError(
            ErrorCode.INVALID, "An image URL starts with https://, http:// or /.", ("imageUrl",)
        )


def check_text(text: str, length_max: int, *field: str) -> None:
    """Refuse texts that are empty, too long, or that hold control characters.

    Raises:
        DomainError: INVALID.
    """
    if not 0 < len(text) <= length_max:
        raise DomainError(ErrorCode.INVALID, f"{field[-1]} has 1 to {length_max} characters.", field)
    if not text.isprintable():
        raise DomainError(ErrorCode.INVALID, f"{field[-1]} holds control characters.", field)
