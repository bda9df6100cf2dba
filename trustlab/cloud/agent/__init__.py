"""The guest agent: what runs inside a VM of the `uml` substrate, as its only process.

`init.py` is the kernel's first program. It brings up the network, opens the two serial lines, gets the image from
HyperSafe and serves the guest program with sockets and hypercalls. It has one thread: on some hosts the kernel cannot
keep all vector registers of two.
"""
