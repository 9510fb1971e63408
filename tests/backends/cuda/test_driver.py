"""What the driver is asked for, as its package has it; and what is said where there is none."""

from typing import Any

import numpy as np
import pytest

import graphc as gx
from graphc.backends.cuda import driver
from graphc.backends.cuda.emulation.emulator import Emulator
from tests.backends.cuda.fake_driver import FakeDriver, install


def test_the_package_takes_arguments_of_these_kinds() -> None:
    """Without a driver, a call of the package looks at its arguments, then says that there is no driver."""
    api: Any = pytest.importorskip("cuda.bindings.driver", reason="cuda-bindings is not installed")
    try:
        api.cuInit(0)
    except RuntimeError as error:
        missing = str(error)
    else:
        pytest.skip("there is a driver, which would do what is asked")
    launch, copy = api.CUDA_KERNEL_NODE_PARAMS(), api.CUDA_MEMCPY3D()
    launch.func, launch.gridDimX, launch.blockDimX = api.CUfunction(0), 1, 256
    launch.gridDimY = launch.gridDimZ = launch.blockDimY = launch.blockDimZ = 1
    launch.kernelParams = 123456
    copy.srcMemoryType = copy.dstMemoryType = api.CUmemorytype.CU_MEMORYTYPE_DEVICE
    copy.dstDevice, copy.srcDevice = 1, 2
    copy.WidthInBytes, copy.Height, copy.Depth = 4, 1, 1
    stream, event, device, graph = api.CUstream(1), api.CUevent(0), api.CUdevice(0), api.CUgraph(0)
    threshold = api.CUmemPool_attribute.CU_MEMPOOL_ATTR_RELEASE_THRESHOLD
    relaxed = api.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED
    calls: dict[str, tuple[object, ...]] = {
        "cuCtxSetCurrent": (api.CUcontext(0),),
        "cuDeviceGetName": (256, device),
        "cuMemPoolSetAttribute": (api.CUmemoryPool(0), threshold, api.cuuint64_t((1 << 64) - 1)),
        "cuMemAllocFromPoolAsync": (100, api.CUmemoryPool(0), stream),
        "cuMemPoolTrimTo": (api.CUmemoryPool(0), 0),
        "cuModuleUnload": (api.CUmodule(0),),
        "cuStreamGetCaptureInfo": (stream,),
        "cuPointerGetAttribute": (api.CUpointer_attribute.CU_POINTER_ATTRIBUTE_MEMORY_TYPE, 12345),
        "cuMemFreeAsync": (12345, stream),
        "cuMemcpyHtoDAsync": (12345, 678, 4, stream),
        "cuMemcpyDtoHAsync": (678, 12345, 4, stream),
        "cuMemcpyDtoDAsync": (1, 2, 4, stream),
        "cuMemsetD8Async": (1, 255, 1, stream),
        "cuMemsetD16Async": (1, 65535, 1, stream),
        "cuMemsetD32Async": (1, (1 << 32) - 1, 1, stream),
        "cuModuleLoadData": (b"image",),
        "cuModuleGetFunction": (api.CUmodule(0), b"kernel_0"),
        "cuLaunchKernel": (api.CUfunction(0), 1, 1, 1, 256, 1, 1, 0, stream, 123456, 0),
        "cuStreamCreate": (api.CUstream_flags.CU_STREAM_NON_BLOCKING,),
        "cuStreamBeginCapture": (stream, relaxed),
        "cuGraphInstantiate": (graph, 0),
        "cuMemPoolCreate": (driver._pool_of(api, 0),),
        "cuGraphExecKernelNodeSetParams": (api.CUgraphExec(0), api.CUgraphNode(0), launch),
        "cuGraphExecMemcpyNodeSetParams": (api.CUgraphExec(0), api.CUgraphNode(0), copy, api.CUcontext(0)),
        "cuGraphLaunch": (api.CUgraphExec(0), stream),
        "cuEventCreate": (api.CUevent_flags.CU_EVENT_DISABLE_TIMING,),
        "cuStreamWaitEvent": (api.CUstream(4711), event, 0),
    }
    for name, given in calls.items():
        with pytest.raises(RuntimeError) as said:
            getattr(api, name)(*given)
        assert str(said.value) == missing, name


def refusal(patch: pytest.MonkeyPatch, other: Any) -> str:
    """What a call says with this driver."""
    install(patch, other)
    x = gx.input("x", (3,))
    f = gx.compile([x], gx.exp(x), backend="cuda")
    with pytest.raises(gx.UnsupportedError) as error:
        f(np.ones(3, np.float32))
    assert "f.source" in str(error.value.hint)
    assert "__global__" in f.source
    return error.value.problem


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"statuses": {"cuInit": 100}}, "finds no GPU"),
        ({"statuses": {"cuInit": 803}}, "does not start: CUDA_ERROR_SOME, number 803"),
        ({"version": 12040}, "is of CUDA 12.4, and 13.0 is needed"),
        (
            {"attributes": {**FakeDriver(Emulator()).attributes, "CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR": 7}},
            "7.0",
        ),
        *(
            ({"statuses": {name: 2}}, "number 2")
            for name in (
                "cuDriverGetVersion",
                "cuDeviceGetCount",
                "cuDeviceGet",
                "cuDeviceGetAttribute",
                "cuDeviceTotalMem",
                "cuDeviceGetName",
                "cuDevicePrimaryCtxRetain",
                "cuCtxPushCurrent",
                "cuStreamCreate",
                "cuMemPoolCreate",
                "cuMemPoolSetAttribute",
            )
        ),
    ],
)
def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], said: str) -> None:
    assert said in refusal(monkeypatch, FakeDriver(Emulator(), **changes))


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "pip install 'graphc[cuda]'" in refusal(monkeypatch, None)
