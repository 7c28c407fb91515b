/// What one sandbox may use; every number is enforced, none is advice.
package struct Limits: Hashable, Sendable {
  /// CPU time of the whole process tree, milliseconds.
  package var cpuMilliseconds: Int64
  /// Time on the wall, milliseconds.
  package var wallMilliseconds: Int64
  /// Memory of the whole tree with its temporary files, bytes.
  package var memoryBytes: Int64
  /// Processes and threads alive at once.
  package var processes: Int64
  /// Processors to run on; a worker whose machine has fewer does not get the job.
  package var processors: Int64
  /// Open files of one process.
  package var openFiles: Int64
  /// Bytes kept of standard output and of standard error, each.
  package var outputBytes: Int64
  /// Bytes in the work directory and /tmp together.
  package var diskBytes: Int64
  /// Files and directories in the work directory and /tmp together.
  package var files: Int64

  package init(
    cpuMilliseconds: Int64 = 10_000, wallMilliseconds: Int64 = 30_000,
    memoryBytes: Int64 = 512 << 20, processes: Int64 = 64, openFiles: Int64 = 256,
    outputBytes: Int64 = 1 << 20, diskBytes: Int64 = 256 << 20, files: Int64 = 20_000,
    processors: Int64 = 1
  ) {
    self.cpuMilliseconds = cpuMilliseconds
    self.wallMilliseconds = wallMilliseconds
    self.memoryBytes = memoryBytes
    self.processes = processes
    self.processors = processors
    self.openFiles = openFiles
    self.outputBytes = outputBytes
    self.diskBytes = diskBytes
    self.files = files
  }

  /// The smaller of the two in every number: what a site allows of what a task asks.
  package func capped(by most: Limits) -> Limits {
    Limits(
      cpuMilliseconds: min(cpuMilliseconds, most.cpuMilliseconds),
      wallMilliseconds: min(wallMilliseconds, most.wallMilliseconds),
      memoryBytes: min(memoryBytes, most.memoryBytes), processes: min(processes, most.processes),
      openFiles: min(openFiles, most.openFiles), outputBytes: min(outputBytes, most.outputBytes),
      diskBytes: min(diskBytes, most.diskBytes), files: min(files, most.files),
      processors: min(processors, most.processors))
  }

  /// Without `cpus` where that is 1: manifests from before there was that limit stay as they are.
  package var json: JSON {
    let all: JSON = [
      "cpuMs": .int(cpuMilliseconds), "wallMs": .int(wallMilliseconds),
      "memoryBytes": .int(memoryBytes), "processes": .int(processes),
      "openFiles": .int(openFiles), "outputBytes": .int(outputBytes),
      "diskBytes": .int(diskBytes), "files": .int(files),
    ]
    if processors == 1 { return all }
    return .object((all.members ?? []) + [JSON.Member("cpus", .int(processors))])
  }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "limits")
    self.init(
      cpuMilliseconds: try fields.integer("cpuMs"), wallMilliseconds: try fields.integer("wallMs"),
      memoryBytes: try fields.integer("memoryBytes"), processes: try fields.integer("processes"),
      openFiles: try fields.integer("openFiles"), outputBytes: try fields.integer("outputBytes"),
      diskBytes: try fields.integer("diskBytes"), files: try fields.integer("files"),
      processors: try fields.optionalInteger("cpus") ?? 1)
    try fields.end()
    for member in self.json.members ?? [] where (member.value.integer ?? 0) <= 0 {
      throw JSONError("\"\(member.name)\" of limits is not positive")
    }
  }
}
