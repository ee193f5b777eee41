"""`python -m schema` prints the schema, its reference and the pages' documents into the files that are checked in."""

from schema.manifest import OWN_PATH
from schema.printing import SDL_PATH, printed_documents, printed_schema
from schema.reference import REFERENCE_PATH, printed_reference

SDL_PATH.write_text(printed_schema(), encoding="utf-8")
REFERENCE_PATH.write_text(printed_reference(), encoding="utf-8")
OWN_PATH.write_text(printed_documents(), encoding="utf-8")
