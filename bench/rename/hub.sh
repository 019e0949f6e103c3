# One container of a service: run_hub NAME SERVICE TAG. Sourced by the other scripts.
. ../tags.sh
port_of() { case $1 in one) echo 8001 ;; two) echo 8002 ;; three) echo 8003 ;; four) echo 8004 ;; five) echo 8005 ;; esac; }
run_hub() {
  docker run --detach --name "$1" --network bench-rename --restart unless-stopped \
    --env NAME="$2" --env PORT="$(port_of "$2")" --env PREFIX="/$2" --env READY_AFTER=2 "bench-$2:$3" >/dev/null
}
wait_for_hub() {
  until docker exec "$1" python3 -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$(port_of "$2")/$2/api/health', timeout=1)" \
    2>/dev/null; do sleep 0.5; done
}
