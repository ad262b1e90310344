#!/bin/bash
# Makes .venv_parity: the Python packages that tests compare SlimReel with (webdataset, numpy,
# safetensors, tensorboard), and those that torch.compile needs. Safe to repeat. Prints the path of its python, for
# SLIMREEL_PARITY_PYTHON. Packages come from pip's configured sources.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
venv=$root/.venv_parity
python=$venv/bin/python
packages=(numpy safetensors tensorboard webdataset
  filelock fsspec jinja2 networkx sympy typing_extensions)

if [ ! -x "$python" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
fi
if ! "$python" -c "import numpy, safetensors, tensorboard, webdataset, filelock, fsspec, jinja2, networkx, sympy" 2>/dev/null; then
  if ! "$python" -m pip install --quiet --disable-pip-version-check "${packages[@]}" >&2; then
    rm -rf "$venv"  # without a venv, tests are skipped; with an incomplete one, they would fail
    exit 1
  fi
fi
echo "$python"
