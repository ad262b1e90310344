#!/bin/bash
# Adds Hugging Face's transformers to .venv_parity. It uses the torch of the python that made
# the venv, through the system's packages. It never installs or replaces torch. Safe to repeat.
# Prints the path of the python to call. Packages come from pip's configured sources.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$("$here/setup.sh")
sed -i 's/^include-system-site-packages = false/include-system-site-packages = true/' \
  "$(dirname "$python")/../pyvenv.cfg"

if ! "$python" -c "from transformers import WhisperForConditionalGeneration" 2>/dev/null; then
  pip=("$python" -m pip install --quiet --disable-pip-version-check)
  "${pip[@]}" huggingface_hub tokenizers regex pyyaml packaging >&2
  "${pip[@]}" --no-deps transformers >&2
fi
echo "$python"
