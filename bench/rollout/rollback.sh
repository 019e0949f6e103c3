#!/bin/sh
set -e
cd "$(dirname "$0")"
. ../tags.sh
back
exec ./switch.sh "$@"
