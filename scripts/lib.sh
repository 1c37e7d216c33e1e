# shellcheck shell=bash disable=SC2034
# What the scripts here share. Meant to be sourced, with `set -euo pipefail` in force.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${DOORWARD_CACHE:-${HOME:-/root}/.cache/doorward}
netbox_version=4.7.3
netbox_cache=$cache/netbox-$netbox_version
export DOORWARD_CACHE=$cache

# note TEXT: progress, on standard error, so that standard output stays for results.
note() { printf '%s\n' "$*" >&2; }

# fail TEXT: one line, exit 1.
fail() { note "${0##*/}: $*"; exit 1; }

is_debian_root() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

# need NAME… — each NAME is `command:package`. Installs the packages of the commands that are not
# there when that is possible (root on Debian or Ubuntu), else names all of them in one line.
need() {
    local entry packages=()
    for entry in "$@"; do
        has_command "${entry%%:*}" || packages+=("${entry#*:}")
    done
    [ ${#packages[@]} -gt 0 ] || return 0
    is_debian_root || fail "missing on this machine: ${packages[*]} (as root on Debian they are installed for you)"
    note "installing ${packages[*]}"
    apt-get update -qq >&2 || fail "apt-get update failed; install by hand: ${packages[*]}"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2 ||
        fail "apt-get could not install: ${packages[*]}"
}

# PostgreSQL's server programs stand outside PATH on Debian; a path stands for the file itself.
has_command() {
    case $1 in
        initdb) [ -n "$(postgres_bin)" ] ;;
        /*) [ -e "$1" ] ;;
        *) PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null ;;
    esac
}

# The newest directory with PostgreSQL's server programs, or nothing.
postgres_bin() {
    local found
    found=$(find /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -1 || true)
    [ -n "$found" ] || found=$(command -v initdb || true)
    [ -z "$found" ] || dirname "$found"
}

# A loopback port nobody listens on now.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
