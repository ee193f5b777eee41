"""The faces: shop, order tracking, console and the GraphQL IDE. Sources of scripts and styles are in `web/`."""
