#!/usr/bin/env bash
# Makes a Raspberry Pi OS (or Debian 12 and later) board ready to be a station; also brings a newer program.
#   sudo ./install.sh loaban_agent-0.1.0-py3-none-any.whl
#   sudo agent/board/install.sh                              (in a checkout: builds it from there)
# Run it as often as you like. Afterwards: sudo loaban-agent enrol --controller https://… --code …
set -euo pipefail

home=/opt/loaban-agent
settings=/etc/loaban
state=/var/lib/loaban-agent
unit=/etc/systemd/system/loaban-agent.service
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
program="${1:-$here/..}"

if [ "$(id -u)" != 0 ]; then
    echo "Hãy chạy bằng sudo." >&2
    exit 1
fi
if [ ! -e "$program" ]; then
    echo "Không có tệp $program." >&2
    exit 1
fi

echo "1/5 Cài gói hệ thống"
packages=(python3 python3-venv libportaudio2 libsndfile1 ca-certificates)
venv_options=()
# 32-bit ARM has no wheels of two of them: numpy is the distribution's own, cffi is small and compiled here.
if [ "$(dpkg --print-architecture)" = armhf ]; then
    packages+=(python3-numpy gcc python3-dev libffi-dev)
    venv_options+=(--system-site-packages)
fi
# Somebody must set the clock; where nobody does yet, systemd's own client will.
if ! dpkg -s chrony ntpsec systemd-timesyncd 2>/dev/null | grep -q "^Status: install ok installed"; then
    packages+=(systemd-timesyncd)
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"

echo "2/5 Tạo tài khoản và thư mục"
if ! getent passwd loaban >/dev/null; then
    adduser --system --group --home "$state" --no-create-home --quiet loaban
fi
usermod --append --groups audio,dialout loaban
install -d -o loaban -g loaban -m 0750 "$settings" "$state"

echo "3/5 Cài chương trình"
[ -x "$home/bin/python" ] || python3 -m venv "${venv_options[@]}" "$home"
"$home/bin/pip" install --quiet --upgrade --prefer-binary "$program"
ln -sf "$home/bin/loaban-agent" /usr/local/bin/loaban-agent

echo "4/5 Cài dịch vụ"
board="$("$home/bin/python" -c 'from importlib.resources import files; print(files("agent") / "board")')"
install -m 0644 "$board/loaban-agent.service" "$unit"
install -d /etc/systemd/journald.conf.d
install -m 0644 "$board/journald.conf" /etc/systemd/journald.conf.d/loaban.conf
systemctl daemon-reload
systemctl restart systemd-journald
systemctl enable --quiet loaban-agent

echo "5/5 Khởi động"
if [ -e "$settings/agent.toml" ]; then
    systemctl restart loaban-agent
    echo "Xong. Xem đài: sudo loaban-agent status"
else
    echo "Xong. Lấy mã trên trang của đài rồi chạy: sudo loaban-agent enrol --controller https://… --code …"
fi
