"""Alice's guest programs, one a module: what an attack does, and in `ATTACKS` what there is to say of it.

A program is measured like any other: the cloud makes an image of its source and calls `start(guest)`, and after the
payment `afterwards(guest)` if there is one. `attacks.catalogue` finds the modules of this folder by itself. This file
imports nothing, for the source runs in virtual machines too.
"""

__all__: list[str] = []
