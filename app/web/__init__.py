"""The faces: shop, order tracking and the GraphQL IDE. Sources of scripts and styles are in `web/`."""
