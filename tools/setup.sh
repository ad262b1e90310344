#!/usr/bin/env bash
# Installs what a build needs: system packages and LibTorch. Safe to repeat.
#
#   tools/setup.sh             install what is missing
#   tools/setup.sh --check     print what is missing and change nothing
#
# LibTorch comes from the folder in LIBTORCH if that is set. Otherwise it comes from the
# torch of python3, or else from a pip install into .libtorch/ of this checkout. Without
# an NVIDIA driver, pip installs the CPU build if its sources have one.
# SLIMREEL_TORCH_INDEX sets another package index for torch, and
# SLIMREEL_TORCH_VERSION sets another version.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

TORCH_VERSION="${SLIMREEL_TORCH_VERSION:-2.13.0}"
PACKAGES=(
  bazel-bootstrap g++ git pkg-config python3 python3-pip python3-venv python-is-python3
  chromium clang-format ffmpeg
  libabsl-dev libgflags-dev libgmock-dev libgoogle-glog-dev
  libgtest-dev libxxhash-dev libyaml-cpp-dev nlohmann-json3-dev
  libavcodec-dev libavfilter-dev libavformat-dev libavutil-dev libswscale-dev
  libopencv-core-dev libopencv-imgproc-dev
)

say() { echo "setup: $*" >&2; }

check_only=false
case "${1:-}" in
  "") ;;
  --check) check_only=true ;;
  -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) say "unknown argument $1; known: --check, --help"; exit 2 ;;
esac

missing_packages() {
  local package
  for package in "${PACKAGES[@]}"; do
    dpkg-query -W -f='${Status}' "${package}" 2>/dev/null | grep -q 'ok installed' || echo "${package}"
  done
}

install_packages() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "this system has no apt-get. SlimReel is tested on Debian 12. On other systems, install the equivalents of:"
    say "  ${PACKAGES[*]}"
    say "(Bazel 4.2.3 through Bazelisk, FFmpeg 5.1 or newer with headers, OpenCV core and imgproc, GCC 11 or newer)"
    return 0
  fi
  local missing
  mapfile -t missing < <(missing_packages)
  if [[ ${#missing[@]} -eq 0 ]]; then
    say "all ${#PACKAGES[@]} system packages are installed"
    return 0
  fi
  if ${check_only}; then
    say "missing packages: ${missing[*]}"
    return 1
  fi
  local as_root=()
  if [[ $(id -u) -ne 0 ]]; then
    if ! command -v sudo >/dev/null; then
      say "installing the missing packages needs root or sudo. Ask an administrator to run:"
      say "  apt-get install --no-install-recommends ${missing[*]}"
      return 1
    fi
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

python_torch() {
  python3 -c "import importlib.util as u; s = u.find_spec('torch'); print(list(s.submodule_search_locations)[0] if s else '')" 2>/dev/null || true
}

pip_install_torch() {
  local requirement="$1"
  shift
  rm -rf .libtorch.partial
  python3 -m pip install --quiet --disable-pip-version-check --target .libtorch.partial \
    ${SLIMREEL_TORCH_INDEX:+--index-url "${SLIMREEL_TORCH_INDEX}"} "$@" "${requirement}" || return 1
  rm -rf .libtorch
  mv .libtorch.partial .libtorch
}

install_libtorch() {
  if [[ -n "${LIBTORCH:-}" ]]; then
    [[ -e "${LIBTORCH}/lib/libtorch_cpu.so" ]] || { say "LIBTORCH=${LIBTORCH} does not contain lib/libtorch_cpu.so"; return 1; }
    say "LibTorch from LIBTORCH=${LIBTORCH}"
    return 0
  fi
  local found
  found="$(python_torch)"
  if [[ -n "${found}" && -e "${found}/lib/libtorch_cpu.so" ]]; then
    say "LibTorch from python3's torch (${found})"
    return 0
  fi
  if [[ -e .libtorch/torch/lib/libtorch_cpu.so ]]; then
    say "LibTorch from .libtorch/"
    return 0
  fi
  if ${check_only}; then
    say "LibTorch is missing"
    return 1
  fi
  if [[ ! -e /proc/driver/nvidia/version ]]; then
    say "installing torch ${TORCH_VERSION} (CPU build) into .libtorch/"
    # SlimReel uses only the LibTorch inside the wheel. In the CPU build, that needs no other package.
    if pip_install_torch "torch==${TORCH_VERSION}+cpu" --no-deps 2>/dev/null; then return 0; fi
    say "pip's sources have no CPU build of torch. To get one, set SLIMREEL_TORCH_INDEX to an index that has it"
  fi
  say "installing torch ${TORCH_VERSION} and its dependencies into .libtorch/ (several GB if they include CUDA)"
  pip_install_torch "torch==${TORCH_VERSION}"
}

trap 'rm -rf .libtorch.partial' EXIT
status=0
install_packages || status=1
install_libtorch || status=1
[[ ${status} -eq 0 ]] && say "done" || say "something is missing; see above"
exit ${status}
