import EdgeJob
import EdgeTestSupport
import Testing

extension EndToEnd {
  /// The form of `submit` that is read without the parser of the command line does what the others
  /// do.
  @Suite struct QuickSubmitTests {}
}

extension EndToEnd.QuickSubmitTests {
  private func place() throws -> Workplace {
    let place = try Workplace()
    try place.task("task", "true")
    expect(try place.shell("edgecoder pack task -o task.tar.zst"), 0)
    return place
  }

  /// Both forms leave the same file, whatever the order of the arguments is.
  @Test func bothFormsAreTheSame() throws {
    let place = try place()
    let forms = [
      "submit --spool spool --queue slow task.tar.zst",
      "submit task.tar.zst --queue slow --spool spool",
      "submit --spool spool --queue=slow task.tar.zst",
      "submit --spool spool --queue slow --priority 0 task.tar.zst",
    ]
    var files: Set<String> = []
    for form in forms {
      let run = expect(try place.shell("edgecoder \(form)"), 0)
      let job = try #require(run.lines.first)
      #expect(run.lines.count == 1 && JobID(job) != nil && run.errors.isEmpty)
      files.insert(
        expect(try place.shell("sha256sum < spool/incoming/\(job)"), 0).output)
    }
    #expect(files.count == 1)
    #expect(try place.names("spool/incoming").count == forms.count)
  }

  /// What is wrong is said as by the other forms.
  @Test(
    arguments: [
      ("submit --spool spool missing.tar.zst", 66), ("submit --spool spool task", 0),
      ("submit --spool nowhere task.tar.zst", 69), ("submit --spool spool", 64),
      ("submit --spool spool --queue 'a b' task.tar.zst", 64),
      ("submit --spool spool --unknown task.tar.zst", 64),
      ("submit --spool spool -- task.tar.zst", 0), ("submit --help", 0),
      ("submit --spool spool task.tar.zst task.tar.zst", 0),
    ] as [(String, Int32)])
  func otherFormsGoToTheParser(form: String, status: Int32) throws {
    let place = try place()
    let run = try place.shell("edgecoder \(form)")
    #expect(run.status == status, "\(run.errors)")
  }
}
