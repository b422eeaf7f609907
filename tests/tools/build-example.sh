#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# build-example.sh DIR - the example policy module as a user builds it: DIR/stride.so,
# from a copy of its sources and the headers that `make install` puts into DIR/root.
set -euo pipefail
mkdir -p "$1"
dir=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
make install DESTDIR="$dir/root" PREFIX=/usr
cp sched/modules/stride/* "$dir/"
make -C "$dir" PREFIX="$dir/root/usr"
