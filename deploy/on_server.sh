# shellcheck shell=bash
# What deploy.sh has done on the server, as root. The settings come before this text, and the name
# of one of the functions after it.
: "${root:?}" "${home:?}" "${run_as:?}" "${service:?}" "${unit_dir:?}" "${python:?}" "${wait_s:?}"
: "${release:=}" "${incoming:=}"
kept=3

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "deploy: $*"
    exit 1
}

current() { readlink "$root/current" 2>/dev/null | sed 's|.*/||' || true; }

# Releases that were installed to their end, oldest first.
complete() {
    local one
    for one in "$root"/releases/*/; do
        [[ -e $one/.complete ]] && basename "$one"
    done
    return 0
}

show_state() {
    say "there: $(complete | tr '\n' ' ')running: $(current)"
}

# Says where the files may be sent: to a folder of whoever logged in.
prepare() {
    command -v "$python" >/dev/null || fail "$python is not installed there"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$python there is older than 3.11: name another with --python"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || fail 'python3-venv is missing there'
    command -v rsync >/dev/null || fail 'rsync is not installed there'
    local folder
    folder=$(mktemp -d /tmp/market-bot.XXXXXXXX)
    if [[ -n ${SUDO_UID:-} ]]; then chown "$SUDO_UID" "$folder"; fi
    printf '%s\n' "$folder"
}

install_release() {
    local place=$root/releases/$release before
    before=$(current)
    make_user_and_home
    mkdir -p "$root/releases"
    [[ ! -e $place ]] || fail "$place is there already"
    mv "$incoming" "$place"
    chown -R root:root "$place" 2>/dev/null || true
    chmod 755 "$place"
    build "$place" || { rm -rf "$place" && fail 'the environment could not be made: nothing was changed'; }
    : >"$place/.complete"
    show_new_defaults "$before"
    install_unit "$place"
    switch_to "$release"
    if restart_and_check; then
        prune
        say "release $release runs"
        return
    fi
    last_words
    [[ -n $before ]] || fail "release $release does not start, and there is none before it"
    say "release $release is not well: going back to $before"
    install_unit "$root/releases/$before"
    switch_to "$before"
    restart_and_check || fail "release $before is not well either: look at journalctl -u $service"
    fail "went back to $before; $release stays at $place for you to look at"
}

go_back() {
    local now before
    now=$(current)
    before=$(complete | sed "/^$now\$/,\$d" | tail -n 1)
    [[ -n $before ]] || fail "there is no release before ${now:-the first}"
    say "going back from $now to $before"
    install_unit "$root/releases/$before"
    switch_to "$before"
    restart_and_check || { last_words && fail "release $before is not well: look at journalctl -u $service"; }
    say "release $before runs"
}

make_user_and_home() {
    id "$run_as" >/dev/null 2>&1 ||
        useradd --system --home-dir "$home" --no-create-home --shell /usr/sbin/nologin "$run_as"
    if [[ ! -d $home ]]; then
        mkdir -p "$home"
        chown "$run_as:" "$home"
        chmod 700 "$home"
    fi
    if [[ ! -e $root/service.env ]]; then
        mkdir -p "$root"
        printf '%s\n' '# What the bot trades: options of "market-bot run", such as --venue kalshi' \
            'MARKET_BOT_ARGS=' >"$root/service.env"
    fi
}

# Every package by the hash in the lock file; the project itself without any network.
build() (
    cd "$1" || exit
    "$python" -m venv .venv &&
        .venv/bin/python -m pip install -q --disable-pip-version-check \
            --require-hashes --no-deps -r requirements.lock &&
        .venv/bin/python -m pip install -q --disable-pip-version-check \
            --no-deps --no-build-isolation --no-index -e . &&
        .venv/bin/python -m compileall -q src &&
        .venv/bin/market-bot --version >/dev/null
)

show_new_defaults() {
    local before=$1 defaults=src/market_bot/config/defaults
    [[ -n $before ]] || return 0
    if ! diff -ru --exclude=__pycache__ --exclude='*.py' \
        "$root/releases/$before/$defaults" "$root/releases/$release/$defaults" >&2; then
        say "the defaults above changed with this release; your settings in $home/config did not:"
        say 'take over what you want by hand'
    fi
}

install_unit() {
    local unit=$unit_dir/$service.service text
    text=$(sed -e "s|@ROOT@|$root|g" -e "s|@HOME@|$home|g" -e "s|@USER@|$run_as|g" \
        -e "s|@NAME@|$service|g" "$1/deploy/market-bot.service")
    [[ $(cat "$unit" 2>/dev/null || true) != "$text" ]] || return 0
    printf '%s\n' "$text" >"$unit.new"
    mv "$unit.new" "$unit"
    systemctl daemon-reload
    systemctl enable --quiet "$service"
}

switch_to() {
    ln -s "releases/$1" "$root/current.new.$$"
    mv -T "$root/current.new.$$" "$root/current"
}

# Well is: started to its end, still there, and answering with the version that should run.
restart_and_check() {
    local waited=0 wanted
    wanted=$("$root/current/.venv/bin/market-bot" --version)
    systemctl restart "$service" || return 1
    while ((waited < wait_s)); do
        if systemctl is-active --quiet "$service" && well "$wanted"; then return 0; fi
        systemctl is-failed --quiet "$service" && return 1
        sleep 1
        waited=$((waited + 1))
    done
    return 1
}

well() {
    runuser -u "$run_as" -- "$root/current/.venv/bin/market-bot" status --home "$home" --json 2>/dev/null |
        grep -q "\"version\": *\"$1\""
}

last_words() { journalctl --unit "$service" --lines 20 --no-pager >&2 2>/dev/null || true; }

# The last three that were complete, and whatever runs.
prune() {
    local one keep
    keep=$(complete | tail -n "$kept")
    for one in "$root"/releases/*/; do
        one=$(basename "$one")
        grep -qxF "$one" <<<"$keep" || [[ $one == "$(current)" ]] || rm -rf "${root:?}/releases/$one"
    done
}

