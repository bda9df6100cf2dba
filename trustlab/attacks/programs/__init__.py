"""Alice's guest programs, one a module: each defines an `Attack`, or several, and the program that plays them.

A program is measured like any other: the cloud makes an image of its source and calls `start(guest)`, and after the
payment `afterwards(guest)` if there is one. `attacks.catalogue` finds every `Attack` in this folder by itself. This
file imports nothing, because the source also runs in virtual machines.
"""

__all__: list[str] = []
