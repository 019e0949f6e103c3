#!/bin/sh
# Rolling by scaling, service by service: a second container of the new image, wait until it is healthy, stop the first.
set -e
cd "$(dirname "$0")"
. ../tags.sh
for hub in $hubs; do
  old=$(docker compose ps --quiet "$hub")
  docker compose up --detach --no-deps --no-recreate --scale "$hub=2" "$hub"
  new=$(docker compose ps --quiet "$hub" | grep -v "$old")
  until [ "$(docker inspect --format '{{.State.Health.Status}}' "$new")" = healthy ]; do sleep 0.5; done
  docker stop "$old" >/dev/null
  docker rm "$old" >/dev/null
done
