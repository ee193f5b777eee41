"""The catalogue."""

from typing import Self

import strawberry

from app.domain.ids import IdPrefix, encode_id
from app.views import Page
from app.views import Product as CatalogProduct
from schema.connections import PageInfo, page_info
from schema.cursors import encode_product
from schema.money import Money
from schema.node import Node
from schema.scalars import Cursor


@strawberry.type(description="What the shop sells. Prices come from here, never from a browser.")
class Product(Node):
    """One product."""

    sku: str = strawberry.field(description="The shop's own name for it; unique.")
    name: str
    unit_price: Money
    image_url: str | None
    active: bool = strawberry.field(description="Whether it can be ordered. Only staff see what can't.")

    @classmethod
    def of(cls, product: CatalogProduct) -> Self:
        """Return the API's form of a product."""
        return cls(
            id=strawberry.ID(encode_id(IdPrefix.PRODUCT, product.id)),
            sku=product.sku,
            name=product.name,
            unit_price=Money.of(product.unit_price),
            image_url=product.image_url,
            active=product.active,
        )


@strawberry.type(description="A product and its place in the list.")
class ProductEdge:
    """A product in a page."""

    node: Product
    cursor: Cursor


@strawberry.type(description="A page of the catalogue, oldest product first.")
class ProductConnection:
    """A page of products."""

    edges: list[ProductEdge]
    nodes: list[Product]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Page[CatalogProduct], *, after: str | None) -> Self:
        """Return the API's form of a page of products."""
        nodes = [Product.of(product) for product in page.items]
        cursors = [encode_product(product.id) for product in page.items]
        return cls(
            edges=[
                ProductEdge(node=node, cursor=cursor) for node, cursor in zip(nodes, cursors, strict=True)
            ],
            nodes=nodes,
            page_info=page_info(cursors, has_more=page.has_more, after=after),
        )
