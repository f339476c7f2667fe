#!/bin/bash
# Builds the image of Containerfile on a base made by debootstrap, runs its root as a container would (PID 1 of namespaces of
# its own), asks the examples, and stops it with SIGTERM. Needs root, buildah, debootstrap, curl, iproute2 and util-linux.
#
#   test/container/run.sh            BASE_CACHE=DIR: where the base is kept between runs (default: in $TMPDIR)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

suite=bookworm
cache=${BASE_CACHE:-${TMPDIR:-/tmp}/hearth-base}
work=$(mktemp -d "${TMPDIR:-/tmp}/hearth-container.XXXXXX")
init=
passed=0 failed=0

say() { printf '%s\n' "$*" >&2; }
check() { # NAME COMMAND...: counts whether the command succeeds
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    say "ok - $name"
  else
    failed=$((failed + 1))
    say "not ok - $name"
  fi
}
store() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }
report() { # what happened, and whether all of it was right
  if [ "$failed" -gt 0 ]; then
    say '--- standard output'
    tail -40 "$work/out" >&2
    say '--- standard error'
    tail -40 "$work/err" >&2
  fi
  say "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}
clean_up() {
  [ -z "$init" ] || kill -KILL "$init" 2>/dev/null || true
  store rm --all >/dev/null 2>&1 || true
  store rmi --all --force >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean_up EXIT

for tool in buildah debootstrap curl ip ss unshare nsenter; do
  command -v $tool >/dev/null || { say "cannot test the container image: $tool is missing"; exit 1; }
done
[ "$(id -u)" = 0 ] || { say 'cannot test the container image: it needs root'; exit 1; }

# The machine's own way to packages: its mirror, its proxy, its certificates. None of it gets into the final image.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m 1 'debian/\?$' || true)
mirror=${mirror:-http://deb.debian.org/debian}
if [ ! -e "$cache/$suite.tar" ]; then
  mkdir -p "$cache"
  debootstrap --variant=minbase "$suite" "$work/base" "$mirror" >"$work/debootstrap.log" 2>&1 ||
    { tail -20 "$work/debootstrap.log" >&2; exit 1; }
  apt-config dump Acquire | grep -E '::(Check-Valid-Until|Check-Date|http::Proxy|https::Proxy) ' \
    >"$work/base/etc/apt/apt.conf.d/90machine" || true
  tar -C "$work/base" -cf "$cache/$suite.tar.new" .
  mv "$cache/$suite.tar.new" "$cache/$suite.tar"
  rm -rf "$work/base"
fi
base=$(store from scratch)
store add --quiet "$base" "$cache/$suite.tar" / >/dev/null
store commit --quiet --rm "$base" hearth-base >/dev/null

arguments=(--build-arg BASE=localhost/hearth-base)
certificates=${NODE_EXTRA_CA_CERTS:-$(npm config get cafile 2>/dev/null || true)}
if [ -f "$certificates" ]; then
  inside=/run/registry-certificates.crt
  arguments+=(--volume "$certificates:$inside:ro" --build-arg "NODE_EXTRA_CA_CERTS=$inside")
fi
registry=$(npm config get registry 2>/dev/null || true)
[ -z "$registry" ] || arguments+=(--build-arg "NPM_CONFIG_REGISTRY=$registry")

say 'building the image'
store bud --isolation chroot --pull-never "${arguments[@]}" -t hearth -f Containerfile . >"$work/build.log" 2>&1 ||
  { tail -40 "$work/build.log" >&2; say 'cannot build the image, see above'; exit 1; }
container=$(store from --pull-never localhost/hearth)
root=$(store mount "$container")

absent() { [ -z "$(find "$root" -path "$1" -print -quit)" ]; }
check 'the image has no compiler' absent '*/bin/*gcc*'
check 'the image has no npm and no packages of npm' absent '*/node_modules'

# Loopback alone, so the ports are its own. A container engine gives /proc and /dev in the same way.
unshare --net --pid --fork --mount --kill-child -- sh -c '
  ip link set lo up
  mount --rbind "$0" "$0" && cd "$0"
  mount -t proc proc proc
  mount -t tmpfs tmpfs run
  mount --rbind /dev dev
  exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    chroot . /usr/lib/hearth/dist/hearth' "$root" >"$work/out" 2>"$work/err" &
outer=$!

# The child of unshare is PID 1 in there.
for _ in $(seq 100); do
  init=$(pgrep -P "$outer" || true)
  [ -n "$init" ] && break
  sleep 0.05
done
inside() { nsenter --target "$init" --net --pid --mount --root --wd -- "$@"; }
get() { nsenter --target "$init" --net -- curl --silent --show-error --fail --max-time 10 "$@"; }
eventually() { # COMMAND...: within 30 s
  local _
  for _ in $(seq 150); do
    "$@" >/dev/null 2>&1 && return
    kill -0 "$outer" 2>/dev/null || break
    sleep 0.2
  done
  "$@"
}
answers() { [ "$(get "http://localhost:$1")" = "$2" ]; }

check 'hearth is PID 1 and ready' eventually inside ctl list-units
[ "$failed" = 0 ] || report
check 'morning answers' eventually answers 8081/ 'Good morning'
check 'evening answers' eventually answers 8082/ 'Good evening'
check 'hello answers behind one port' eventually answers 8080/hello 'Hello'
check 'goodbye answers behind the same' eventually answers 8080/goodbye 'Goodbye'
check 'ctl is-active tells so' inside ctl is-active --quiet morning evening hello goodbye front
check 'their lines are on the standard output, behind their names' grep -q '^morning | listening' "$work/out"

get 'http://localhost:8080/hello?wait=2' >"$work/slow" &
slow=$!
# The request is under way when its connection stands.
under_way() { [ -n "$(nsenter --target "$init" --net -- ss -Htn state established 'sport = :8080')" ]; }
eventually under_way
kill -TERM "$init"
status=0
wait "$outer" || status=$?
init=
check 'it ends with status 0 on SIGTERM' [ "$status" = 0 ]
wait "$slow" || true
check 'the request under way was answered' grep -qx Hello "$work/slow"
report
