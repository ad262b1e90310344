# Sets `python` to an interpreter that has torch. Scripts that compare with PyTorch
# eager source this file. Run them from the repository's root.
python=python3
if ! python3 -c 'import torch' 2>/dev/null; then
  tools/parity/setup.sh >&2
  python=.venv_parity/bin/python3
  export PYTHONPATH="$PWD/.libtorch${PYTHONPATH:+:${PYTHONPATH}}"
  # tools/setup.sh installs the wheel without its dependencies, but `import torch` needs these two.
  "${python}" -c 'import torch' 2>/dev/null ||
    "${python}" -m pip install --quiet --disable-pip-version-check typing_extensions sympy >&2
fi
