# What such teams' scripts do with image tags. Sourced by promote.sh and rollback.sh of each side.
hubs="one two three four five"
forward() {
  for hub in $hubs; do
    docker tag "bench-$hub:production" "bench-$hub:rollback"
    docker tag "bench-$hub:staging" "bench-$hub:production"
  done
}
back() { for hub in $hubs; do docker tag "bench-$hub:rollback" "bench-$hub:production"; done; }
