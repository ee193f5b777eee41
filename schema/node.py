"""What has an id of its own, by Relay's object identification."""

import strawberry


@strawberry.interface(description="Relay object identification.")
class Node:
    """Something that `node(id:)` finds."""

    id: strawberry.ID = strawberry.field(
        description="Globally unique; says its type by its prefix. Opaque otherwise."
    )
