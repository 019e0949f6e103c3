#!/bin/sh
cd "$(dirname "$0")" && docker compose up --detach --wait
