from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np
import numpy.typing as npt

version: str

class Error(ValueError): ...

def answer(
    command: str, words: List[bytes], tell: Optional[Callable[[str, int, int], Any]], draws: bool
) -> Tuple[str, List[str]]: ...
def plan(
    demand: npt.NDArray[np.int64],
    degree: int,
    eps_nics: int,
    bandwidth: bytes,
    numa_of_nic: List[int],
    allocator: bytes,
    budget: int,
    tell: Optional[Callable[[str, int, int], Any]],
    draws: bool,
) -> Dict[str, Any]: ...
def sweep(
    text: str,
    input: bytes,
    out: bytes,
    threads: int,
    retry_failed: bool,
    tell: Optional[Callable[[str, int, int], Any]],
    draws: bool,
) -> None: ...
