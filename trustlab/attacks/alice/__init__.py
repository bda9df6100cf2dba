"""Alice's toolbox: what her programs are made of.

`tools.Alice` is her machine, her powers as the provider and her voice in the trace. `legs` are the two ends she plays
with our own TLS engine, towards the client and towards the server, for both versions; `middle.Middle` joins them into
one end of a client's connection. `applications` is what she says inside a channel: she relays, listens and thanks, or
asks; `authenticators` is the same where evidence is asked for after Finished of TLS 1.3. `ends` are whole answers to a
client's connection that several programs give. This file imports nothing: a program in a virtual machine loads only
what it uses.
"""

__all__: list[str] = []
