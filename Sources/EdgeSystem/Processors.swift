internal import CLinux
internal import Glibc

/// The processors that this process may use.
package enum Processors {
  /// Their number; at least 1.
  package static func available() -> Int { max(1, allowed().count) }

  /// How many the machine has, also those that this process may not use.
  package static var ofMachine: Int { sysconf(Int32(_SC_NPROCESSORS_ONLN)) }

  /// Their numbers, sched_getaffinity(2), the first of every core before the second of any.
  package static func allowed() -> [Int] {
    var bits = [UInt8](repeating: 0, count: Processors.bytes)
    let count = max(0, Int(ec_processors(0, &bits, bits.count)))
    let numbers = (0..<count * 8).filter { bits[$0 / 8] & 1 << ($0 % 8) != 0 }
    return numbers.map { (place: placeInCore($0), number: $0) }.sorted { $0 < $1 }.map(\.number)
  }

  /// Lets another process run on these alone, and what it starts from now on.
  package static func confine(_ process: Int32, to numbers: [Int]) throws(SystemError) {
    _ = try checked("sched_setaffinity", "process \(process)") { set(process, numbers) }
  }

  /// Has the calling thread run on these, where that is possible and any is named.
  package static func move(to numbers: [Int]) {
    if !numbers.isEmpty { _ = set(0, numbers) }
  }

  private static func set(_ process: Int32, _ numbers: [Int]) -> Int {
    var bits = [UInt8](repeating: 0, count: Processors.bytes)
    for number in numbers { bits[number / 8] |= 1 << (number % 8) }
    return Int(ec_set_processors(process, bits, bits.count))
  }

  /// One bit for each of 8192 processors, as many as a kernel can have.
  private static let bytes = 1024

  /// 0 for the first processor of a core, 1 for its second, and so on.
  private static func placeInCore(_ number: Int) -> Int {
    let path = "/sys/devices/system/cpu/cpu\(number)/topology"
    guard let directory = try? Directory(path: path),
      let file = try? directory.open("thread_siblings_list", O_RDONLY),
      let bytes = try? file.read(atMost: 4096)
    else { return 0 }
    // Such as 0,32 or 0-1.
    let siblings = bytes.split { $0 == 0x2C || $0 == 0x0A }.flatMap { part in
      let ends = part.split(separator: 0x2D).compactMap { Int(String(decoding: $0, as: UTF8.self)) }
      return ends.isEmpty ? [] : Array(ends[0]...max(ends[0], ends[ends.count - 1]))
    }
    return siblings.firstIndex(of: number) ?? 0
  }
}
