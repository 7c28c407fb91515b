#!/bin/bash
# The node whose cluster state has the highest version leads; the lowest port breaks a tie.
set -eu
python3 - <<'END'
import json

versions = {
    9200 + i: json.load(open(f"/home/cluster_data/node{i + 1}_state.json"))[0]["version"]
    for i in range(3)
}
master = max(versions, key=lambda port: (versions[port], -port))
others = ",".join(str(port) for port in sorted(versions) if port != master)
with open("/home/recovery_plan.txt", "w") as plan:
    plan.write(f"MASTER_PORT={master}\nRESTART_PORTS={others}\nSTATUS=ready\n")
END
