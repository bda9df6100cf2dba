"""Alice's toolbox, from which her programs are made.

- `tools.Alice`: her machine, her powers as the provider, and a way to write into the trace.
- `legs`: the two ends that she plays with our own TLS engine, towards the client and towards the server.
- `middle.Middle`: both legs, joined into one end of a client's connection.
- `applications`: what she does inside a channel: she relays, listens and thanks, or asks.
- `authenticators`: the same for designs that ask for evidence after Finished of TLS 1.3.
- `ends`: complete answers to a client's connection, for several programs.

This file imports nothing: a program in a virtual machine loads only what it uses.
"""

__all__: list[str] = []
