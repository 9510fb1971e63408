"""CUDA graphs: launches and copies that were recorded, whose addresses may change from one run to the next."""

import ctypes
import weakref
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, final

from graphc.backends.cuda.device import Device, Passed, Recording, with_room
from graphc.backends.cuda.driver import Opened
from graphc.dataclass import dataclass

__all__ = ["Arguments", "CopyNode", "FixedNode", "Graph", "LaunchNode", "Node", "graph_of", "last_node"]


@final
@dataclass(frozen=True, eq=False)
class Arguments:
    """What a launch passes, as the driver takes it: addresses of numbers of 8 bytes each, which stay in place."""

    values: Any  # Any: arrays of ctypes
    places: Any

    @classmethod
    def of(cls, arguments: Sequence[int]) -> "Arguments":
        """Addresses and integers, in order."""
        count = max(len(arguments), 1)
        values = (ctypes.c_int64 * count)(*arguments)
        first = ctypes.addressof(values)
        return cls(values, (ctypes.c_void_p * count)(*range(first, first + 8 * len(arguments), 8)))

    @property
    def pointers(self) -> int:
        """What `cuLaunchKernel` asks for."""
        return ctypes.addressof(self.places)


class Node(ABC):
    """One step of a graph."""

    @property
    @abstractmethod
    def passed(self) -> Passed:
        """The addresses that it was given."""

    @abstractmethod
    def change(self, made: Any, addresses: Mapping[int, int]) -> None:
        """Let it have others in the graph that was made of it, from the next run on."""


@final
@dataclass(frozen=True, eq=False)
class LaunchNode(Node):
    """A launch: `what` are the function, how many blocks, and of how many threads."""

    handle: Any
    opened: Opened
    what: tuple[Any, int, int]
    arguments: Arguments
    are_addresses: tuple[bool, ...]

    @property
    def passed(self) -> Passed:
        # not strict: what has no arguments has room for one all the same
        return [value if is_one else None for value, is_one in zip(self.arguments.values, self.are_addresses)]  # noqa: B905

    def change(self, made: Any, addresses: Mapping[int, int]) -> None:
        for place, address in addresses.items():
            self.arguments.values[place] = address
        api = self.opened.api
        wanted = api.CUDA_KERNEL_NODE_PARAMS()
        wanted.func, wanted.gridDimX, wanted.blockDimX = self.what
        wanted.gridDimY = wanted.gridDimZ = wanted.blockDimY = wanted.blockDimZ = 1
        wanted.kernelParams = self.arguments.pointers
        self.opened.done(api.cuGraphExecKernelNodeSetParams(made, self.handle, wanted))


@final
@dataclass(eq=False)
class CopyNode(Node):
    """A copy on the device."""

    handle: Any
    opened: Opened
    to: int
    of: int
    bytes: int

    @property
    def passed(self) -> Passed:
        return self.to, self.of

    def change(self, made: Any, addresses: Mapping[int, int]) -> None:
        self.to, self.of = addresses.get(0, self.to), addresses.get(1, self.of)
        api = self.opened.api
        wanted = api.CUDA_MEMCPY3D()
        wanted.srcMemoryType = wanted.dstMemoryType = api.CUmemorytype.CU_MEMORYTYPE_DEVICE
        wanted.dstDevice, wanted.srcDevice = self.to, self.of
        wanted.WidthInBytes, wanted.Height, wanted.Depth = self.bytes, 1, 1
        self.opened.done(api.cuGraphExecMemcpyNodeSetParams(made, self.handle, wanted, self.opened.context))


@final
@dataclass(frozen=True, eq=False)
class FixedNode(Node):
    """What a library began with addresses that only it knows how to change."""

    addresses: Sequence[int]

    @property
    def passed(self) -> Passed:
        return ()

    def change(self, made: Any, addresses: Mapping[int, int]) -> None:
        raise AssertionError(addresses)


def last_node(opened: Opened) -> Any:
    """What was recorded last: the one that the next would wait for."""
    _, _, _, (node,), *_ = _all(opened, opened.api.cuStreamGetCaptureInfo(opened.recorder))
    return node


def _all(opened: Opened, result: tuple[Any, ...]) -> tuple[Any, ...]:
    """All that a function of the driver gave, without its status."""
    opened.done(result)
    return result[1:]


@final
@dataclass(frozen=True, eq=False)
class Graph(Recording):
    """A recording that the driver runs."""

    opened: Opened
    made: Any
    nodes: Sequence[Node]

    @property
    def passed(self) -> Sequence[Passed]:
        return [node.passed for node in self.nodes]

    @property
    def fixed(self) -> Sequence[int]:
        return [address for node in self.nodes if isinstance(node, FixedNode) for address in node.addresses]

    def change(self, number: int, addresses: Mapping[int, int]) -> None:
        self.nodes[number].change(self.made, addresses)

    def run(self) -> None:
        self.opened.done(self.opened.api.cuGraphLaunch(self.made, self.opened.default))


def graph_of(device: Device, opened: Opened, graph: Any, nodes: Sequence[Node]) -> Graph:
    """What was recorded, ready to run.  The graph itself stays: its nodes are what changes are said of."""
    try:
        made = with_room(device, lambda: opened.done(opened.api.cuGraphInstantiate(graph, 0)))
    except BaseException:
        opened.finish(opened.api.cuGraphDestroy, graph)
        raise
    found = Graph(opened, made, tuple(nodes))
    weakref.finalize(found, opened.forget, graph, made).atexit = False
    return found
