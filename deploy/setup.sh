#!/bin/sh
# Makes .venv fit for a purpose: sh deploy/setup.sh local|dev
#
# `local` is the platform with its embedded servers, `dev` that and what checks it. Installs only when a lock
# of the requirements, or the place of the checkout, changed since the last time. Two at once wait for each other.
# PYTHON names the interpreter to build on; pip's own configuration says where packages come from.
set -eu

purpose=${1:?usage: deploy/setup.sh local|dev}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$root"
venv=.venv
stamp=$venv/.installed

say() { printf '%s\n' "setup: $*" >&2; }
fail() { say "$*"; exit 1; }

# Tells the interpreter that $1 rests on: $1 may stand in a virtual environment, even in the one to be made.
base_of() {
    "$1" -c 'import sys; sys.version_info >= (3, 11) and print(sys._base_executable)' 2>/dev/null | grep .
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        base_of "$PYTHON" || fail "PYTHON=$PYTHON is not a working Python 3.11 or newer."
        return
    fi
    for candidate in python3.11 python3 python3.12 python3.13 python3.14 /usr/bin/python3; do
        base_of "$candidate" && return
    done
    fail "Python 3.11 or newer is needed; install it, or name one: make PYTHON=/path/to/python3.11"
}

# Where the environment really is, which is elsewhere when .venv is a link to another checkout's.
place() {
    (CDPATH='' cd -- "$venv" && dirname -- "$(pwd -P)")
}

# What an installation of $1 looks like: it belongs to the locks, each of which holds what the one before it
# lacks, and to its place, where its scripts point.
wanted() {
    printf '%s %s %s\n' "$1" "$(cat requirements/*.txt | cksum)" "$(place)"
}

# `dev` holds everything that `local` does.
is_ready() {
    [ -r "$stamp" ] && "$venv/bin/python" -c '' 2>/dev/null || return 1
    found=$(cat "$stamp")
    [ "$found" = "$(wanted "$purpose")" ] || [ "$found" = "$(wanted dev)" ]
}

# The lock belongs to the open file, not to the process that asks for it: it lasts as long as this script.
take_lock() {
    mkdir -p "$venv" 2>/dev/null || fail "cannot write to $root; make a clone of your own."
    touch "$venv/.lock" 2>/dev/null || fail "$root/$venv belongs to another user; make a clone of your own."
    exec 9>>"$venv/.lock"
    "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
}

stands_here() {
    "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null &&
        { [ ! -e "$stamp" ] || [ "$(cut -d' ' -f4- "$stamp")" = "$(place)" ]; }
}

make_venv() {
    stands_here && return
    say "making $venv with $("$python" --version)"
    find "$venv/" -mindepth 1 -maxdepth 1 ! -name .lock -exec rm -rf {} +
    "$python" -m venv "$venv" >/dev/null 2>&1 ||
        "$python" -m venv --without-pip "$venv" ||
        fail "$python cannot make virtual environments; install its venv module (Debian: python3-venv)."
}

# Some systems package Python without the pip that a virtual environment would get; then the outer one serves.
run_pip() {
    if "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        "$venv/bin/python" -m pip "$@"
    elif "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m pip --python "$venv/bin/python" "$@"
    else
        fail "there is no pip; install one (Debian: python3-venv or python3-pip)."
    fi
}

install_packages() {
    say "installing requirements/$purpose.txt; this takes a minute"
    rm -f "$stamp"
    run_pip install --quiet --quiet --disable-pip-version-check --require-hashes -r "requirements/$purpose.txt" ||
        fail "pip could not install requirements/$purpose.txt; its message stands above."
    wanted "$purpose" >"$stamp.new"
    mv "$stamp.new" "$stamp"
}

[ -r "requirements/$purpose.txt" ] || fail "there is no requirements/$purpose.txt."
is_ready && exit 0
python=$(find_python)
take_lock
is_ready && exit 0
make_venv
install_packages
say "ready"
