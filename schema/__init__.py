"""The GraphQL layer: it translates between the public contract and the use cases, and holds no rule of its own."""

from schema.build import build_schema
from schema.context import Services
from schema.sockets import SUBPROTOCOL
from schema.view import graphql_app

__all__ = ["SUBPROTOCOL", "Services", "build_schema", "graphql_app"]
