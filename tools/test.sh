#!/usr/bin/env bash
# Runs all tests and installs what they need. Also works from a fresh clone.
#
#   tools/test.sh               all tests except those tagged `long`
#   tools/test.sh --long        those too (every allocation, 10 kills, 10,000 damaged shards)
#   tools/test.sh --sanitize    then the tests of files, libav and threads again under
#                               the address and undefined-behaviour sanitizers, and
#                               the tests of threads without torch (tag `tsan`)
#                               under the thread sanitizer
#   tools/test.sh //data/...    only these targets
#
# The last line is `N passed, N failed, N skipped`. It counts test cases. The log of a
# skipped case gives the reason. Exit status 0: no case failed.
# SLIMREEL_MEDIA names the folder of real media (default: ../shared/media, if that
# exists). Without it, the tests that need real media are skipped.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

filters="-benchmark,-long"
sanitize=false
targets=()
for argument in "$@"; do
  case "${argument}" in
    --long) filters="-benchmark" ;;
    --sanitize) sanitize=true ;;
    -h | --help) sed -n '2,17s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "test.sh: unknown argument ${argument}; known: --long, --sanitize, --help, Bazel targets" >&2; exit 2 ;;
    *) targets+=("${argument}") ;;
  esac
done
[[ ${#targets[@]} -gt 0 ]] || targets=(//...)

tools/setup.sh || exit 1
if [[ -z "${SLIMREEL_MEDIA:-}" && -d ../shared/media ]]; then
  SLIMREEL_MEDIA="$(cd ../shared/media && pwd)"
fi
export SLIMREEL_MEDIA="${SLIMREEL_MEDIA:-}"
# The packages that tests compare SlimReel with (webdataset, safetensors, tensorboard) have their own venv.
tools/parity/setup.sh || echo "test.sh: no .venv_parity; tests that compare with Python packages are skipped" >&2
export SLIMREEL_PARITY_PYTHON="$PWD/.venv_parity/bin/python3"
[[ -x "${SLIMREEL_PARITY_PYTHON}" ]] || SLIMREEL_PARITY_PYTHON=""

events="$(mktemp)"
trap 'rm -f "${events}"' EXIT
status=0
passed=0
failed=0
skipped=0

run_tests() {  # run_tests TAG_FILTERS ARGS...
  local tags="$1" counts code=0
  shift
  : > "${events}"
  # The tags come last, so they override those of a --config.
  bazel test --keep_going --build_tests_only --build_event_json_file="${events}" \
    --test_env=SLIMREEL_MEDIA --test_env=SLIMREEL_PARITY_PYTHON "$@" \
    --test_tag_filters="${tags}" || code=$?
  # Code 4 means "no tests found". That is fine if no given target has the sanitizer's tag.
  if [[ ${code} -eq 4 && "${tags}" != "${filters}" ]]; then return; fi
  [[ ${code} -eq 0 ]] || status=1
  read -r -a counts < <(python3 tools/count_tests.py "${events}")
  passed=$((passed + ${counts[0]:-0}))
  failed=$((failed + ${counts[1]:-1}))
  skipped=$((skipped + ${counts[2]:-0}))
}

tools/format.sh --check || { echo "test.sh: run tools/format.sh" >&2; status=1; }
run_tests "${filters}" "${targets[@]}"
if ${sanitize}; then
  run_tests "sanitize,-benchmark,-long" --config=asan "${targets[@]}"
  run_tests "sanitize,-benchmark,-long" --config=ubsan "${targets[@]}"
  # The real media are left out: they take ten times as long and run the same threads.
  # The path is in quotes, because a colon or a blank would end the value.
  tsan="suppressions='$PWD/tools/tsan_suppressions.txt':halt_on_error=1"
  run_tests "tsan,-benchmark,-long" --config=tsan --test_env=TSAN_OPTIONS="${tsan}" \
    --test_env=SLIMREEL_MEDIA= "${targets[@]}"
fi

# A build that fails before any test runs has no failed case. Count it as one.
if [[ ${status} -ne 0 && ${failed} -eq 0 ]]; then failed=1; fi
echo "${passed} passed, ${failed} failed, ${skipped} skipped"
exit ${status}
