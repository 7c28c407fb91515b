package import EdgeJob

extension RunReport.LimitsHit {
  /// For documents.
  package var json: JSON {
    [
      "cpu": .bool(cpu), "wall": .bool(wall), "output": .bool(output),
      "workspaceFull": .bool(workspaceFull), "oomKills": .int(outOfMemoryKills),
      "processRefusals": .int(processRefusals), "outputBytesDropped": .int(outputBytesDropped),
      "violation": violation.map { .string($0) } ?? .null,
    ]
  }
}

extension RunReport.Activity {
  /// For documents.
  package var json: JSON {
    [
      "bytesRead": .int(bytesRead), "bytesWritten": .int(bytesWritten),
      "voluntarySwitches": .int(voluntarySwitches),
      "involuntarySwitches": .int(involuntarySwitches),
    ]
  }
}

extension NotedCall {
  /// For documents. Registers are hexadecimal text: they may be above what a number in JSON holds.
  package var json: JSON {
    [
      "syscall": .string(name),
      "args": .array(arguments.map { .string("0x" + String($0, radix: 16)) }),
      "count": .int(count),
    ]
  }
}
