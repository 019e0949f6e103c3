#!/bin/sh
set -e
for service in one two three four five; do
  docker tag "bench-$service:production" "bench-$service:rollback"
  docker tag "bench-$service:staging" "bench-$service:production"
done
exec "$(dirname "$0")/switch.sh"
