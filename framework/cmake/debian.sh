# Shell functions shared by tests/run.sh and experiments/quickstart.sh; sourced, not run.
# shellcheck shell=bash

# What a build needs, and what the tests need besides. torch apart: it is large, and only comparisons use it.
# shellcheck disable=SC2034  # used by the scripts that source this
STRATA_BUILD_PACKAGES=(g++ cmake ninja-build libtbb-dev libeigen3-dev libboost-program-options-dev libhdf5-dev
  librandom123-dev nlohmann-json3-dev zlib1g-dev dataset-fashion-mnist)
# shellcheck disable=SC2034
STRATA_TEST_PACKAGES=(libboost-test-dev python3 python3-numpy python3-h5py python3-xarray python3-h5netcdf
  python3-netcdf4 python3-matplotlib python3-scipy libbenchmark-dev)
# shellcheck disable=SC2034  # torch runs on slow reference BLAS unless OpenBLAS stands beside it
STRATA_TORCH_PACKAGES=(python3-torch libopenblas0-pthread)

# Everything said here goes to stderr: stdout belongs to the results.
say() { printf '%s\n' "$*" >&2; }
fail() {
  say "${0##*/}: $*"
  exit 1
}

# missing_packages PKG…: those that are not installed, one a line.
missing_packages() {
  local package
  for package in "$@"; do
    if [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
      printf '%s\n' "$package"
    fi
  done
}

# ensure_packages PKG…: installs what is missing, and nothing else.
ensure_packages() {
  local missing=() as_root=()
  command -v dpkg-query >/dev/null ||
    fail "installs packages on Debian only; elsewhere build with cmake yourself (see CONTRIBUTING.md)"
  mapfile -t missing < <(missing_packages "$@")
  if ((${#missing[@]} == 0)); then return 0; fi

  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      fail "packages are missing; as root run: apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing ${#missing[@]} missing packages: ${missing[*]}"
  # `env` because sudo does not pass variables on. Output to stderr, see above.
  if ! { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      "${missing[@]}"; } >&2; then
    fail "could not install packages; try: apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  fi
}

# cpu_count: the cores that this process may use (a container's or taskset's limit counts, the machine's does not).
cpu_count() { nproc; }

# build_jobs: one compiler a core, but no more than memory holds: a file that includes Eigen takes up to 1.5 GB.
build_jobs() {
  local cores kilobytes fitting
  cores=$(cpu_count)
  kilobytes=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo 2>/dev/null || true)
  fitting=$((${kilobytes:-1572864} / 1572864))
  if ((fitting < 1)); then fitting=1; fi
  echo $((cores < fitting ? cores : fitting))
}

# usage_error MESSAGE: one line and exit 2, as the program itself does.
usage_error() {
  say "${0##*/}: $* (see --help)"
  exit 2
}
