#!/bin/bash
# Adds mmaction2's sources to .venv_parity, and the packages that its convolutional models
# import: mmengine and mmcv-lite, which is mmcv without compiled (CUDA) operators. mmaction2
# refuses mmcv 2.2.0 and newer. --no-deps keeps pip from replacing the installed torch.
# Safe to repeat. Prints the path of the python to call. Packages come from pip's configured sources.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$("$here/setup_transformers.sh")
packages=(mmaction2==1.2.0 mmengine==0.10.7 mmcv-lite==2.1.0 addict yapf rich termcolor platformdirs markdown-it-py
  mdurl Pygments opencv-python-headless pillow matplotlib contourpy kiwisolver cycler pyparsing python-dateutil six
  scipy)

if ! "$python" -c "import mmengine, mmcv.cnn, mmaction, mmengine.runner, scipy.stats" 2>/dev/null; then
  "$python" -m pip install --quiet --disable-pip-version-check --no-deps "${packages[@]}" >&2
fi
echo "$python"
