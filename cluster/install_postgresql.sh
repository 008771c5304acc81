#!/bin/sh
# Install Debian's PostgreSQL with its contributed extensions, as root, without making a
# cluster of its own or starting its service: the one of `make cluster` is enough.
command -v apt-get >/dev/null || exit 0
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
echo "Installation de PostgreSQL… / Installing PostgreSQL…"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update || true
apt-get -qq install -y --no-install-recommends postgresql postgresql-contrib >/dev/null
