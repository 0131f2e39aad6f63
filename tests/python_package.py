"""The Python package under test, for the python*_test.py beside this file: `from python_package import
mixnet`. Where it was not built, or there is no NumPy, the test ends with status 77 and says so."""

import importlib.util
import os
import sys

if not os.environ.get("MIXNET_PYTHON"):
    print("the Python package was not built (pybind11-dev, python3-dev; not with sanitizers)")
    sys.exit(77)
if importlib.util.find_spec("numpy") is None:
    print("NumPy is not installed (python3-numpy)")
    sys.exit(77)
sys.path.insert(0, os.environ["MIXNET_PYTHON"])

import mixnet  # noqa: E402

#: Of another interpreter that imports it.
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.environ["MIXNET_PYTHON"]}

__all__ = ["ENVIRONMENT", "mixnet"]
