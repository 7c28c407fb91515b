#!/bin/bash
# Bash alone: a word is accepted where it reads the same backwards.
set -eu
while IFS= read -r word || [ -n "$word" ]; do
  backwards=$(rev <<<"$word")
  if [ "$word" = "$backwards" ]; then echo "$word ACCEPT"; else echo "$word REJECT"; fi
done </workspace/test_cases.txt >/workspace/results.txt
