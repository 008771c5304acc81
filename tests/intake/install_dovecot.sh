#!/bin/sh
# Install Debian's dovecot for the tests, as root, without starting its service: a mail
# server that listens is not what somebody asks for who runs tests.
command -v apt-get >/dev/null || exit 0
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
echo "Installation de dovecot pour les tests… / Installing dovecot for the tests…"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update || true
apt-get -qq install -y --no-install-recommends dovecot-imapd dovecot-lmtpd >/dev/null ||
    echo "dovecot n'a pas pu être installé. / dovecot could not be installed." >&2
