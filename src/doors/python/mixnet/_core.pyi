from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np
import numpy.typing as npt

version: str

class Error(ValueError): ...

def answer(
    command: str, words: List[str], tell: Optional[Callable[[str, int, int], Any]], draws: bool
) -> Tuple[str, List[str]]: ...
def plan(
    demand: npt.NDArray[np.int64],
    degree: int,
    eps_nics: int,
    bandwidth: str,
    numa_of_nic: List[int],
    allocator: str,
    budget: int,
    tell: Optional[Callable[[str, int, int], Any]],
    draws: bool,
) -> Dict[str, Any]: ...
def sweep(
    text: str,
    input: str,
    out: str,
    threads: int,
    retry_failed: bool,
    tell: Optional[Callable[[str, int, int], Any]],
    draws: bool,
) -> None: ...
