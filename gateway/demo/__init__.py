"""`trm demo`: four countries on this machine. `play` has the order; each other file tells its part."""

from gateway.demo.command import run_demo

__all__ = ["run_demo"]
