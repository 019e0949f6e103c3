# What the scripts beside this share: saying things, becoming root, finding the machine's own Debian mirror.

say() { printf '  %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Run as root: directly, or through sudo.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
    die "this needs root: run it as root or install sudo"; fi
}

# The mirror that this machine's apt already uses, so that no address is written here.
debian_mirror() {
  { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null || true; } |
    sed -nE 's/^URIs: *([^ ]+).*/\1/p; s/^deb +(\[[^]]*\] +)?(http[^ ]+) .*/\2/p' | grep -E '/debian/?$' | head -n 1
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >>"${LOG:-/dev/null}" 2>&1
}
