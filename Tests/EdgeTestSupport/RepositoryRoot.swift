internal import EdgeSystem
internal import Glibc

/// The root of the checkout that these tests were compiled from.
package enum RepositoryRoot {
  /// Its real path, without links: the package may be built through linked folders.
  package static let path: String = {
    guard let resolved = realpath(#filePath, nil) else {
      preconditionFailure("the sources of the tests are gone: \(#filePath)")
    }
    defer { free(resolved) }
    let parts = String(cString: resolved).split(separator: "/")
    return "/" + parts.dropLast(3).joined(separator: "/")
  }()
}

/// The path of a program that was built together with these tests, such as `edgecoder`.
///
/// It lies beside the test bundle, which is the running program.
package func binary(_ name: String) -> String {
  guard let directory = try? Executable.directory() else {
    preconditionFailure("/proc/self/exe cannot be read")
  }
  return "\(directory)/\(name)"
}

/// A variable of the environment of the tests, nil where it is unset or empty.
package func environmentVariable(_ name: String) -> String? {
  guard let value = getenv(name) else { return nil }
  let text = String(cString: value)
  return text.isEmpty ? nil : text
}
