#!/bin/sh
set -e
cd "$(dirname "$0")"
. ../tags.sh
forward
exec ./switch.sh "$@"
