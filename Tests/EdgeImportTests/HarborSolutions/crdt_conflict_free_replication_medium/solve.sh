#!/bin/bash
# Last writer wins: the later timestamp, then the higher replica.
set -eu
python3 - <<'END'
import glob
import json

merged = {}
for name in glob.glob("/workspace/replicas/replica_*.json"):
    for entry in json.load(open(name)):
        kept = merged.get(entry["key"])
        order = (entry["timestamp"], entry["replica_id"])
        if kept is None or order > (kept["timestamp"], kept["replica_id"]):
            merged[entry["key"]] = {
                field: entry[field] for field in ("value", "timestamp", "replica_id")
            }
json.dump(merged, open("/workspace/merged_state.json", "w"), indent=2, sort_keys=True)
END
