#!/bin/sh
# Judges a loader by the conformance suite of Packfile, in any CI that has Python 3.11 or later.
#
#   PACKFILE_LOADER="./my-adapter" sh packfile-conformance.sh
#
# The exit status is 0 if the loader conforms, 1 if not, 2 if the adapter or the command line cannot be used.
#
#   PACKFILE_LOADER      command of the adapter; needed
#   PACKFILE_EXPECT      file of known failures; by default packfile-expect.toml, if there is one
#   PACKFILE_BYTE_ORDER  little, big or mixed; all of them by default
#   PACKFILE_TIMEOUT     seconds for one answer, 10 by default
#   PACKFILE_REPORT      JUnit report to write
#   PACKFILE_SUITE       what pip installs, packfile[suite] by default; pin a version
#   PACKFILE_VENV        where the suite is installed, .packfile-suite by default
#   PYTHON               the interpreter, python3 by default
set -eu

if [ -z "${PACKFILE_LOADER:-}" ]; then
  echo "PACKFILE_LOADER is not set: expected the command of the adapter" >&2
  exit 2
fi
venv=${PACKFILE_VENV:-.packfile-suite}
"${PYTHON:-python3}" -m venv "$venv" || exit 2
"$venv/bin/python" -m pip install -q --disable-pip-version-check -- "${PACKFILE_SUITE:-packfile[suite]}" || exit 2
exec "$venv/bin/packfile-suite" run --prebuilt \
  "--loader=$PACKFILE_LOADER" \
  ${PACKFILE_EXPECT:+"--expect=$PACKFILE_EXPECT"} \
  ${PACKFILE_BYTE_ORDER:+"--byte-order=$PACKFILE_BYTE_ORDER"} \
  ${PACKFILE_TIMEOUT:+"--timeout=$PACKFILE_TIMEOUT"} \
  ${PACKFILE_REPORT:+"--junitxml=$PACKFILE_REPORT"}
