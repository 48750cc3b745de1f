"""Person to node: server-rendered pages, for people who have no case system, and for who looks after the node.

A page asks the node by the operations of `gateway.operations.ports.Operations`, as the local API does, and holds no
rule of its own. It works without JavaScript (a passkey alone needs it), asks no other host for anything, and keeps
nothing in the browser. See README.md for where things are.
"""
