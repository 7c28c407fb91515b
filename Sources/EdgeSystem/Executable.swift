internal import Glibc

/// Where this program lies, so that its own parts are found beside it and nowhere else.
package enum Executable {
  /// The path of the running program.
  package static func path() throws(SystemError) -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = try checked("readlink", "/proc/self/exe") {
      readlink("/proc/self/exe", &buffer, buffer.count - 1)
    }
    return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The directory of the running program.
  package static func directory() throws(SystemError) -> String {
    let path = try path()
    return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
  }

  /// The first existing place of a part: beside the program, in `../libexec/edgecoder`, in
  /// `../share/edgecoder`. Never the working directory, never PATH.
  package static func part(_ name: String) throws(SystemError) -> String {
    let base = try directory()
    for place in ["", "/../libexec/edgecoder", "/../share/edgecoder"] {
      let path = "\(base)\(place)/\(name)"
      if access(path, F_OK) == 0 { return path }
    }
    throw SystemError("find", errno: ENOENT, subject: "\(base)/\(name)")
  }
}

extension Executable {
  /// The working directory of this process.
  package static func workingDirectory() throws(SystemError) -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    guard getcwd(&buffer, buffer.count) != nil else { throw SystemError("getcwd", ".") }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The path as it is from anywhere, for a program that is started.
  package static func absolute(_ path: String) throws(SystemError) -> String {
    path.hasPrefix("/") ? path : try workingDirectory() + "/" + path
  }
}
