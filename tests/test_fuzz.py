"""The fuzzer: what it tries holds, and what is wrong it finds, and makes small."""

import os
import subprocess
import sys
from collections.abc import Iterator
from time import perf_counter

import numpy as np
import pytest

import graphc as gx
from graphc.kernel.program import Program
from graphc.kernel.reference import interpret
from graphc.passes import standard
from graphc.passes.patterns import unit_pattern
from graphc.passes.rewrite import Rule
from graphc.testing import further_templates, templates
from graphc.testing.agreement import check_program
from graphc.testing.fuzz import Tally, first_failure, main
from graphc.testing.program import ALL_WAYS, Recipe, random_program
