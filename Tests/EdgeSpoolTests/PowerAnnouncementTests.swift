import EdgeJob
import EdgeSpool
import Testing

/// What a worker says of itself where it does not take everything.
@Suite struct PowerAnnouncementTests {
  @Test func `who takes everything says what it always said`() {
    #expect(
      WorkerFile.some("w").json.canonicalText == """
        {"draining":false,"host":"host","id":"w","key":"key","process":1,"profiles":["shell"],\
        "provides":[],"schema":"edgecoder.worker/1","slots":1}
        """)
  }

  @Test func `who does not says which jobs it takes and why`() throws {
    var file = WorkerFile.some("w")
    for mode in WorkerMode.allCases {
      for accepts in Acceptance.allCases {
        file.mode = mode
        file.accepts = accepts
        file.why = accepts == .all ? nil : "laptop_battery_low"
        #expect(try WorkerFile(json: JSON.parse(file.json.canonical)) == file)
        #expect(file.json["accepts"]?.text == (accepts == .all ? nil : accepts.rawValue))
        #expect(file.json["mode"]?.text == (mode == .on ? nil : mode.rawValue))
      }
    }
  }

  @Test(
    arguments: [
      ("mode", "On"), ("mode", ""), ("accepts", "nothing"), ("accepts", "All"), ("why", ""),
      ("why", "two words"), ("why", "a\u{1B}[31m"),
      ("why", .string(String(repeating: "a", count: 65))),
      ("accepts", 1), ("mode", .null),
    ] as [(String, JSON)])
  func `what it cannot say`(name: String, value: JSON) {
    let members = WorkerFile.some("w").json.members ?? []
    #expect(throws: JSONError.self) {
      try WorkerFile(json: .object(members + [JSON.Member(name, value)]))
    }
  }
}
