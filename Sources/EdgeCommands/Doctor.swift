internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSandbox
internal import EdgeSpool
internal import EdgeSystem
internal import EdgeWorker

/// `edgecoder doctor`.
struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Shows what this machine offers and what is missing.",
    discussion: "Example: edgecoder doctor --fix   (prints the commands that would help)")

  @Flag(help: "Prints commands that would help; runs none.")
  var fix = false

  @OptionGroup var place: SpoolOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    var rows: [CheckRow] = []
    rows += parts()
    rows += sandbox()
    rows += toolchains()
    rows += spool()
    if fix {
      for row in rows where row.result != .ok {
        if let next = row.next { Console.write(next + "\n") }
      }
    } else {
      try output.render(Document(schema: "edgecoder.doctor/1", list: "checks", rows: rows))
    }
    if rows.contains(where: { $0.result == .failed }) {
      throw ArgumentParser.ExitCode(EdgeJob.ExitCode.unavailable.rawValue)
    }
  }

  private func parts() -> [CheckRow] {
    ["edgecoder-jail", "sandbox-profiles"].map { part in
      do throws(SystemError) {
        return CheckRow(part, .ok, found: try Executable.part(part))
      } catch {
        return CheckRow(
          part, .failed, found: error.description,
          next: "install it beside edgecoder, or in ../libexec/edgecoder or ../share/edgecoder")
      }
    }
  }

  private func sandbox() -> [CheckRow] {
    do throws(LaunchFailure) {
      let host = try SandboxHost.probe()
      var rows = host.findings.map {
        CheckRow(
          $0.property, $0.ok ? .ok : .warning,
          found: $0.note.isEmpty ? $0.mechanism : "\($0.mechanism) (\($0.note))")
      }
      for name in Offering.profiles {
        do throws(LaunchFailure) {
          try Offering.check(name, host)
          rows.append(CheckRow("profile \(name)", .ok, found: "its floor is reached"))
        } catch {
          rows.append(
            CheckRow("profile \(name)", .warning, found: error.description, next: error.hint))
        }
      }
      return rows
    } catch {
      return [CheckRow("sandbox", .failed, found: error.description, next: error.hint)]
    }
  }

  private func toolchains() -> [CheckRow] {
    let offering = Offering.probe()
    let packages = ["python": "python3 python3-pytest", "javascript": "nodejs", "shell": "bash"]
    return packages.sorted { $0.key < $1.key }.map { language, names in
      let isThere = offering.provides.contains("language:\(language)")
      return CheckRow(
        "language \(language)", isThere ? .ok : .warning,
        found: isThere ? "there" : "missing; tasks in it are held",
        next: isThere ? nil : "apt-get install -y --no-install-recommends \(names)")
    }
  }

  private func spool() -> [CheckRow] {
    do {
      let spool = try place.open()
      let free = try spool.root.freeSpace()
      let isLow = free.bytes < 1 << 30 || free.inodes < 10_000
      return [
        CheckRow("spool", .ok, found: spool.path),
        CheckRow(
          "space", isLow ? .warning : .ok,
          found: "\(Amount.bytes(Int64(clamping: free.bytes))), \(free.inodes) files",
          next: isLow ? "edgecoder prune --keep 30d" : nil),
      ]
    } catch {
      return [
        CheckRow(
          "spool", .warning, found: "\(error)", next: "edgecoder init --spool \(place.path)")
      ]
    }
  }
}
