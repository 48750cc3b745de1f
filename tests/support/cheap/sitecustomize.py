"""Python imports this by itself where this folder is on its path: in that process keys cost what a test pays."""

from support import keycost

keycost.make(keycost.CHEAP)
