"""`python -m schema` prints the schema and the pages' documents into files beside this one."""

from schema.manifest import OWN_PATH
from schema.printing import SDL_PATH, printed_documents, printed_schema

SDL_PATH.write_text(printed_schema(), encoding="utf-8")
OWN_PATH.write_text(printed_documents(), encoding="utf-8")
