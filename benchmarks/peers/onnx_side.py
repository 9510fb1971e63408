"""The inference workloads in ONNX Runtime, which writes into arrays that are made once."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from benchmarks.measure.race import Side
from benchmarks.peers.onnx_models import MODELS, model
from benchmarks.workloads.workload import Workload, results
from graphc.backends.llvm.cores import threads_wanted

__all__ = ["SESSIONS"]

ort: Any = import_module("onnxruntime")  # Any: it need not be installed where types are checked


def _session(work: Workload) -> Side:
    room = results(work)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads_wanted()
    session = ort.InferenceSession(model(work, room), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    for bind, letter, arrays in ((binding.bind_input, "x", work.arrays), (binding.bind_output, "y", room)):
        for k, array in enumerate(arrays):
            bind(f"{letter}{k}", "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)

    def run() -> Any:
        session.run_with_iobinding(binding)
        return room

    return run


SESSIONS: Mapping[str, Callable[[Workload], Side]] = dict.fromkeys(MODELS, _session)
