"""What people and local systems can ask of the node, one function per operation. The API and `trm` both come through
here.
"""

from gateway.service.desk.desk import NodeDesk

__all__ = ["NodeDesk"]
