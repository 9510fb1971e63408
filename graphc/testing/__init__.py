"""Checks for users and for our own tests.  `python -m graphc.testing.fuzz` tries random programs."""

from graphc.signatures import offered
from graphc.testing.gradients import check_gradients

__all__ = ["check_gradients"]

globals().update(offered(__name__, {"check_gradients": check_gradients}, __all__))
