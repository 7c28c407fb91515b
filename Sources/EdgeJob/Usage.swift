/// What one attempt used, measured from outside the sandbox.
package struct Usage: Hashable, Sendable {
  /// CPU time of the whole process tree, both phases, milliseconds; the charge is made of this.
  package var cpuMilliseconds: Int64
  /// Time on the wall of both phases, milliseconds.
  package var wallMilliseconds: Int64
  /// Highest memory of the tree, bytes; 0 where the machine cannot tell.
  package var memoryPeakBytes: Int64
  /// Bytes that the task wrote to standard output and error, also those not kept.
  package var outputBytes: Int64
  /// Processes that were still alive when the first one ended.
  package var orphans: Int64

  package init(
    cpuMilliseconds: Int64 = 0, wallMilliseconds: Int64 = 0, memoryPeakBytes: Int64 = 0,
    outputBytes: Int64 = 0, orphans: Int64 = 0
  ) {
    self.cpuMilliseconds = cpuMilliseconds
    self.wallMilliseconds = wallMilliseconds
    self.memoryPeakBytes = memoryPeakBytes
    self.outputBytes = outputBytes
    self.orphans = orphans
  }

  /// Both phases together: sums, and the higher of the two peaks.
  package static func + (left: Usage, right: Usage) -> Usage {
    Usage(
      cpuMilliseconds: left.cpuMilliseconds + right.cpuMilliseconds,
      wallMilliseconds: left.wallMilliseconds + right.wallMilliseconds,
      memoryPeakBytes: max(left.memoryPeakBytes, right.memoryPeakBytes),
      outputBytes: left.outputBytes + right.outputBytes, orphans: left.orphans + right.orphans)
  }

  package var json: JSON {
    [
      "cpuMs": .int(cpuMilliseconds), "wallMs": .int(wallMilliseconds),
      "memoryPeakBytes": .int(memoryPeakBytes), "outputBytes": .int(outputBytes),
      "orphans": .int(orphans),
    ]
  }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "usage")
    self.init(
      cpuMilliseconds: try fields.integer("cpuMs"), wallMilliseconds: try fields.integer("wallMs"),
      memoryPeakBytes: try fields.integer("memoryPeakBytes"),
      outputBytes: try fields.integer("outputBytes"), orphans: try fields.integer("orphans"))
    try fields.end()
    guard cpuMilliseconds >= 0, wallMilliseconds >= 0 else {
      throw JSONError("\"usage\" has a negative time")
    }
  }
}

/// What held while a task ran: property → by which mechanism, and its value.
package typealias Enforced = [String: String]
