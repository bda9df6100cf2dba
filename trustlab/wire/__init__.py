"""The wire: Ethernet, IP and TCP as octets, Alice's network in memory and on sockets, and captures on disk.

This room knows neither TLS nor TPMs. In the `memory` substrate frames never exist: `TcpConversation` writes the frames
in which the octets would have travelled, and each such event says `reconstructed: true`.
"""

from trustlab.wire.captures import MAGICS, CaptureReader, parse_pcapng, read_pcapng
from trustlab.wire.conversation import Direction, TcpConversation
from trustlab.wire.errors import (
    ConnectionRefusedOnWireError,
    EndpointError,
    FrameError,
    HeldError,
    OrderError,
    PcapngError,
    QuietError,
    WireError,
)
from trustlab.wire.ethernet import MSS, Flag, Host, Segment, build_frame, checksums_right, parse_frame, patch_frame
from trustlab.wire.gate import Cancelled, Cutter, FlightField, Item, StreamGate
from trustlab.wire.gateorder import GateOrder
from trustlab.wire.linktypes import LinkType, link_title
from trustlab.wire.memory import Endpoint, MemoryNetwork, Waiting, WireConnection
from trustlab.wire.orders import Delay, Drop, Duplicate, Edit, Hold, Match, Mirror, Passing, SwitchOrder
from trustlab.wire.packets import Datagram, OtherPacket, dissect
from trustlab.wire.pcapng import CapturedFrame, write_capture, write_pcapng
from trustlab.wire.reassembly import Flow, Gap, Reassembler, Sighting, StreamPiece
from trustlab.wire.steering import Steering
from trustlab.wire.switch import Switch
from trustlab.wire.switchcore import SwitchCore

__all__ = [
    "MAGICS",
    "MSS",
    "Cancelled",
    "CaptureReader",
    "CapturedFrame",
    "ConnectionRefusedOnWireError",
    "Cutter",
    "Datagram",
    "Delay",
    "Direction",
    "Drop",
    "Duplicate",
    "Edit",
    "Endpoint",
    "EndpointError",
    "Flag",
    "FlightField",
    "Flow",
    "FrameError",
    "Gap",
    "GateOrder",
    "HeldError",
    "Hold",
    "Host",
    "Item",
    "LinkType",
    "Match",
    "MemoryNetwork",
    "Mirror",
    "OrderError",
    "OtherPacket",
    "Passing",
    "PcapngError",
    "QuietError",
    "Reassembler",
    "Segment",
    "Sighting",
    "Steering",
    "StreamGate",
    "StreamPiece",
    "Switch",
    "SwitchCore",
    "SwitchOrder",
    "TcpConversation",
    "Waiting",
    "WireConnection",
    "WireError",
    "build_frame",
    "checksums_right",
    "dissect",
    "link_title",
    "parse_frame",
    "parse_pcapng",
    "patch_frame",
    "read_pcapng",
    "write_capture",
    "write_pcapng",
]
