import EdgeSystem
import EdgeTestSupport
import Glibc

/// Another machine, as far as a worker can tell: other namespaces of mounts, network, processes and
/// host name, another boot id, and the spool through a file system of another kind, which knows no
/// files without a name and tells nobody here what changes there.
final class OtherHost {
  private let running: RunningProgram
  private let place: Workplace
  private let name: String

  /// Starts the machine with a worker of the same name.
  /// - Parameters:
  ///   - worker: its worker's name, where that is another one.
  ///   - lease: of the worker.
  ///   - asInit: lets the worker be process 1 of the machine.
  init(
    _ place: Workplace, _ name: String, worker: String? = nil, lease: String = "2s",
    asInit: Bool = false
  ) throws {
    self.place = place
    self.name = name
    let root = try place.folder.open()
    try root.ensureDirectory("spool-\(name)")
    // Another one for each machine, and the same after it was started anew.
    try place.folder.write("boot-\(name)", text: "\(name)-4000-8000-000000000000\n")
    let script = """
      set -e
      hostname "$1"
      mount --bind "$2/boot-$1" /proc/sys/kernel/random/boot_id
      bindfs "$2/spool" "$2/spool-$1"
      exec 2>"$2/log/$1"
      # The tree of control groups is one for all machines here, so processes need other numbers.
      echo "$5" > /proc/sys/kernel/ns_last_pid
      \(asInit ? "exec" : "") "$0" worker --id "$3" --slots 1 --spool "$2/spool-$1" --lease "$4"
      # Without more to do, bash would become the worker, and so process 1.
      exit 0
      """
    running = try RunningProgram(
      "unshare",
      [
        "--mount", "--net", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "/bin/bash",
        "-c", script, Workplace.program, name, place.path, worker ?? name, lease,
        String(1000 + Int(Random.bytes(1)[0]) * 100),
      ], environment: place.environment)
  }

  /// The process of its worker, numbered as here; nil where there is none.
  var worker: Int32? {
    place.processes.first { process in
      Self.commandLine(process).hasPrefix("\(Workplace.program)\0worker\0")
        && Self.commandLine(process).contains("spool-\(name)\0")
    }
  }

  /// What serves the spool's files there.
  var fileServer: Int32? {
    place.processes.first { Self.commandLine($0).hasPrefix("bindfs\0") }
  }

  private static func commandLine(_ process: Int32) -> String {
    let bytes = try? Directory(path: "/proc/\(process)").read("cmdline", atMost: 1 << 16)
    return String(decoding: bytes ?? [], as: UTF8.self)
  }

  /// What its worker has said.
  var log: String { place.log(name) }

  /// Switches the machine off.
  func cutPower() {
    running.signal(SIGKILL)
    _ = running.wait()
  }

  /// Asks its worker to end, and waits for that.
  func shutDown() {
    if let worker { kill(worker, SIGTERM) }
    _ = running.wait()
  }

  /// Waits for the end of its worker.
  func waitForEnd() { _ = running.wait() }
}

/// A process whose command line has this word, anywhere on the machine; nil where there is none.
func process(with word: String) -> Int32? {
  let names = (try? Directory(path: "/proc").entries()) ?? []
  return names.compactMap { Int32($0) }.first { process in
    let bytes = try? Directory(path: "/proc/\(process)").read("cmdline", atMost: 1 << 16)
    return (bytes ?? []).split(separator: 0).contains { $0.elementsEqual(word.utf8) }
  }
}
