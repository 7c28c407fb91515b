#!/bin/bash
# Counts the files that start with the four bytes of a SPIR-V module.
set -eu
total=0
valid=0
for file in /workspace/shaders/*.spv; do
  total=$((total + 1))
  if [ "$(head -c 4 "$file" | od -An -tx1 | tr -d ' \n')" = 03022307 ]; then
    valid=$((valid + 1))
  fi
done
printf 'total=%d\nvalid=%d\ninvalid=%d\n' "$total" "$valid" "$((total - valid))" \
  >/workspace/analysis.txt
