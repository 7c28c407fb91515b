#!/usr/bin/env bash
# Makes the fixture spool-N.tar.gz: a spool with its ledger as the program of today leaves it, with
# jobs in every place where a job can rest. Run it once for each format or release, by hand:
#   Tests/EndToEndTests/Fixtures/make-spool.sh PROGRAM spool-2.tar.gz
# and keep every earlier one: later versions must read, verify and go on with them. The signing keys
# stay behind: they are no part of a spool.
set -euo pipefail
program=$(readlink -f "$1")
output=$(readlink -f "$2")
examples=$(readlink -f "$(dirname "$0")/../../../queue/examples")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export EDGECODER_SPOOL=$folder/spool EDGECODER_KEYS=$folder/keys HOME=$folder
edgecoder() { "$program" "$@"; }

edgecoder init --quiet
edgecoder run -q "$examples/hello.shell" --key hello
edgecoder run -q "$examples/humaneval-0" --candidate solution --queue tests
edgecoder run -q "$examples/humaneval-0" || [ $? = 1 ]
edgecoder run -q "$examples/words.javascript" --count 3
printf 'no archive' >garbage
edgecoder run -q garbage || [ $? = 65 ]
edgecoder account create ci
edgecoder account grant ci 12.5 --reason 'budget of the fixture'
edgecoder account allow ci --uid 7001

parent=$(edgecoder submit "$examples/hello.shell" --hold 'waits for a person' --retries 0)
edgecoder submit "$examples/hello.shell" --after "$parent" --priority 3
gone=$(edgecoder submit "$examples/primes.python")
lost=$(edgecoder submit "$examples/primes.python" --retries 0 --priority 50)
edgecoder cancel "$gone" --reason 'a fixture needs one'

# A worker that dies with a job in its hands, whose budget is used up.
"$program" worker --id lost --slots 1 &
worker=$!
until [ -e spool/workers/lost/worker.json ]; do sleep 0.1; done
kill -STOP $worker
edgecoder schedule --once
# As if it had claimed the job: it has no time to run it.
mv spool/workers/lost/inbox/"$lost".* spool/workers/lost/running/
kill -KILL $worker
wait $worker || true
edgecoder settle --once 2>/dev/null

# The last two wait in incoming/, one of them a batch.
edgecoder submit "$examples/primes.python" --count 2
edgecoder submit "$examples/hello.shell"
edgecoder status --all
edgecoder ledger verify
# What is installed on the machine that made it concerns nobody.
sed -i -e 's/"host":"[^"]*"/"host":"fixture"/' \
  -e 's/"provides":\[[^]]*\]/"provides":["language:shell","program:bash"]/' \
  spool/workers/lost/worker.json
tar --sort=name --owner=0 --group=0 --numeric-owner -czf "$output" spool
ls -l "$output"
