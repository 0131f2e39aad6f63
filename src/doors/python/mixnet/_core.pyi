from typing import Any, Dict, List

import numpy as np
import numpy.typing as npt

version: str

class Error(ValueError): ...

def compare(words: List[str]) -> str: ...
def plan(
    demand: npt.NDArray[np.int64],
    degree: int,
    eps_nics: int,
    bandwidth: str,
    numa_of_nic: List[int],
    allocator: str,
    budget: int,
) -> Dict[str, Any]: ...
def sweep(text: str, input: str, out: str, threads: int, retry_failed: bool) -> None: ...
