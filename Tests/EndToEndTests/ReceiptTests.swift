import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

extension EndToEnd {
  /// What comes back, judged by other people's programs.
  @Suite struct ReceiptTests {}
}

extension EndToEnd.ReceiptTests {
  /// DSSE 1.0 and in-toto Statement v1, without a line of ours.
  private static let judge = """
    import base64, hashlib, json, sqlite3, sys
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    envelope = json.load(open(sys.argv[1]))
    result = open(sys.argv[2], 'rb').read()
    ledger = sqlite3.connect('file:' + sys.argv[3] + '?mode=ro', uri=True)
    spool = json.load(open(sys.argv[4]))
    payload = base64.b64decode(envelope['payload'], validate=True)
    kind = envelope['payloadType'].encode()
    assert kind == b'application/vnd.in-toto+json', kind
    [signature] = envelope['signatures']
    [(public, purpose)] = ledger.execute(
      'SELECT public, purpose FROM key WHERE id = ?', [signature['keyid']])
    assert purpose == 'worker'
    signed = b'DSSEv1 %d %s %d %s' % (len(kind), kind, len(payload), payload)
    Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(signature['sig']), signed)
    statement = json.loads(payload)
    assert statement['_type'] == 'https://in-toto.io/Statement/v1'
    assert statement['predicateType'] == 'urn:edgecoder:receipt:1'
    digests = [subject['digest']['sha256'] for subject in statement['subject']]
    assert hashlib.sha256(result).hexdigest() in digests, statement['subject']
    predicate = statement['predicate']
    assert predicate['spool'] == spool['spool'] and predicate['job'] == sys.argv[5], predicate
    assert predicate['enforced'] and predicate['usage']['cpuMs'] >= 0, predicate
    print(json.dumps(predicate, sort_keys=True))
    """

  @Test(.python("cryptography", "sqlite3")) func aReceiptIsVerifiedByOthers() throws {
    let place = try Workplace()
    try place.task("ok", "echo out; echo err >&2")
    let run = expect(try place.shell("edgecoder run ok -q"), 0)
    let job = try #require(run.lines.first)
    expect(try place.shell("edgecoder result \(job) --receipt -o receipt.json"), 0)
    expect(try place.shell("edgecoder result \(job) -o - >result.tar.zst"), 0)
    let files = ["receipt.json", "result.tar.zst", "spool/ledger/ledger.db", "spool/spool.json"]
      .map(place.folder.path)
    let judged = try Python.run(Self.judge, files + [job])
    #expect(judged.status == 0, "\(judged)")
    // The twin: one bit of the result, or of the receipt, and the same judge refuses.
    expect(try place.shell("printf x >>result.tar.zst"), 0)
    #expect(try Python.run(Self.judge, files + [job]).status != 0)
    expect(try place.shell("edgecoder result \(job) -o - >result.tar.zst"), 0)
    expect(try place.shell("sed -i 's/\"sig\":\"./\"sig\":\"_/; s/_/A/' receipt.json"), 0)
    expect(try place.shell("edgecoder result \(job) --receipt -o - | cmp -s - receipt.json"), 1)
    #expect(try Python.run(Self.judge, files + [job]).status != 0)
  }

  @Test(.program("python3")) func theResultIsReadByOthers() throws {
    let place = try Workplace()
    let example = "\(Workplace.examples)/humaneval-0"
    let run = try place.edgecoder("run", "-q", "--candidate", "solution", example)
    let job = try #require(expect(run, 0).lines.first)
    expect(try place.shell("edgecoder result \(job) -o out"), 0)
    let judge = """
      import hashlib, json, sys, xml.etree.ElementTree as tree
      folder = sys.argv[1]
      result = json.load(open(folder + '/result.json'))
      assert result['schema'] == 'edgecoder.result/1' and result['job'] == sys.argv[2]
      assert result['outcome'] == {'verdict': 'passed'}, result['outcome']
      assert result['tests'] and all(t['status'] == 'passed' for t in result['tests'])
      for name in ('stdout', 'stderr'):
        digest = hashlib.sha256(open(f'{folder}/{name}', 'rb').read()).hexdigest()
        assert digest == result['phases'][-1][name + 'Sha256']
      suites = tree.parse(folder + '/junit.xml').getroot()
      names = {case.get('name') for case in suites.iter('testcase')}
      assert names == {t['name'] for t in result['tests']}, names
      assert suites.get('failures') == '0'
      """
    let judged = try Python.run(judge, [place.folder.path("out"), job])
    #expect(judged.status == 0, "\(judged)")
    // The untouched source has a verdict too, and the report says which test failed.
    let untouched = expect(try place.edgecoder("run", "-q", example), 1)
    expect(try place.shell("edgecoder result \(untouched.lines.first ?? "") -o second"), 0)
    let xml = String(decoding: try place.folder.read("second/junit.xml"), as: UTF8.self)
    #expect(xml.contains("<failure"), "\(xml)")
  }

  @Test func theResultSaysWhatWasDenied() throws {
    let place = try Workplace()
    let task = try place.task("denied", "exec 3<>/dev/tcp/127.0.0.1/1\nexit 4")
    let run = try place.edgecoder("run", "-q", task)
    let job = try #require(expect(run, 1).lines.first)
    expect(try place.shell("edgecoder result \(job) -o out"), 0)
    let result = try JSON.parse(place.folder.read("out/result.json"))
    let phase = try #require(result["phases"]?.elements?.first)
    // Before, bash asks about a terminal.
    let call = try #require(
      phase["denied"]?.elements?.first { $0["syscall"]?.text == "socket" })
    // AF_INET, SOCK_STREAM
    #expect(call["args"]?.elements?.prefix(2).map(\.text) == ["0x2", "0x1"])
    #expect(phase["limitsHit"]?["violation"] == .null)
    #expect(phase["activity"]?["voluntarySwitches"]?.integer ?? 0 > 0)
  }

  @Test func artifactsComeBack() throws {
    let place = try Workplace()
    let run = try place.edgecoder("run", "-q", "\(Workplace.examples)/primes.python")
    let job = try #require(expect(run, 0).lines.first)
    expect(try place.shell("edgecoder result \(job) -o out"), 0)
    let found = try place.shell("find out -name primes.txt -exec wc -l {} +")
    #expect(found.output.contains("9592"), "\(found)")
  }
}
