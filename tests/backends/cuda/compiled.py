"""What tests that compile with NVRTC need."""

import pytest

from graphc.backends.cuda.nvrtc import is_installed

__all__ = ["NEEDS_NVRTC"]

NEEDS_NVRTC = pytest.mark.skipif(not is_installed(), reason="NVRTC is not installed")
