#!/bin/sh
set -e
cd "$(dirname "$0")"
. ./hub.sh
docker network create bench-rename >/dev/null
for hub in $hubs; do run_hub "bench-$hub" "$hub" production; done
for hub in $hubs; do wait_for_hub "bench-$hub" "$hub"; done
docker run --detach --name bench-rename-nginx --network bench-rename --publish 127.0.0.1:4710:80 \
  --volume "$PWD:/etc/bench:ro" nginx:1.30 nginx -c /etc/bench/nginx.conf -g "daemon off;" >/dev/null
