import EdgeJob
import EdgeLedger
import EdgeTestSupport
import Testing

/// Another program, in another language, comes to the same chain and the same balances from
/// nothing but the documented format.
@Suite struct OracleTests {
  private static let script = """
    import sqlite3, sys, json, hashlib
    db = sqlite3.connect(sys.argv[1])
    last, sums, held, when = bytes(32), {}, {}, 0
    for number, (seq, body, stored) in enumerate(
        db.execute("SELECT seq, body, hash FROM entry ORDER BY seq")):
      entry = json.loads(body)
      plain = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
      assert plain.encode() == body and entry["schema"] == "edgecoder.entry/1"
      assert number == seq == entry["seq"] and entry["ts"] >= when
      when = entry["ts"]
      leaf = hashlib.sha256(b"\\0" + body).digest()
      last = hashlib.sha256(last + leaf).digest()
      assert last == stored
      for leg, t in enumerate(entry.get("transfers", [])):
        named = [entry.get("job", ""), entry.get("phase", "entry/%d" % seq), str(leg)]
        preimage = "\\0".join(["edgecoder.transfer/1"] + named).encode()
        assert t["id"] == hashlib.sha256(preimage).hexdigest()[:32]
        for side, sign in (("dr", -1), ("cr", 1)):
          moved = int(t["amount"]) if t["kind"] in ("single", "post") else 0
          sums[t[side]] = sums.get(t[side], 0) + sign * moved
        pending = {"pending": int(t["amount"])}.get(t["kind"], -int(t.get("held", 0)))
        held[t["dr"]] = held.get(t["dr"], 0) + pending
    for name, balance, pend in db.execute("SELECT name, cr_post - dr_post, dr_pend FROM account"):
      assert sums.get(name, 0) == balance and held.get(name, 0) == pend, name
    assert sum(sums.values()) == 0
    print(number + 1, last.hex())
    """

  @Test(.python("sqlite3"), arguments: Seed.some(3))
  func `Python finds the same chain and balances`(seed: Seed) throws {
    var walk = try Walk(seed: seed)
    try walk.run(steps: 150)
    let result = try Python.run(Self.script, [walk.books.file])
    #expect(result.status == 0, "\(result)")
    #expect(result.output == "\(try walk.books.ledger.head())\n")
  }

  /// The twin: it is a real check, since it refuses a changed balance.
  @Test(.python("sqlite3"))
  func `Python refuses a changed balance`() throws {
    let books = try Books()
    let raw = try Raw(books.file, checks: false)
    try raw.dropTriggers()
    try raw.run("UPDATE account SET cr_post = cr_post + 1 WHERE id = 4")
    #expect(try Python.run(Self.script, [books.file]).status != 0)
  }
}
