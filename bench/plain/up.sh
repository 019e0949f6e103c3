#!/bin/sh
set -e
cd "$(dirname "$0")"
docker compose up --detach --wait
docker compose exec -T nginx nginx -c /etc/bench/nginx.conf -s reload
