internal import EdgeSystem
internal import Glibc
package import Testing

/// Disables a test where something that it needs is absent, and tells so.
///
/// The name of each test that needs absent data is appended to the file that the environment
/// variable `EDGECODER_SKIPPED_FILE` names, so that a run can prove that none was left out.
package struct NeedTrait: TestTrait, SuiteTrait {
  private let condition: ConditionTrait
  private let isMet: @Sendable () -> Bool

  init(_ message: String, isMet: @escaping @Sendable () -> Bool) {
    condition = .enabled(if: isMet(), Comment(rawValue: message))
    self.isMet = isMet
  }

  /// On a suite it holds for each test in it.
  package var isRecursive: Bool { true }

  /// Records and disables the test where what it needs is absent.
  package func prepare(for test: Test) async throws {
    if !isMet() { SkippedFile.append("\(test.sourceLocation.fileID) \(test.name)") }
    try await condition.prepare(for: test)
  }
}

extension Trait where Self == NeedTrait {
  /// Runs only where the folder `../shared/data/NAME` exists.
  package static func sharedData(_ name: String) -> NeedTrait {
    NeedTrait("needs the test data in ../shared/data/\(name), which is absent here") {
      SharedData.folder(name) != nil
    }
  }

  /// Runs only where a program of that name is in PATH.
  package static func program(_ name: String) -> NeedTrait {
    NeedTrait("needs the program \(name), which is not installed here") { programPath(name) != nil }
  }

  /// Runs only where Python can import these modules.
  package static func python(_ modules: String...) -> NeedTrait {
    let modules = modules
    return NeedTrait("needs Python with \(modules.joined(separator: ", "))") {
      Python.canImport(modules)
    }
  }
}

/// Test data that lies beside the checkout and is no part of it.
package enum SharedData {
  /// The path of `../shared/data/NAME` from the root of the checkout, or nil where there is none.
  package static func folder(_ name: String) -> String? {
    let path = "\(RepositoryRoot.path)/../shared/data/\(name)"
    return access(path, R_OK) == 0 ? path : nil
  }
}

private enum SkippedFile {
  static func append(_ name: String) {
    guard let path = environmentVariable("EDGECODER_SKIPPED_FILE") else { return }
    let raw = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard raw >= 0 else { return }
    // One write, so that lines of parallel tests stay whole.
    try? Descriptor(owning: raw).write(Array("\(name)\n".utf8))
  }
}
