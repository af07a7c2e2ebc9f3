#!/bin/bash
# Sets up an instance of a built-in template, one step per call, and reports the outcome: see catalogue.rs.
export DEBIAN_FRONTEND=noninteractive
marker=/var/lib/prism/setup.json
log=/var/lib/prism/step.log
tries=5
pause_s=20

# The value of a field of the marker. No value contains a quotation mark or a backslash.
field() {
  sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$marker"
}

# The end of a text as one line of printable ASCII.
line() {
  tr -c ' -~' ' ' | tr -d '"\\' | tr -s ' ' | tail -c "$1"
}

# tell STATE [STEP OUTPUT]: records the outcome, and shows it on the serial console.
tell() {
  local step output
  step=$(printf %s "${2-}" | head -c 100 | line 100)
  output=$(printf %s "${3-}" | line 400)
  printf '{"state":"%s","step":"%s","output":"%s","instance_id":"%s","boot_id":"%s","at":"%s"}\n' \
    "$1" "$step" "$output" "$(cat /var/lib/cloud/data/instance-id)" \
    "$(cat /proc/sys/kernel/random/boot_id)" "$(date -u +%FT%TZ)" >"$marker.new"
  mv -f "$marker.new" "$marker"
  printf '\r\nprism-setup: %s\r\n' "$1${2:+: $step: $output}" >/dev/console
  [ "$1" != failed ]
}

# run COMMAND...: runs a step, as root or with $as, unless an earlier one has failed. It is tried several times,
# because a mirror can be slow and apt locked at the first boot.
as=
run() {
  local try
  [ "$(field state)" = preparing ] || return 1
  for ((try = 1; try <= tries; try++)); do
    ((try == 1)) || sleep $((pause_s << (try - 2)))
    timeout 1200 $as "$@" 2>&1 | tee "$log"
    ((PIPESTATUS[0] == 0)) && return
  done
  tell failed "$*" "$(tail -n 5 "$log")"
}

answers() {
  python3 -c 'import http.client as h
c = h.HTTPConnection("127.0.0.1", 8888, timeout=5)
c.request("GET", "/api")
exit(c.getresponse().status != 200)' 2>/dev/null
}

# Ready is only what answers. The outcome does not quote the server's log, which can name the user's files.
ready() {
  local try
  for ((try = 1; try <= 60; try++)); do
    if answers; then
      tell ready
      return
    fi
    sleep 2
  done
  tell failed prism-notebook "no answer on 127.0.0.1:8888; see: journalctl -u prism-notebook"
}

case $1 in
  begin)
    mkdir -p "${marker%/*}"
    tell preparing
    systemctl enable prism-setup
    ;;
  run) shift && run "$@" ;;
  own)
    as="sudo -H -u ubuntu"
    shift && run "$@"
    ;;
  finish) [ "$(field state)" = preparing ] && ready ;;
  # At a later boot: of the same instance, or of one that was launched from a template saved from it.
  report)
    case $(field state) in
      ready) ready ;;
      preparing) tell failed setup "a restart interrupted it" ;;
      *) tell failed "$(field step)" "$(field output)" ;;
    esac
    ;;
esac
