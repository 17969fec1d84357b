#!/usr/bin/env bash
# Can the tests fail? Each patch here is a bug that would cost somebody money. This applies one after the other to a copy of
# the repository, runs the tests on it, and prints which of them see it.
#
#   tests/bugs/run.sh [--quick | --binary] [NUMBER...]
#
# A bug is caught when a test fails. Tests run until the first one does: the unit tests, then the tests that the patch names
# ("Look first"), then all others. --quick leaves out the others, --binary the unit tests.
# Not caught are also a patch that does not apply any more and one that does not build. Then the script exits with 1.
#
# The work tree is only read. The copy and its build stay in target/bugs (REKON_BUGS_IN names another place), so that the
# next bug, and the next call, build little.
set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
place=${REKON_BUGS_IN:-$repository/target/bugs}
most_seconds=${REKON_BUGS_SECONDS:-1200} # for one call of the tests; a bug may make them wait for ever

quick= binary= numbers=
for argument in "$@"; do
  case $argument in
    --quick) quick=yes ;;
    --binary) binary=yes ;;
    *[!0-9]* | '')
      sed -n '5p' "$0" >&2
      exit 2
      ;;
    *) numbers+=" $((10#$argument)) " ;;
  esac
done

mkdir -p "$place"
exec 9>"$place/lock"
flock -n 9 || {
  echo "$place is in use" >&2
  exit 2
}

# Without -m the copies would be as old as their originals, and a build of a bug would pass for a build of them.
copy=$place/source log=$place/log
rm -rf "$copy" && mkdir -p "$copy"
(cd "$repository" && git ls-files -z --cached --others --exclude-standard | tar -c --null -T -) | tar -x -m -C "$copy"
cd "$copy"
export CARGO_TARGET_DIR=$place/target CARGO_TERM_COLOR=never TMPDIR=$place/tmp
# The copy is no repository, and what lies above it is none of its own.
export GIT_CEILING_DIRECTORIES=$place
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
set -m # a process group for each call of the tests, so that all of it can be ended
group=
trap '[ -z "$group" ] || kill -TERM -- "-$group" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

# Runs tests until the first one fails. Leaves in $seen who failed; empty if nobody did.
try() {
  rm -rf "$TMPDIR" && mkdir -p "$TMPDIR"
  local code=0
  timeout --kill-after=10 "$most_seconds" cargo test --locked "$@" >"$log" 2>&1 9>&- &
  group=$!
  until grep -q '^test .* FAILED$' "$log" || ! kill -0 "$group" 2>/dev/null; do sleep 1; done
  if kill -0 "$group" 2>/dev/null; then
    sleep 1 # for those that fail with it
    kill -TERM -- "-$group" 2>/dev/null || true
  fi
  wait "$group" 2>/dev/null || code=$?
  group=
  seen=$(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$log" | head -n 2 | paste -sd' ')
  if [ -z "$seen" ] && [ "$code" -ne 0 ]; then
    if grep -q '^error: could not compile' "$log"; then
      seen='DOES NOT BUILD'
    elif [ "$code" -eq 124 ] || [ "$code" -eq 137 ]; then
      seen='(no end)'
    else
      seen="(ended with $code)"
    fi
  fi
}

# Leaves in $seen which tests see the bug that is applied now.
look() {
  seen=
  # These look at the text of the program, and would see any change.
  local others=(--skip layers:: --skip bugs:: --skip readme:: --test-threads 2)
  if [ -z "$binary" ]; then
    try --lib
    [ -z "$seen" ] || return 0
  fi
  if [ -n "$1" ]; then
    # shellcheck disable=SC2086 # several names
    try --test rekon -- $1 "${others[@]}"
    [ -z "$seen" ] || return 0
  fi
  [ -n "$quick" ] || try --test rekon -- "${others[@]}"
}

printf '%-46s %7s  %s\n' bug seconds 'caught by'
count=0 caught=0
for patch in tests/bugs/*.patch; do
  name=$(basename "$patch" .patch)
  if [ -n "$numbers" ] && [[ $numbers != *" $((10#${name%%-*})) "* ]]; then continue; fi
  began=$SECONDS
  if git apply "$patch" 2>"$log"; then
    look "$(sed -n 's/^Look first: *//p' "$patch")"
    git apply --reverse "$patch"
  else
    seen='DOES NOT APPLY'
  fi
  count=$((count + 1))
  case $seen in
    'DOES NOT'*) ;;
    '') seen='NOT CAUGHT' ;;
    *) caught=$((caught + 1)) ;;
  esac
  [[ $seen != 'DOES NOT'* && $seen != 'NOT'* && $seen != '('* ]] || cp "$log" "$place/$name.log"
  printf '%-46s %7s  %s\n' "$name" "$((SECONDS - began))" "$seen"
done
echo "$caught of $count caught"
[ "$caught" -eq "$count" ]
