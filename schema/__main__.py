"""`python -m schema` prints the schema into schema.graphql beside this file."""

from schema.printing import SDL_PATH, printed_schema

SDL_PATH.write_text(printed_schema(), encoding="utf-8")
