#!/bin/sh
# What promote-production.sh of such a team does after it moved the tags: Compose replaces the containers; $1 = reload adds
# a reload of nginx, since it resolves names only once.
set -e
docker compose up -d --quiet-pull
[ "$1" != reload ] || docker compose exec -T nginx nginx -c /etc/bench/nginx.conf -s reload
