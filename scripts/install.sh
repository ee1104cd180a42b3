#!/usr/bin/env bash
# Makes the environment once, and again when what it is made from changes. Needs only python3 (3.11 or newer).
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
stamp=.venv/.installed
wanted=$(cat pyproject.toml constraints.txt | sha256sum | cut -d' ' -f1)

# One line that counts the packages as they come; on a terminal it overwrites itself.
show_progress() {
    local end='\n'
    [ -t 1 ] && end='\r'
    awk -v total="$(grep -c == constraints.txt)" -v end="$end" '
        /^Collecting|^Requirement already/ { count++ }
        /^Collecting/ && (end == "\r" || count % 20 == 0) { printf "      %d/%d %-40s%s", count, total, $2, end; fflush() }
        /^Installing collected/ { printf "      %-60s\n", "…"; fflush() }'
}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Cần Python 3.11 trở lên. / Python 3.11 or newer is needed." >&2; exit 1; }
if [ ! -x .venv/bin/python ]; then
    echo "[1/3] Tạo môi trường Python / making the Python environment"
    "$python" -m venv .venv || {
        echo "Thiếu mô-đun venv: cài gói python3-venv rồi chạy lại. / Install the package python3-venv, then run again." >&2
        rm -rf .venv; exit 1; }
fi
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ]; then
    echo "[2/3] Cài thư viện (vài phút lần đầu) / installing libraries (a few minutes the first time)"
    .venv/bin/python -m pip install --disable-pip-version-check --progress-bar off \
        -c constraints.txt -e '.[agent,controller,dev]' | show_progress
    echo "$wanted" > "$stamp"
fi
.venv/bin/python scripts/assets.py
