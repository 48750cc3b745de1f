"""The running node: scheduler, federation handlers, operations by name."""
