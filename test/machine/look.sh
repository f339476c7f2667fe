#!/bin/sh
# Runs on the machine under test: looks around, tells on the console what is right, and begins the end.
exec >/dev/console 2>&1

try() { # NAME COMMAND...
  name=$1
  shift
  if said=$("$@" 2>&1); then
    echo "MARK ok $name"
  else
    echo "MARK failed $name: $said"
  fi
}
mounted() { # TARGET TYPE
  found=$(awk -v target="$1" '$2 == target { type = $3 } END { print type }' /proc/mounts)
  echo "its type is '$found'"
  [ "$found" = "$2" ]
}
is() { # EXPECTED COMMAND...
  expected=$1
  shift
  found=$("$@")
  echo "it is '$found'"
  [ "$found" = "$expected" ]
}
adopts() { # an orphan goes to PID 1, and does not stay as a zombie
  orphan=$(sh -c 'sleep 0.5 >/dev/null & echo $!')
  is 1 awk '{ print $4 }' "/proc/$orphan/stat" || return
  for _ in $(seq 100); do
    [ -e "/proc/$orphan" ] || return 0
    usleep 100000
  done
  grep State "/proc/$orphan/status"
  return 1
}
ready() { # ctl is answered, once booting is done
  for _ in $(seq 100); do
    ctl list-units && return
    usleep 100000
  done
  return 1
}
has_id() {
  id=$(cat /etc/machine-id) || return
  echo "the id is '$id'"
  [ "${#id}" = 32 ] && [ -z "$(echo "$id" | tr -d 0-9a-f)" ]
}
holds() { # FILE EXPECTED: in the cgroup of limited.service
  is "$2" cat "/sys/fs/cgroup$(ctl show limited.service -p ControlGroup --value)/$1"
}
file_of() { # UNIT FILE: what it says in the unit's cgroup
  cat "/sys/fs/cgroup$(ctl show "$1" -p ControlGroup --value)/$2"
}
both() { # EXPECTED FILE FILE: of more.service
  is "$1" echo "$(file_of more.service "$2")" "$(file_of more.service "$3")"
}
is_in() { # WORD COMMAND...
  word=$1
  shift
  "$@" | tr ' ' '\n' | grep -qx "$word"
}
not_there() { # UNIT FILE
  [ ! -e "/sys/fs/cgroup$(ctl show "$1" -p ControlGroup --value)/$2" ]
}
startup_is_over() { # the Startup…= settings have made way
  for _ in $(seq 100); do
    [ "$(file_of more.service cpu.weight)" = 70 ] && return
    usleep 100000
  done
  file_of more.service cpu.weight
  return 1
}
runs_out_of_memory() {
  ctl start hog.service
  for _ in $(seq 100); do
    result=$(ctl show hog.service -p Result --value)
    [ "$result" = oom-kill ] && return
    usleep 100000
  done
  ctl status hog.service
  return 1
}

all_enforced() {
  found=$(ctl fidelity --all "$1")
  echo "$found"
  ! echo "$found" | grep -Eq 'ignored|unsupported'
}
has_no_profile() {
  ctl start profile.service
  is 231 ctl show profile.service -p ExecMainStatus --value
}
comes_late() {
  ctl start late.service &
  waits=$!
  usleep 300000
  mknod /dev/late c 1 3
  wait $waits && is active ctl is-active late.service
}

echo 'MARK look starts'
try 'hearth is PID 1' grep -q hearth /proc/1/cmdline
try '/proc is mounted' mounted /proc proc
try '/sys is mounted' mounted /sys sysfs
try '/dev is mounted' mounted /dev devtmpfs
try '/dev/pts is mounted' mounted /dev/pts devpts
try '/dev/shm is mounted' mounted /dev/shm tmpfs
try '/run is mounted' mounted /run tmpfs
try '/sys/fs/cgroup is mounted' mounted /sys/fs/cgroup cgroup2
try '/dev has fd, stdin, stdout and stderr' ls -d /dev/fd/0 /dev/stdin /dev/stdout /dev/stderr
try 'the host has the name of /etc/hostname' is under-test hostname
try 'the machine has an id' has_id
try 'loopback is up' ping -c 1 -W 5 127.0.0.1
try 'Ctrl-Alt-Del is left to PID 1' is 0 cat /proc/sys/kernel/ctrl-alt-del
try 'a service may open as many files as systemd lets it' is 524288 sh -c 'ulimit -Hn'
try 'a service has a cgroup of its own' grep -q look.service /proc/self/cgroup
try 'a service of another user runs' is nobody cat /run/nobody/name
try 'ctl is answered' ready
try 'ctl shows what has started' is active ctl is-active second.service
try 'ctl starts and stops' sh -c 'ctl start spare.service && ctl stop spare.service'
try 'ctl shows the lines of a service' sh -c 'ctl logs second.service | grep -q "second is up"'
try 'a limit of memory is in the cgroup' holds memory.max 67108864
try 'a limit of tasks is in the cgroup' holds pids.max 20
try 'a quota of the processor is in the cgroup' holds cpu.max '50000 100000'
try 'a weight is in the cgroup' holds cpu.weight 50
try 'the processors are in the cgroup' holds cpuset.cpus 0
try 'the limits of a slice hold around it' holds ../../pids.max 100
try 'what a slice says for its units is in their cgroups' both '1048576 2097152' memory.min memory.low
try 'memory is held back and not swapped' both '52428800 0' memory.high memory.swap.max
try 'a quota has its own period' is '10000 50000' file_of more.service cpu.max
try 'the memory nodes are in the cgroup' is 0 file_of more.service cpuset.mems
try 'a delegated controller can be used below' is_in pids file_of more.service cgroup.controllers
try 'the weight of the boot has made way' startup_is_over
try 'a controller that a slice disables is not there' not_there less.service memory.max
try 'another controller is' is 7 file_of less.service pids.max
try 'a limit is shown' is 67108864 ctl show limited.service -p MemoryMax --value
try 'every directive of the limited unit is enforced' ctl fidelity limited.service
try 'a service that takes too much memory has failed with oom-kill' runs_out_of_memory
try 'a service is held to devices, addresses and processes of its own' ctl start held.service
try 'every directive of the held unit is enforced' all_enforced held.service
try 'a profile of AppArmor that is not loaded fails the start' has_no_profile
try 'a device that comes late is waited for' comes_late
try 'orphans are adopted and reaped' adopts
echo 'MARK look ends'
case $LOOK_END in
  poweroff | reboot) ctl "$LOOK_END" ;;
  signal) kill -38 1 ;; # SIGRTMIN+4
  keyboard) echo 'MARK waiting for Ctrl-Alt-Del' ;;
esac
