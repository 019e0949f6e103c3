#!/bin/sh
# Blue/green by renaming, as such scripts do it, service by service: the new container takes the old one's name, nginx is
# reloaded since it resolves names only once, the old container is stopped.
set -e
cd "$(dirname "$0")"
. ./hub.sh
for hub in $hubs; do
  run_hub "bench-$hub-new" "$hub" production
  wait_for_hub "bench-$hub-new" "$hub"
  docker rename "bench-$hub" "bench-$hub-old"
  docker rename "bench-$hub-new" "bench-$hub"
  docker exec bench-rename-nginx nginx -t -q -c /etc/bench/nginx.conf
  docker exec bench-rename-nginx nginx -c /etc/bench/nginx.conf -s reload
  docker stop "bench-$hub-old" >/dev/null
  docker rm "bench-$hub-old" >/dev/null
done
