#!/bin/sh
# What promote-production.sh of such a team does: move the tags, let Compose replace the containers; $1 = reload adds
# a reload of nginx, since it resolves names only once.
set -e
cd "$(dirname "$0")"
for service in one two three four five; do
  docker tag "bench-$service:production" "bench-$service:rollback"
  docker tag "bench-$service:staging" "bench-$service:production"
done
docker compose up -d --quiet-pull
[ "$1" != reload ] || docker compose exec -T nginx nginx -c /etc/bench/nginx.conf -s reload
