#!/usr/bin/env bash
# Bring this checkout to a server over ssh and start it there, or go back to the release before.
#
# The code alone travels: never a home directory, a .env, a journal or a tape. On the server:
#   ROOT/releases/STAMP   a release with an environment of its own, the last three are kept
#   ROOT/current          which of them runs, switched in one step
#   HOME                  settings, journal, keys: made once, never overwritten
set -euo pipefail
shopt -s inherit_errexit

usage() {
    cat <<'TEXT'
usage: deploy/deploy.sh [USER@]HOST [--dry-run] [--rollback] [options]

  --dry-run           show what would be sent and done, change nothing
  --rollback          go back to the release before, without sending anything
  --root DIR          where releases go                  (/opt/market-bot)
  --home DIR          the bot's home directory           (/var/lib/market-bot)
  --run-as USER       who runs the bot; made if missing  (market-bot)
  --service NAME      name of the systemd service        (market-bot)
  --unit-dir DIR      where its unit file goes           (/etc/systemd/system)
  --python NAME       python 3.11 or newer on the server (python3)
  --ssh-config FILE   passed to ssh as -F
  --wait SECONDS      how long a start may take          (120)
TEXT
}

fail() {
    printf 'deploy: %s\n' "$*" >&2
    exit 1
}

wrong() {
    printf 'deploy: %s\n' "$*" >&2
    usage >&2
    exit 2
}

target='' dry_run='' rollback='' ssh_config=''
root=/opt/market-bot home=/var/lib/market-bot run_as=market-bot service=market-bot
unit_dir=/etc/systemd/system python=python3 wait_s=120
while (($#)); do
    case $1 in
    --dry-run) dry_run=yes ;;
    --rollback) rollback=yes ;;
    -h | --help) usage && exit 0 ;;
    --root | --home | --run-as | --service | --unit-dir | --python | --ssh-config | --wait)
        (($# > 1)) || wrong "$1 needs a value"
        case $1 in
        --root) root=$2 ;;
        --home) home=$2 ;;
        --run-as) run_as=$2 ;;
        --service) service=$2 ;;
        --unit-dir) unit_dir=$2 ;;
        --python) python=$2 ;;
        --ssh-config) ssh_config=$2 ;;
        --wait) wait_s=$2 ;;
        esac
        shift
        ;;
    -*) wrong "$1 is no option" ;;
    *)
        [[ -z $target ]] || wrong "one server at a time: $target or $1?"
        target=$1
        ;;
    esac
    shift
done
[[ -n $target ]] || wrong 'name a server: deploy/deploy.sh USER@HOST'
[[ -z $dry_run || -z $rollback ]] || wrong '--dry-run shows a release; a rollback sends nothing'
# These become part of commands and of a unit file: nothing that a shell or systemd would read.
[[ $target =~ ^[A-Za-z0-9_.@:-]+$ && $target != -* ]] || wrong "$target is no server"
for path in "$root" "$home" "$unit_dir"; do
    [[ $path =~ ^/[A-Za-z0-9_./-]+$ ]] || wrong "$path: an absolute path of plain characters"
done
for word in "$run_as" "$service"; do
    [[ $word =~ ^[A-Za-z_][A-Za-z0-9_-]*$ ]] || wrong "$word: letters, digits, _ and - only"
done
[[ $python =~ ^[A-Za-z0-9_./-]+$ ]] || wrong "$python is no program"
[[ $wait_s =~ ^[0-9]+$ ]] || wrong "--wait $wait_s: whole seconds"
case $home/ in
"$root"/*) wrong "--home $home lies within --root $root: releases come and go there" ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."
for needed in requirements.lock pyproject.toml src/market_bot deploy/market-bot.service; do
    [[ -e $needed ]] || fail "$PWD: $needed is missing: run this from a whole checkout"
done
for tool in ssh rsync; do
    command -v "$tool" >/dev/null || fail "$tool is not installed here"
done

ssh_words=(ssh -o BatchMode=yes)
[[ -z $ssh_config ]] || ssh_words+=(-F "$ssh_config")

# Runs the script on standard input there, as root, with the settings as variables.
remote() {
    # shellcheck disable=SC2016 # expanded there
    {
        printf 'set -euo pipefail\n'
        printf '%s=%q\n' root "$root" home "$home" run_as "$run_as" service "$service" \
            unit_dir "$unit_dir" python "$python" wait_s "$wait_s" "$@"
        cat deploy/on_server.sh -
    } | "${ssh_words[@]}" "$target" 'if [ "$(id -u)" -eq 0 ]; then exec bash -s; else exec sudo -n bash -s; fi'
}

if [[ -n $rollback ]]; then
    remote <<<'go_back'
    exit 0
fi

commit=$(git rev-parse --short=12 HEAD 2>/dev/null || printf 'no-git')
[[ -z $(git status --porcelain --untracked-files=no 2>/dev/null) ]] || commit+=-changed
release=$(date -u +%Y%m%dT%H%M%SZ)-$commit

# A list of what goes, not of what stays: a new file with a secret in it is not on it.
contents=(src pyproject.toml requirements.lock README.md LICENSE deploy)
rsync_words=(rsync --archive --no-owner --no-group "--chmod=D755,F644" --compress --delete
    --exclude=__pycache__ --exclude='*.pyc' --exclude='.env*' --exclude='*.jsonl*'
    --rsh="${ssh_words[*]}")

if [[ -n $dry_run ]]; then
    printf 'would send release %s to %s:%s:\n' "$release" "$target" "$root/releases"
    "${rsync_words[@]}" --dry-run --itemize-changes "${contents[@]}" "$target:/tmp/market-bot-dry-run/" |
        sed -n 's/^<f[^ ]* /  /p'
    printf 'would install %s, switch %s/current and restart %s\n' \
        "$unit_dir/$service.service" "$root" "$service"
    remote <<<'show_state'
    exit 0
fi

incoming=$(remote release "$release" <<<'prepare')
incoming=${incoming##*$'\n'}
[[ $incoming == /tmp/market-bot.* ]] ||
    fail "the server named no folder to send to, but: $incoming"
"${rsync_words[@]}" "${contents[@]}" "$target:$incoming/"
remote release "$release" incoming "$incoming" <<<'install_release'
