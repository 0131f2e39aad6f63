"""Builds the wheel of the Python package: a PEP 517 backend over CMake.

`pip install .` calls build_wheel(): CMake builds and installs the package into a folder, which
becomes the wheel. Needs what the program's build needs (scripts/install-dependencies.sh) and the
Python headers of the interpreter that pip runs under.
"""

import base64
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[3]


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """PEP 517: builds the wheel in the folder and returns its name."""
    del config_settings, metadata_directory
    metadata = _metadata()
    name, version = metadata["Name"], metadata["Version"]
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    platform = re.sub(r"[-.]", "_", sysconfig.get_platform())
    tag = f"{python}-{python}-{platform}"
    info = f"{name}-{version}.dist-info"
    with tempfile.TemporaryDirectory() as folder:
        files = _installed(pathlib.Path(folder))
        files[f"{info}/METADATA"] = _metadata_text(metadata).encode()
        files[f"{info}/WHEEL"] = (
            f"Wheel-Version: 1.0\nGenerator: mixnet\nRoot-Is-Purelib: false\nTag: {tag}\n"
        ).encode()
    record = "".join(_record_line(path, data) for path, data in sorted(files.items()))
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    wheel = f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in sorted(files.items()):
            entry = zipfile.ZipInfo(path)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return wheel


def build_sdist(sdist_directory, config_settings=None):
    """PEP 517: the files that git knows, and PKG-INFO."""
    del config_settings
    metadata = _metadata()
    base = f"{metadata['Name']}-{metadata['Version']}"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    with tempfile.TemporaryDirectory() as folder:
        info = pathlib.Path(folder) / "PKG-INFO"
        info.write_text(_metadata_text(metadata), encoding="utf-8")
        with tarfile.open(pathlib.Path(sdist_directory) / f"{base}.tar.gz", "w:gz") as archive:
            archive.add(info, f"{base}/PKG-INFO")
            for name in filter(None, listed.stdout.decode().split("\0")):
                archive.add(ROOT / name, f"{base}/{name}", recursive=False)
    return f"{base}.tar.gz"


def _installed(folder):
    """The package as CMake installs it: bytes by path."""
    build, stage = folder / "build", folder / "wheel"
    jobs = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count() or 1))
    for command in (
        ["cmake", "-S", ROOT, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
         "-DMIXNET_TESTS=OFF", "-DMIXNET_BENCHMARKS=OFF", "-DMIXNET_PYTHON_DIR=.",
         f"-DPython3_EXECUTABLE={sys.executable}"],
        ["cmake", "--build", build, "--target", "mixnet_python", "--parallel", jobs],
        ["cmake", "--install", build, "--component", "python", "--prefix", stage],
    ):
        subprocess.run([str(word) for word in command], check=True)
    return {
        str(path.relative_to(stage)): path.read_bytes()
        for path in stage.rglob("*") if path.is_file()
    }


def _metadata():
    """What pyproject.toml says, as the core metadata has it. (Python 3.9 has no TOML reader.)"""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")

    def value(key):
        return re.search(rf'^{key} = "(.*)"$', text, re.MULTILINE).group(1)

    def values(key):
        return re.findall(r'"([^"]+)"', re.search(rf"^{key} = \[(.*)\]$", text, re.MULTILINE).group(1))

    return {
        "Name": value("name"),
        "Version": value("version"),
        "Summary": value("description"),
        "Requires-Python": value("requires-python"),
        "License": "Apache-2.0",
        "Requires-Dist": values("dependencies")
        + [f'{needed}; extra == "examples"' for needed in values("examples")],
        "Provides-Extra": ["examples"],
        "Description-Content-Type": "text/markdown",
    }


def _metadata_text(metadata):
    lines = ["Metadata-Version: 2.1"]
    for key, value in metadata.items():
        lines += [f"{key}: {one}" for one in (value if isinstance(value, list) else [value])]
    return "\n".join(lines) + "\n\n" + (ROOT / "README.md").read_text(encoding="utf-8")


def _record_line(path, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}\n"
