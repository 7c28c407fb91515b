/// How long things may be.
enum SizeRules {
  static let linesPerFileMax = 500
  static let linesPerFunctionMax = 70
  static let columnsMax = 100
  /// README and CHANGELOG are read in one sitting.
  static let linesPerFrontPageMax = 200

  static func findings(in file: SourceFile) -> [Finding] {
    var found: [Finding] = []
    let count = file.lines.last == "" ? file.lines.count - 1 : file.lines.count
    if count > linesPerFileMax {
      found.append(
        Finding(file.path, "\(count) lines, at most \(linesPerFileMax): split by noun or verb"))
    }
    for (index, line) in file.lines.enumerated()
    where line.utf8.count > columnsMax && line.count > columnsMax {
      found.append(Finding(file.path, line: index + 1, "\(line.count) columns"))
    }
    let bodies =
      file.path.hasSuffix(".swift") ? Declarations(file).bodies : CFunctions.bodies(of: file)
    for body in bodies where body.length > linesPerFunctionMax {
      found.append(
        Finding(
          file.path, line: body.first,
          "\(body.name) has \(body.length) lines, at most \(linesPerFunctionMax)"))
    }
    return found
  }

  static func frontPage(_ file: SourceFile) -> [Finding] {
    file.lines.count > linesPerFrontPageMax
      ? [Finding(file.path, "\(file.lines.count) lines, at most \(linesPerFrontPageMax)")] : []
  }
}
