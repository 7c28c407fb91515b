/// The way of every task of the shared data through the program, as one script, so that it can run
/// in a world of its own. It judges nothing: it leaves files that the test reads.
enum CampaignScript {
  /// Arguments: folder of the programs, root of the checkout, folder of the data, name of the
  /// control groups, number of mutations. The working directory is empty and becomes:
  /// `before`, `after` (lists of scripts/residue), `import-SET.json`, `archives` and `ids` (line by
  /// line the same jobs), `jobs.json`, `verify.json`, `balance.json`, `statement.json`,
  /// `why/NAME/result.json`, `mutations`, `times`.
  static let text = #"""
    set -euo pipefail
    edgecoder=$1/edgecoder root=$2 data=$3 groups=$4 mutations=$5
    export EDGECODER_SPOOL=$PWD/spool EDGECODER_KEYS=$PWD/keys LC_ALL=C
    mark() { printf '%s %s\n' "$1" "$SECONDS" >>times; }
    "$root/scripts/residue" --groups-below "$groups" >before

    while read -r format path set; do
      "$edgecoder" import "$format" "$data/$path" -o "$set" --json >"import-$set.json"
    done <<'END'
    humaneval humaneval/humaneval.jsonl humaneval
    mbpp mbpp/mbpp.jsonl mbpp
    quixbugs quixbugs/quixbugs.jsonl quixbugs
    exercism exercism-python exercism-python
    exercism exercism-javascript exercism-javascript
    harbor harbor harbor
    END
    mark import

    mkdir untouched solved
    for task in {humaneval,mbpp,quixbugs,exercism-python,exercism-javascript,harbor}/*; do
      printf '%s -o untouched/%s.tar.zst\n' "$task" "${task##*/}"
      if [ -d "$task/solution" ]; then
        printf '%s -o solved/%s.tar.zst --candidate solution\n' "$task" "${task##*/}"
      fi
    done >packing
    own=$root/Tests/EdgeImportTests/HarborSolutions
    for folder in "$own"/*/; do
      name=$(basename "$folder")
      printf 'harbor/harbor-%s -o solved/harbor-%s.tar.zst --candidate %s\n' \
        "$name" "$name" "$own/$name"
    done >>packing
    xargs -P 2 -L 1 "$edgecoder" pack --quiet <packing >/dev/null
    mark pack

    "$edgecoder" init --quiet >/dev/null
    archives=(untouched/*.tar.zst solved/*.tar.zst)
    printf '%s\n' "${archives[@]}" >archives
    "$edgecoder" submit "${archives[@]}" >ids
    mark submit
    "$edgecoder" run --resume --slots 2 --timeout 20m --quiet >run.out 2>run.err ||
      echo $? >run.status
    "$edgecoder" settle --once
    mark run

    "$edgecoder" status --all --why --json >jobs.json
    "$edgecoder" ledger verify --json >verify.json
    "$edgecoder" ledger balance --json >balance.json
    "$edgecoder" ledger statement --limit 100000 --json >statement.json
    mkdir why
    paste archives ids |
      grep -E 'solved/exercism-(python-error-handling|javascript-grep)\.' |
      while read -r archive id; do
        name=${archive##*/}
        "$edgecoder" result "$id" -o "why/${name%%.*}" 2>/dev/null
      done
    mark report

    mkdir copies
    seq 1 "$mutations" | xargs -P 2 -n 1 python3 mutate.py "$edgecoder" >mutations
    rmdir copies
    mark mutations
    "$root/scripts/residue" --groups-below "$groups" >after
    """#

  /// Changes one row of a copy of the ledger, and asks the program about the copy. Prints the seed,
  /// the exit code, and what was changed. The triggers are gone while the row changes and back
  /// before the question, so that nothing but the row can be found.
  static let mutate = #"""
    import os, random, shutil, sqlite3, subprocess, sys

    edgecoder, seed = sys.argv[1], int(sys.argv[2])
    chance = random.Random(seed)
    copy = "copies/%d" % seed
    os.mkdir(copy, 0o700)
    for name in os.listdir("spool"):
        if os.path.isfile("spool/" + name):
            shutil.copy2("spool/" + name, copy)
        elif name != "ledger":
            os.mkdir(copy + "/" + name, os.stat("spool/" + name).st_mode & 0o7777)
    shutil.copytree("spool/ledger", copy + "/ledger")
    base = sqlite3.connect(copy + "/ledger/ledger.db", isolation_level=None)
    triggers = base.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        base.execute("DROP TRIGGER " + name)
    base.execute("PRAGMA foreign_keys = OFF")
    base.execute("PRAGMA ignore_check_constraints = ON")
    tables = [row[0] for row in base.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")]


    def other(value):
        if isinstance(value, int):
            return value + chance.choice([-1000, -1, 1, 7, 1 << 40])
        if isinstance(value, str):
            return value + "x"
        if isinstance(value, bytes) and value:
            place = chance.randrange(len(value))
            flipped = value[place] ^ 1 << chance.randrange(8)
            return value[:place] + bytes([flipped]) + value[place + 1:]
        return chance.randrange(50)


    while True:
        table = chance.choice(tables)
        columns = base.execute("PRAGMA table_info(%s)" % table).fetchall()
        keys = [column[1] for column in columns if column[5]]
        names = [column[1] for column in columns]
        rows = base.execute("SELECT * FROM " + table).fetchall()
        if not rows:
            continue
        row = dict(zip(names, chance.choice(rows)))
        where = " AND ".join(key + " = ?" for key in keys)
        column = chance.choice(names)
        try:
            if chance.randrange(5) == 0:
                what = "delete from %s" % table
                base.execute("DELETE FROM %s WHERE %s" % (table, where), [row[key] for key in keys])
            else:
                what = "%s.%s" % (table, column)
                base.execute(
                    "UPDATE %s SET %s = ? WHERE %s" % (table, column, where),
                    [other(row[column])] + [row[key] for key in keys])
            break
        except sqlite3.DatabaseError:
            continue
    for _, text in triggers:
        base.execute(text)
    base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    base.close()
    done = subprocess.run(
        [edgecoder, "ledger", "verify", "--spool", copy, "--json"], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    shutil.rmtree(copy)
    print(seed, done.returncode, what, flush=True)
    """#
}
