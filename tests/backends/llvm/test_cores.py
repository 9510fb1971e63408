"""How many threads there should be."""

from pathlib import Path

import pytest

from graphc.backends.llvm.cores import cpus, quotas, threads_wanted
from graphc.errors import ArgumentError


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("environment", "threads"),
    [
        ({"GRAPHC_THREADS": "7", "OMP_NUM_THREADS": "2"}, 7),
        ({"OMP_NUM_THREADS": "3,2"}, 3),
        ({"OMP_NUM_THREADS": "many"}, cpus()),
        ({"GRAPHC_THREADS": " "}, cpus()),
        ({}, cpus()),
    ],
)
def test_the_user_says_how_many_threads(environment: dict[str, str], threads: int) -> None:
    assert threads_wanted(environment) == threads


@pytest.mark.parametrize("said", ["0", "-1", "two", "1.5", "²"])
def test_a_number_of_threads_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(ArgumentError, match="GRAPHC_THREADS"):
        threads_wanted({"GRAPHC_THREADS": said})


def test_quotas_of_the_second_version(tmp_path: Path) -> None:
    files = {
        "self": "0::/user/job\n",
        "cpu.max": "max 100000\n",
        "user/cpu.max": "250000 100000\n",
        "user/job/cpu.max": "400000 100000\n",
    }
    assert sorted(quotas(written(tmp_path, files) / "self", tmp_path)) == [2.5, 4.0]


def test_quotas_of_the_first_version(tmp_path: Path) -> None:
    files = {
        "self": "4:memory:/job\n3:cpu,cpuacct:/job\n",
        "cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
        "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "cpu,cpuacct/job/cpu.cfs_quota_us": "150000\n",
        "cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
    }
    assert list(quotas(written(tmp_path, files) / "self", tmp_path)) == [1.5]


def test_no_quota_where_there_is_no_group(tmp_path: Path) -> None:
    assert list(quotas(tmp_path / "self", tmp_path)) == []
