"""What the node remembers: SQLAlchemy Core tables, one writer with group commit, named queries.

Nothing here can read a case: content arrives sealed and leaves sealed (PROTOCOL B9). Every change of state is one
*move*, a function that runs inside the writer's transaction together with the outgoing work and the audit leaf that
belong to it.
"""

from gateway.store.engine import Store

__all__ = ["Store"]
