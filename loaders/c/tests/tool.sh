# Tests of the command: exit statuses, messages, and an adapter that survives what it is given.
# Usage: sh tests/tool.sh PF, from the loader's folder; RUN may hold an emulator.
set -u
pf="${RUN:-} $1"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

check() { # STATUS TEXT COMMAND...: the status, and a text in what is printed
  want=$1; text=$2; shift 2
  got=$("$@" 2>&1); status=$?
  case "$got" in *"$text"*) found=1 ;; *) found=0 ;; esac
  if [ $status -ne "$want" ] || [ $found -ne 1 ]; then
    echo "expected status $want and '$text' of: $*"; echo "got $status: $got"; failed=1
  fi
}

f=tests/files/add.pkf
h=tests/files/hashed.pkf
check 0 "Usage" $pf --help
check 2 "Usage" $pf
check 2 "Usage" $pf nonsense
check 0 "Usage" $pf run --help
check 2 "Usage" $pf run
check 2 "Usage" $pf run --fuel x $f
check 2 "Usage" $pf run --with
check 0 "42" $pf run $f
check 0 "-5" $pf run $f --function add -7 2
check 2 "expected 2 integers" $pf run $f --function add 1
check 2 "expected 2 integers" $pf run $f --function add 1 9999999999999999999999
check 1 "trap: PF-FIX-012" $pf run $f --function scale 1 2.5
check 1 "exhausted: PF-EXE-013" $pf run $f --function spin --fuel 10
check 1 "exhausted: PF-EXE-014" $pf run $f --function add --depth 0 1 2
check 2 "io-error" $pf run "$dir/absent"
check 0 "alignment unit  4096" $pf info $f
check 1 "invalid: PF-CODE-001" $pf verify $f
check 2 "io-error" $pf verify "$dir"

check 0 "digest root     3dee" $pf info $h
check 0 "checked 3 blocks, 1 nodes" $pf run $h --function second --stats
check 0 "ok" $pf verify $h
cp $h "$dir/bad.pkf"
printf X | dd of="$dir/bad.pkf" bs=1 seek=12288 conv=notrunc 2>/dev/null
check 0 "97" $pf run "$dir/bad.pkf" --function first
check 1 "bad.pkf:0x3000: corrupt: PF-INT-003" $pf run "$dir/bad.pkf" --function second
check 0 "88" $pf run --no-digests "$dir/bad.pkf" --function second
check 1 "bad.pkf:0x3000: corrupt: PF-INT-003" $pf verify "$dir/bad.pkf"

head -c 4200 $f > "$dir/short.pkf"
check 1 "short.pkf:0x10: malformed: PF-HDR-008" $pf verify "$dir/short.pkf"
: > "$dir/empty.pkf"
check 1 "malformed: PF-HDR-001" $pf info "$dir/empty.pkf"

# The adapter: broken lines, and a file that is cut short between two calls.
cp $f "$dir/cut.pkf"
request() { printf '{"id": %d, "command": "call", "process": 0, "module": "main", "function": "add", "i": ["1", "2"], "n": [], "fuel": "9", "depth": "9"}\n' "$1"; }
{
  printf '{"id": 1, "command": "hello"}\n'
  printf 'rubbish\n[1]\n{"id": 7}\n{"id": 8, "command": "dance"}\n{"id": 9, "command": "open", "path": "/nowhere\\u0000"}\n'
  printf '{"id": 10, "command": "open", "path": "\\ud800"}\n'
  printf '{"id": 11, "command": "open", "path": "%s"}\n' "$dir/cut.pkf"
  printf '{"id": 12, "command": "link", "modules": [{"name": "main", "image": 0}]}\n'
  request 13
  sleep 1
  request 14
  printf '{"id": 15, "command": "open", "path": "%s"}\n' "$f"
  printf '{"id": 16, "command": "audit", "image": 0}\n'
} | $pf adapter > "$dir/replies" &
job=$!
k=0
while ! grep -q '"id": 13' "$dir/replies" 2>/dev/null && [ $k -lt 50 ]; do sleep 0.1; k=$((k + 1)); done
# Not under an emulator: qemu-user 7.2 for s390x gives a wrong address with SIGBUS.
lost='"outcome": "malformed"'
if [ -z "${RUN:-}" ]; then truncate -s 4096 "$dir/cut.pkf"; else lost='"outcome"'; fi
wait $job || { echo "the adapter ended with $?"; failed=1; }
answer() { check 0 "$2" grep "\"id\": $1," "$dir/replies"; }
answer 1 '"name": "packfile-c"'
answer 0 'bad-request'
answer 7 'bad-request'
answer 8 'unsupported-command'
answer 9 'bad-request'
answer 10 'bad-request'
answer 11 '"image": 0'
answer 13 '"i": ["3"]'
answer 14 "$lost"
answer 15 '"outcome": "ok"'
answer 16 "$lost"

[ $failed -eq 0 ] && echo "the command does what it says"
exit $failed
