// The manifest as JSON: the form in which the inspector hands it to the coordinator, and in which
// a ticket carries it to the worker.

extension TaskManifest {
  package var json: JSON {
    .members([
      ("name", .string(name)), ("summary", .string(summary)), ("kind", .string(kind.rawValue)),
      ("language", .string(language)), ("profile", .string(profile)),
      ("command", .texts(command)), ("input", .string(input)),
      ("environment", .table(environment)), ("workDirectory", .string(workDirectory)),
      ("mountPoint", .string(mountPoint)), ("seed", .int(seed)), ("limits", limits.json),
      ("verifier", verifier?.json), ("artifacts", .array(artifacts.map(\.json))),
      ("requirements", .texts(requirements)), ("protected", .texts(protected)),
      ("extensions", .table(extensions)), ("notices", .texts(notices)),
    ])
  }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "manifest")
    guard let kind = Kind(rawValue: try fields.text("kind")) else {
      throw JSONError("an unknown kind of task")
    }
    var verifier: Verifier?
    if let json = fields.take("verifier") { verifier = try Verifier(json: json) }
    var artifacts: [Artifact] = []
    for json in try fields.elements("artifacts") { artifacts.append(try Artifact(json: json)) }
    self.init(
      name: try fields.text("name"), summary: try fields.text("summary"), kind: kind,
      language: try fields.text("language"), profile: try fields.text("profile"),
      command: try fields.texts("command"), input: try fields.text("input"),
      environment: try fields.table("environment"),
      workDirectory: try fields.text("workDirectory"),
      mountPoint: try fields.text("mountPoint"), seed: try fields.integer("seed"),
      limits: try Limits(json: try fields.value("limits")), verifier: verifier,
      artifacts: artifacts, requirements: try fields.texts("requirements"),
      protected: try fields.texts("protected"), extensions: try fields.table("extensions"),
      notices: try fields.texts("notices"))
    try fields.end()
  }
}

extension TaskManifest.Verifier {
  package var json: JSON {
    [
      "runner": .string(runner.rawValue), "files": .texts(files), "expected": .texts(expected),
      "command": .texts(command), "environment": .table(environment), "limits": limits.json,
    ]
  }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "verifier")
    guard let runner = Runner(rawValue: try fields.text("runner")) else {
      throw JSONError("an unknown runner")
    }
    self.init(
      runner: runner, files: try fields.texts("files"), expected: try fields.texts("expected"),
      command: try fields.texts("command"), environment: try fields.table("environment"),
      limits: try Limits(json: try fields.value("limits")))
    try fields.end()
  }
}

extension TaskManifest.Artifact {
  package var json: JSON {
    [
      "path": .string(path), "required": .bool(required), "when": .string(when.rawValue),
      "bytesMax": .int(bytesMax),
    ]
  }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "artifact")
    guard let when = When(rawValue: try fields.text("when")) else {
      throw JSONError("\"when\" of an artifact is unknown")
    }
    self.init(
      path: try fields.text("path"), required: try fields.flag("required"), when: when,
      bytesMax: try fields.integer("bytesMax"))
    try fields.end()
  }
}
