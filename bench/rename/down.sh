#!/bin/sh
docker rm --force bench-rename-nginx $(docker ps --all --quiet --filter network=bench-rename) >/dev/null 2>&1
docker network rm bench-rename >/dev/null
