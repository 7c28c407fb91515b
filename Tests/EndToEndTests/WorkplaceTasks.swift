import EdgeJob
import EdgeSystem
import EdgeTestSupport

extension Workplace {
  /// Writes a task that is a Bash script, and gives the path of its directory.
  @discardableResult
  func task(_ name: String, _ script: String, more: String = "") throws -> String {
    let root = try folder.open()
    try root.ensureDirectory(name)
    try root.ensureDirectory("\(name)/source")
    try folder.write("\(name)/instruction.md", text: "A task of a test.\n")
    try folder.write("\(name)/source/main.sh", text: script + "\n")
    try folder.write(
      "\(name)/task.toml",
      text: """
        schema_version = "1.4"

        [task]
        name = "\(name)"
        description = "A task of a test."

        [edgecoder]
        format = 1
        kind = "run"
        language = "shell"
        profile = "shell"
        command = ["bash", "main.sh"]

        [edgecoder.limits]
        cpu = "5"
        wall = "120"
        \(more)

        """)
    return folder.path(name)
  }

  /// Hands tasks over and gives the ids of their jobs.
  func submit(_ arguments: String...) throws -> [String] {
    let result = try runProgram(
      Workplace.program, ["submit"] + arguments, environment: environment)
    guard result.status == 0 else { throw Unexpected("submit: \(result)") }
    return result.lines
  }

  /// Hands one task over and gives the id of its job.
  func submitOne(_ arguments: String...) throws -> String {
    let result = try runProgram(
      Workplace.program, ["submit"] + arguments, environment: environment)
    guard result.status == 0, let job = result.lines.first, result.lines.count == 1 else {
      throw Unexpected("submit: \(result)")
    }
    return job
  }

  /// The row of a job as `status --json` gives it.
  func row(_ job: String, why: Bool = false) throws -> JSON {
    let arguments = ["status", "--json", job] + (why ? ["--why"] : [])
    let result = try runProgram(Workplace.program, arguments, environment: environment)
    guard let row = try result.json["jobs"]?.elements?.first else {
      throw Unexpected("status \(job): \(result)")
    }
    return row
  }

  /// Every job of the spool.
  func rows() throws -> [JSON] {
    try edgecoder("status", "--all", "--json").json["jobs"]?.elements ?? []
  }

  func state(_ job: String) throws -> String { try row(job)["state"]?.text ?? "" }

  /// How a job ended: the verdict, or how else; nil where it has not.
  func ending(_ job: String) throws -> String? {
    guard let ending = try row(job)["ending"] else { return nil }
    return ending["verdict"]?.text ?? ending["ending"]?.text ?? ending.canonicalText
  }

  /// Waits until a job is in this state.
  func wait(_ job: String, for state: String) throws {
    try eventually("job \(job) is \(state)") { try self.state(job) == state }
  }

  /// True where the whole ledger verifies.
  func ledgerIsClean() throws -> Bool { try edgecoder("ledger", "verify").status == 0 }
}
