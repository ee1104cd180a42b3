#!/usr/bin/env bash
# Installs what only the tests need (a real broker, a real browser, a sound server), then runs the whole suite.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=(mosquitto chromium libportaudio2 pulseaudio pulseaudio-utils libasound2-plugins fonts-dejavu-core postgresql systemd)
declare -A proof=([systemd]=/usr/bin/systemd-analyze [postgresql]=/usr/lib/postgresql/*/bin/initdb [fonts-dejavu-core]=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf [pulseaudio-utils]=/usr/bin/pactl [mosquitto]=/usr/sbin/mosquitto [chromium]=/usr/bin/chromium [pulseaudio]=/usr/bin/pulseaudio
    [libportaudio2]=/usr/lib/*/libportaudio.so.2 [libasound2-plugins]=/usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so)
missing=()
for package in "${packages[@]}"; do
    # shellcheck disable=SC2086
    ls ${proof[$package]} >/dev/null 2>&1 || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing for the tests: ${missing[*]}"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    elif [ "${CI:-}" = true ]; then
        echo "CI lacks ${missing[*]} and may not install them" >&2; exit 1
    else
        echo "Left out, because these packages are missing and cannot be installed here: ${missing[*]}" >&2
    fi
fi
.venv/bin/python -m pytest -n "${TEST_PROCESSES:-2}" --dist loadgroup "$@"
