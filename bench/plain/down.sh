#!/bin/sh
cd "$(dirname "$0")" && docker compose down --timeout 2
