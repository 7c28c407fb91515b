import Glibc

/// A program of the machine, run by the shell; its answer is the oracle.
struct Tool {
  let status: Int32
  /// Standard output and error together.
  let output: String

  /// Runs a line of shell in the root of the repository.
  init(_ line: String) {
    guard let pipe = popen("cd '\(Repository.root)' && { \(line)\n} </dev/null 2>&1", "re") else {
      status = -1
      output = "popen: errno \(errno)"
      return
    }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&buffer, 1, buffer.count, pipe), count > 0 {
      bytes += buffer[..<count]
    }
    let ended = pclose(pipe)
    status = ended & 0x7F == 0 ? (ended >> 8) & 0xFF : 128 + (ended & 0x7F)
    output = String(decoding: bytes, as: UTF8.self)
  }

  static func exists(_ name: String) -> Bool { Tool("command -v \(name)").status == 0 }

  /// The lines of the output that are not empty.
  var lines: [Substring] { output.split(separator: "\n") }
}

/// A folder for planted files.
struct PlantedFolder {
  let path: String

  /// Makes a folder, lends it, and removes it with everything in it.
  static func lend<Result>(_ body: (PlantedFolder) throws -> Result) rethrows -> Result {
    var template = Array("/tmp/tidy.XXXXXX".utf8CString)
    precondition(mkdtemp(&template) != nil, "a folder for planted files cannot be made")
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { _ = Tool("rm -r '\(path)'") }
    return try body(PlantedFolder(path: path))
  }

  /// Writes a file and answers its absolute path.
  func plant(_ name: String, _ text: String) -> String {
    let file = "\(path)/\(name)"
    guard let stream = fopen(file, "we") else { preconditionFailure("cannot write \(file)") }
    fputs(text, stream)
    fclose(stream)
    return file
  }
}
