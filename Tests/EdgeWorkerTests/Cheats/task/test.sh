#!/bin/bash
python3 -B -c '
from solution import middle
assert middle(1, 2, 3) == 2 and middle(9, 4, 7) == 7
'
if [ $? -eq 0 ]; then
  echo 1 > /logs/verifier/reward.txt
else
  echo 0 > /logs/verifier/reward.txt
fi
exit 0
