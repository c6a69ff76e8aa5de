# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# ./dev deps: Debian 12's packages of the C++ libraries, unpacked into .deps/, for a machine that
# cannot install packages: copy .deps/ to the repository there. Sourced by ./dev.

readonly deps_packages=(
  nlohmann-json3-dev catch2
  libspdlog-dev libspdlog1.10 libfmt-dev libfmt9
  libcpp-httplib-dev libcpp-httplib0.11 libbrotli-dev libbrotli1
  libsqlite3-dev libsqlite3-0 zlib1g-dev zlib1g
  libssl-dev libssl3
)

download_into() {
  local folder=$1
  shift
  cd "$folder" && apt-get -q -o APT::Sandbox::User=root download "$@"
}

make_deps() {
  local deps=$root/.deps package libraries name target
  if ! grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; then
    die "./dev deps needs Debian 12 and its package registry: run it there and copy .deps/ here."
  fi
  work=$(mktemp -d "$root/.deps-XXXXXX") # not local: the trap outlives this function
  trap 'rm -rf "$work"' EXIT
  chmod 755 "$work"
  mkdir -p "$work/packages" "$work/tree"
  if ! apt-cache show "${deps_packages[@]}" >/dev/null 2>&1; then
    with_progress "apt" "$root/build/deps-apt.log" as_root apt-get -q update
  fi
  with_progress "downloading ${#deps_packages[@]} packages" "$root/build/deps-download.log" \
    download_into "$work/packages" "${deps_packages[@]}" ||
    die "the packages could not be downloaded: see build/deps-download.log"
  say "$(du -sh "$work/packages" | cut -f 1) packed"
  for package in "$work/packages"/*.deb; do dpkg -x "$package" "$work/tree"; done

  # Headers and shared libraries are all that a build needs.
  rm -rf "$work/tree"/usr/share "$work/tree"/usr/bin "$work/tree"/etc "$work/tree"/usr/lib/cmake
  find "$work/tree" -name '*.a' -delete
  libraries=$work/tree/usr/lib/x86_64-linux-gnu
  # zlib's runtime lies in /lib, and its development link is absolute: bring them together.
  if [ -d "$work/tree/lib/x86_64-linux-gnu" ]; then
    cp -a "$work/tree/lib/x86_64-linux-gnu/." "$libraries/"
    rm -rf "$work/tree/lib"
  fi
  for name in "$libraries"/*.so; do
    target=$(readlink "$name" || true)
    case $target in /*) ln -sfn "$(basename "$target")" "$name" ;; esac
  done
  # A system's own OpenSSL is preferred to this one, so it must not lie beside the others.
  mkdir -p "$work/tree/openssl"
  mv "$libraries"/libssl.so.3 "$libraries"/libcrypto.so.3 "$work/tree/openssl/"
  rm -rf "$libraries"/libssl.so "$libraries"/libcrypto.so "$libraries"/engines-3 "$libraries"/ossl-modules

  find "$work/packages" -name '*.deb' -printf '%f\n' | sort >"$work/tree/packages.txt"
  rm -rf "$libraries/cmake" "$deps"
  mv "$work/tree" "$deps"
  say ".deps/ is ready: $(du -sh "$deps" | cut -f 1) unpacked"
}
